#!/usr/bin/env bash
# Mutates files of every engine in target/servers, loads them into every engine, and compares the results with the reader's
# verdict. The table goes to standard output and to target/differential.md, files with wrong verdicts to
# target/differential.wrong. DIFFERENTIAL_ARGS="--mutants 1000 --engine valkey-9.1" restricts the run.
source "$(dirname "$0")/lib.sh"

[ -e target/servers/list ] || scripts/servers.sh >&2
say "building" >&2
cargo build --quiet --release --package differential
# shellcheck disable=SC2086
exec "${CARGO_TARGET_DIR:-target}/release/differential" ${DIFFERENTIAL_ARGS:-} "$@"
