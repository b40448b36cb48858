#!/usr/bin/env bash
# Compares the predicted memory with that of real servers that load target/corpora, with allocators of both quanta. The
# tables go to standard output and to target/calibration.md. Measurements are kept in target/calibration; --fresh repeats
# them. CALIBRATE_ARGS="--engine valkey-8.1 --cluster off" restricts the run.
source "$(dirname "$0")/lib.sh"

[ -e target/servers/list-quantum-8 ] || scripts/servers.sh >&2
[ -e target/corpora/a.rdb ] || scripts/corpora.sh >&2
old=target/servers/redis-6.2/bin/redis-server
# Redis 6.2 loads no file that 7.0 has written, so it writes the same data itself.
[ ! -x "$old" ] || [ -e target/corpora/rdb9/a.rdb ] || CORPORA_SERVER=$old CORPORA_FOLDER=target/corpora/rdb9 scripts/corpora.sh >&2

say "building" >&2
cargo build --quiet --release --package rdb-benches --bin calibrate
calibrate() { "${CARGO_TARGET_DIR:-target}/release/calibrate" "$@"; }
status=0
# shellcheck disable=SC2086
calibrate ${CALIBRATE_ARGS:-} "$@" || status=$?
if [ -x "$old" ] && [ -z "${CALIBRATE_ARGS:-}" ] && [ $status -lt 2 ]; then
    echo
    calibrate --folder target/corpora/rdb9 --engine redis-6.2 --output target/calibration-6.2.md "$@" || status=$?
    cat target/calibration-6.2.md >> target/calibration.md
fi
exit $status
