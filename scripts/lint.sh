#!/usr/bin/env bash
# Checks that a change has to pass besides its tests, cheapest first.
source "$(dirname "$0")/lib.sh"

# The version for which deny.toml is written.
cargo_deny=0.20.2

say "formatting and style"
cargo fmt --all --check
python3 scripts/check_style.py
say "clippy"
cargo clippy --workspace --all-targets -- -D warnings
say "the fuzz targets, which are a workspace of their own"
RUSTFLAGS="--cfg fuzzing" cargo check --quiet --manifest-path fuzz/Cargo.toml --bins --target-dir target/fuzz-check
say "the two libraries as packages"
cargo package --quiet --allow-dirty --package rdb-scan --package rdb-footprint
say "licenses, bans and sources (cargo-deny $cargo_deny; some minutes the first time)"
once cargo-deny scripts/lint.sh -- cargo install --quiet --locked --root .tools "cargo-deny@$cargo_deny"
.tools/bin/cargo-deny --log-level warn check bans licenses sources
