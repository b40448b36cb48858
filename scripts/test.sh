#!/usr/bin/env bash
# Runs all tests, cheapest first.
source "$(dirname "$0")/lib.sh"

say "formatting"
cargo fmt --all --check
say "style"
python3 scripts/check_style.py
say "the template and the state machine"
scripts/check-template.sh
say "building (some minutes the first time)"
cargo build --workspace --all-targets
say "tests"
# As many programs run at once as there are cores; those of the whole stack wait more than they compute.
RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(nproc)} python3 scripts/run_tests.py
