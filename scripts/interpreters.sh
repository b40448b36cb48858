#!/usr/bin/env bash
# Runs the state machine on the local interpreter and on LocalStack's, and compares them.
source "$(dirname "$0")/lib.sh"

# LocalStack listens on all addresses: it gets a network of its own, which has only a loopback.
if unshare --net true 2> /dev/null; then
    isolated=(unshare --net)
elif unshare --map-root-user --net true 2> /dev/null; then
    isolated=(unshare --map-root-user --net)
else
    fail "this user may not create a network namespace" \
        "run it as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0"
fi
command -v ip > /dev/null || fail "ip is missing" "on Debian and Ubuntu: apt-get install iproute2"

python_for_localstack() {
    local version
    # Its last release for a host without docker has packages that do not build with later versions of Python.
    for version in python3.11 python3; do
        if "$version" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2> /dev/null; then
            echo "$version"
            return
        fi
    done
    fail "Python 3.11 is missing" "install it beside the system's: LocalStack 4.9.2 needs it"
}

localstack() {
    say "installing LocalStack into .tools/localstack (half a minute, 520 MB)"
    [ -x .tools/localstack/bin/python ] || "$(python_for_localstack)" -m venv .tools/localstack
    .tools/localstack/bin/pip install --quiet --disable-pip-version-check -r scripts/requirements/localstack.txt
}

once localstack scripts/requirements/localstack.txt -- localstack
# shellcheck disable=SC2016
exec "${isolated[@]}" sh -c 'ip link set lo up && exec .venv/bin/python tests/interpreters/run.py'
