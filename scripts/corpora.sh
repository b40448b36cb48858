#!/usr/bin/env bash
# Writes target/corpora/{a..i}.rdb, what is there already at the same scale excepted.
# CORPORA_SCALE=0.1 makes a tenth of each; CORPORA_LARGE=1 also makes a1g.rdb, 1 GB of small strings; CORPORA_SERVER and
# CORPORA_FOLDER have another server write to another folder.
source "$(dirname "$0")/lib.sh"

folder=${CORPORA_FOLDER:-target/corpora}
server=${CORPORA_SERVER:-target/servers/redis-7.0/bin/redis-server}
[ -x "$server" ] || server=$(command -v redis-server) || fail "there is no redis-server" "run: make setup"
case "$("$server" --version)" in
    *"v=7.0."*) ;;
    # Another version writes other encodings, and figures would not compare.
    *) [ -n "${CORPORA_SERVER:-}" ] || printf 'warning: %s is not 7.0, the version that the published tables are of; make servers brings it\n' "$server" >&2 ;;
esac

say "building the generator"
cargo build --quiet --release --package rdb-benches --bin corpora
say "files of scale ${CORPORA_SCALE:-1} in $folder"
"${CARGO_TARGET_DIR:-target}/release/corpora" --folder "$folder" --server "$server" ${CORPORA_LARGE:+--large}
