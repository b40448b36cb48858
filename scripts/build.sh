#!/usr/bin/env bash
# Builds the functions for deployment into .aws-sam/build, with sam. ARCHITECTURE is arm64 (the default) or x86_64.
source "$(dirname "$0")/lib.sh"

architecture=${ARCHITECTURE:-arm64}
case $architecture in
    arm64) target=aarch64-unknown-linux-gnu ;;
    x86_64) target=x86_64-unknown-linux-gnu ;;
    *) fail "unknown architecture: $architecture" "ARCHITECTURE=arm64 or ARCHITECTURE=x86_64" ;;
esac

say "installing what the build needs, once: sam, cargo-lambda and zig in .venv (800 MB, a minute or two), Rust for $target"
scripts/setup.sh build "$target"
say "building the functions for $architecture, each optimized as a whole: 10 to 20 minutes the first time, less afterwards"
PATH="$PWD/.venv/bin:$PATH" sam build --parameter-overrides "Architecture=$architecture"
if [ "$architecture" = arm64 ]; then
    say "built; now: .venv/bin/sam deploy"
else
    say "built; now: .venv/bin/sam deploy --parameter-overrides Architecture=$architecture"
fi
