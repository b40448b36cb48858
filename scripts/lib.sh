# Shared by the scripts: changes to the project's folder, and defines messages and steps. This file, setup.sh and build.sh
# also run on macOS, with bash 3.2 and without GNU's options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$1" >&2; [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2; exit 1; }

# macOS has no sha256sum before version 15.
sha256() { if command -v sha256sum > /dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# once NAME FILE... -- COMMAND...: runs a step only if its inputs (files) have changed since it last succeeded.
once() {
    local name=$1 stamp inputs=()
    shift
    while [ "$1" != -- ]; do inputs+=("$1"); shift; done
    shift
    stamp=$(cat "${inputs[@]}" | sha256 | cut -c1-32)
    mkdir -p .tools
    if [ "$(cat ".tools/$name.done" 2>/dev/null)" != "$stamp" ]; then
        "$@"
        echo "$stamp" > ".tools/$name.done"
    fi
}
