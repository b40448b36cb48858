#!/usr/bin/env bash
# Compares the shipped programs with other readers on target/corpora: `seeder` as `cargo install` builds it, and
# inspect-chunk as deployed. The tables go to standard output and to target/bench.md.
# BENCH_ARGS="--corpora a,b --only seeder,redis-check-rdb" restricts the first table, BENCH_ROUNDS=5 repeats more often.
# BENCH_FASTEST=1 also builds both for speed alone, and reports how close the shipped builds come to that.
source "$(dirname "$0")/lib.sh"

built=${CARGO_TARGET_DIR:-target}
ours=$built/release/seeder
reading=$built/release/examples/inspect
functions=$built/release/inspect-chunk
peers=$PWD/target/peers
other=()
status=0

say "building the readers (some minutes the first time)" >&2
cargo build --quiet --release --package rdb-benches --bins
# A program that does not build is left out; no stale build is measured in its place. One build per program: a joint
# build would unify their features, and measure other programs than those installed and deployed.
cargo build --quiet --release --package seeder-cli --bin seeder || ours=/nonexistent
cargo build --quiet --release --package inspect-chunk || functions=
cargo build --quiet --release --package rdb-scan --example inspect || reading=/nonexistent
cargo build --quiet --release --locked --manifest-path benches/peers/Cargo.toml --target-dir "$peers" || peers=/nonexistent
if [ -n "${BENCH_FASTEST:-}" ]; then
    say "building them for nothing but speed" >&2
    cargo build --quiet --profile fastest --package seeder-cli --bin seeder
    cargo build --quiet --profile fastest --package inspect-chunk
    other=(--other-build "$built/fastest/seeder")
    functions=${functions:+$functions,$built/fastest/inspect-chunk}
fi
[ -e target/servers/list ] || say "only the system's redis-check-rdb is compared; make servers brings newer ones" >&2

trap 'rm -f target/bench.unfinished' EXIT
{
    # shellcheck disable=SC2086
    "$built/release/bench" --ours "$ours" --reading "$reading" "${other[@]}" --peers "$peers/release" ${BENCH_ARGS:-} "$@"
    if [ -n "$functions" ]; then
        printf '\n## inspect-chunk as it is deployed\n\n'
        python3 scripts/bench_inspect_chunk.py "$functions" target/corpora/[a-i].rdb || status=$?
    fi
} > target/bench.unfinished
mv target/bench.unfinished target/bench.md
cat target/bench.md
exit "$status"
