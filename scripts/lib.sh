# Shared by the scripts: changes to the project's folder, and defines messages and steps.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$1" >&2; [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2; exit 1; }

# once NAME FILE... -- COMMAND...: runs a step only if its inputs (files) have changed since it last succeeded.
once() {
    local name=$1 stamp inputs=()
    shift
    while [ "$1" != -- ]; do inputs+=("$1"); shift; done
    shift
    stamp=$(cat "${inputs[@]}" | sha256sum | cut -c1-32)
    mkdir -p .tools
    if [ "$(cat ".tools/$name.done" 2>/dev/null)" != "$stamp" ]; then
        "$@"
        echo "$stamp" > ".tools/$name.done"
    fi
}
