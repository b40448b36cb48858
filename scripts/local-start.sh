#!/usr/bin/env bash
# Starts the local stack in the background and waits until it is ready.
source "$(dirname "$0")/lib.sh"

if [ -e .local/pid ] && kill -0 "$(cat .local/pid)" 2> /dev/null; then
    say "the local stack runs already (process $(cat .local/pid)); its environment is in .local/env"
    exit 0
fi
rm -rf .local
mkdir -p .local
nohup target/debug/local-stack serve --dir .local > .local/stack.log 2>&1 &
stack=$!
for _ in $(seq 300); do
    [ ! -e .local/pid ] || { cat .local/stack.log; exit 0; }
    kill -0 "$stack" 2> /dev/null || { cat .local/stack.log >&2; fail "the local stack has ended"; }
    sleep 0.1
done
fail "the local stack was not ready within 30 s" "look at .local/stack.log"
