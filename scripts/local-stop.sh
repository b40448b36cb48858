#!/usr/bin/env bash
# Stops the local stack, by its process ID.
source "$(dirname "$0")/lib.sh"

[ -e .local/pid ] || { say "the local stack does not run"; exit 0; }
stack=$(cat .local/pid)
kill "$stack" 2> /dev/null || true
for _ in $(seq 150); do
    kill -0 "$stack" 2> /dev/null || { say "the local stack has ended"; rm -f .local/pid .local/env; exit 0; }
    sleep 0.1
done
fail "process $stack has not ended within 15 s" "look at .local/stack.log"
