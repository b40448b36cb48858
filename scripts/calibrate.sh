#!/usr/bin/env bash
# Compares predicted memory with that of real servers that load target/corpora; the table goes to standard output and
# to target/calibration.md. What was measured is kept in target/calibration; --fresh measures anew.
# CALIBRATE_ARGS="--engine valkey-8.1 --cluster off" narrows it.
source "$(dirname "$0")/lib.sh"

[ -e target/servers/list ] || scripts/servers.sh >&2
[ -e target/corpora/a.rdb ] || scripts/corpora.sh >&2

say "building" >&2
cargo build --quiet --release --package rdb-benches --bin calibrate
# shellcheck disable=SC2086
exec "${CARGO_TARGET_DIR:-target}/release/calibrate" ${CALIBRATE_ARGS:-} "$@"
