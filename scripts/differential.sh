#!/usr/bin/env bash
# Mutates files of every engine of target/servers, has every engine load them, and compares that with our verdict. The table goes
# to standard output and to target/differential.md, files of wrong verdicts to target/differential.wrong.
# DIFFERENTIAL_ARGS="--mutants 1000 --engine valkey-9.1" narrows it.
source "$(dirname "$0")/lib.sh"

[ -e target/servers/list ] || scripts/servers.sh >&2
say "building" >&2
cargo build --quiet --release --package differential
# shellcheck disable=SC2086
exec "${CARGO_TARGET_DIR:-target}/release/differential" ${DIFFERENTIAL_ARGS:-} "$@"
