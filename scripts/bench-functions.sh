#!/usr/bin/env bash
# Builds the functions as they are deployed and measures each: size, start to first poll, idle memory.
source "$(dirname "$0")/lib.sh"

functions=()
for folder in functions/*/; do functions+=("$(basename "$folder")"); done
say "building ${#functions[@]} functions in the release profile (fat LTO: some minutes)"
# One build per function, as for deployment: a joint build would unify their features.
for function in "${functions[@]}"; do cargo build --quiet --release --package "$function"; done
python3 scripts/bench_functions.py target/release "${functions[@]}"
