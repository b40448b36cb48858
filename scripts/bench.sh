#!/usr/bin/env bash
# Compares our reader with others' on target/corpora; the tables go to standard output and to target/bench.md.
# BENCH_ARGS="--corpora a,b --only ours,redis-check-rdb" narrows it, BENCH_ROUNDS=5 repeats it more often.
source "$(dirname "$0")/lib.sh"

built=${CARGO_TARGET_DIR:-target}
ours=$built/release/examples/inspect
weighing=$built/release/examples/footprint
peers=$PWD/target/peers

say "building the readers (some minutes the first time)" >&2
cargo build --quiet --release --package rdb-benches --bins
# What cannot be built is left out; nothing old is measured in its place.
cargo build --quiet --release --package rdb-scan --example inspect || ours=/nonexistent
cargo build --quiet --release --package rdb-footprint --example footprint || weighing=/nonexistent
cargo build --quiet --release --locked --manifest-path benches/peers/Cargo.toml --target-dir "$peers" || peers=/nonexistent
[ -e target/servers/list ] || say "only the system's redis-check-rdb is compared; make servers brings newer ones" >&2

trap 'rm -f target/bench.unfinished' EXIT
# shellcheck disable=SC2086
"$built/release/bench" --ours "$ours" --weighing "$weighing" --peers "$peers/release" ${BENCH_ARGS:-} "$@" > target/bench.unfinished
mv target/bench.unfinished target/bench.md
cat target/bench.md
