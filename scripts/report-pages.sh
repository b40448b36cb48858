#!/usr/bin/env bash
# report-pages.sh: looks at pages of the report in a real Chromium: of a backup with data as in the demonstration, of hostile
# key names, and of a broken file, at two widths, light, dark and on paper. Pictures are in target/report-pages. Fails if a
# page is wider than its window, loads anything, logs anything, or breaks a rule of axe-core. UPDATE_DOCS=1 makes
# docs/report.png from the first one.
source "$(dirname "$0")/lib.sh"

command -v npm > /dev/null || fail "npm is missing" "on Debian and Ubuntu: apt-get install npm"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    fail "there is no Chromium" "on Debian: apt-get install --no-install-recommends chromium"

browser_driver() {
    say "installing playwright-core and axe-core into .tools/browser"
    npm install --silent --no-audit --no-fund --prefix .tools/browser playwright-core@1.65.1 axe-core@4.14.1
}
once browser scripts/report-pages.sh -- browser_driver

say "building"
cargo build --quiet --package seeder-cli
seeder=$(realpath "${CARGO_TARGET_DIR:-target}/debug/seeder")
out=target/report-pages
rm -rf "$out"
mkdir -p "$out"
python3 scripts/report_backups.py "$out"
page() { (cd "$out" && "$seeder" check "$1.rdb" --quiet --html "$1.html" "${@:2}" > /dev/null) || [ $? = 1 ]; }
page shop --engine valkey --engine-version 8.1 --node-type cache.t4g.small --shards 3 --all-engines
page hostile
page broken --engine valkey
PLAYWRIGHT=$PWD/.tools/browser node scripts/report_pages.mjs "$chromium" "$out" shop hostile broken
if [ -n "${UPDATE_DOCS:-}" ]; then cp "$out/shop-top.png" docs/report.png; fi
say "the pictures are in $out"
