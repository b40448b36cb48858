#!/usr/bin/env bash
# Runs the fuzz targets with the committed seeds, FUZZ_SECONDS each (60). The corpus is kept in target/fuzz/corpus, and the
# next run continues from it. A crash is kept in fuzz/artifacts and fails the run.
#   scripts/fuzz.sh [TARGET...]
#   FUZZ_REPLAY=FILE scripts/fuzz.sh TARGET    runs one input and nothing else
source "$(dirname "$0")/lib.sh"

readonly version=0.13.2
readonly all="whole_file ranges_and_joins convert lzf listpack"
seconds=${FUZZ_SECONDS:-60}
cargo_fuzz=$PWD/.tools/cargo-fuzz/bin/cargo-fuzz

main() {
    install_cargo_fuzz
    local target failed=
    # Without a sanitizer, which the stable toolchain does not have; the code has no unsafe blocks.
    "$cargo_fuzz" build --sanitizer none --target-dir target/fuzz
    if [ -n "${FUZZ_REPLAY:-}" ]; then
        [ $# = 1 ] || fail "FUZZ_REPLAY takes one target" "one of: $all"
        "$(program "$1")" "$FUZZ_REPLAY"
        return
    fi
    for target in ${*:-$all}; do
        run "$target" || failed+=" $target"
    done
    [ -z "$failed" ] || fail "findings in:$failed" "the lines above say how to see each again"
}

install_cargo_fuzz() {
    [ "$("$cargo_fuzz" --version 2> /dev/null)" = "cargo-fuzz $version" ] && return
    say "cargo-fuzz $version"
    cargo install --quiet cargo-fuzz --version "=$version" --locked --root .tools/cargo-fuzz --target-dir target/cargo-fuzz
    rm -rf target/cargo-fuzz
}

program() { echo "target/fuzz/$(rustc -vV | sed -n 's/^host: //p')/release/$1"; }

run() {
    local target=$1 learnt=target/fuzz/corpus/$1 found=fuzz/artifacts/$1 log=target/fuzz/$1.log before status=0
    [ -d "fuzz/corpus/$target" ] || fail "there is no target $target" "one of: $all"
    mkdir -p "$learnt" "$found"
    before=$(ls "$found")
    # No input needs more than a few milliseconds and a few MiB.
    nice "$(program "$target")" "$learnt" "fuzz/corpus/$target" -dict=fuzz/rdb.dict -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=64 -max_len=8192 -print_final_stats=1 -artifact_prefix="$found/" > "$log" 2>&1 || status=$?
    local executions coverage inputs
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    inputs=$(sed -n 's/.* corp: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
    printf '%-18s %12s executions %6s edges %6s inputs %5s s\n' "$target" "${executions:-?}" "${coverage:-?}" "${inputs:-?}" "$seconds"
    [ $status = 0 ] && return
    grep -E "panicked at|ERROR:|SUMMARY:" -A 3 "$log" | head -n 20
    local file
    for file in $(comm -13 <(echo "$before") <(ls "$found")); do
        printf 'again: FUZZ_REPLAY=%s scripts/fuzz.sh %s\n' "$found/$file" "$target"
        printf 'smaller: .tools/cargo-fuzz/bin/cargo-fuzz tmin --sanitizer none --target-dir target/fuzz %s %s\n' "$target" "$found/$file"
    done
    return 1
}

main "$@"
