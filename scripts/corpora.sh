#!/usr/bin/env bash
# Writes target/corpora/{a..i}.rdb, except files that exist already at the same scale.
# CORPORA_SCALE=0.1 writes a tenth of each; CORPORA_LARGE=1 also writes a1g.rdb, 1 GB of small strings. CORPORA_SERVER and
# CORPORA_FOLDER choose another server and folder.
source "$(dirname "$0")/lib.sh"

folder=${CORPORA_FOLDER:-target/corpora}
server=${CORPORA_SERVER:-target/servers/redis-7.0/bin/redis-server}
[ -x "$server" ] || server=$(command -v redis-server) || fail "there is no redis-server" "run: make setup"
case "$("$server" --version)" in
    *"v=7.0."*) ;;
    # Another version writes other encodings, so that figures would not be comparable.
    *) [ -n "${CORPORA_SERVER:-}" ] || printf 'warning: %s is not 7.0, the version that the published tables are of; make servers brings it\n' "$server" >&2 ;;
esac

say "building the generator"
cargo build --quiet --release --package rdb-benches --bin corpora
say "files of scale ${CORPORA_SCALE:-1} in $folder"
"${CARGO_TARGET_DIR:-target}/release/corpora" --folder "$folder" --server "$server" ${CORPORA_LARGE:+--large}
