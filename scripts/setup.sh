#!/usr/bin/env bash
# setup.sh run|test|build [RUST-TARGET...]: installs what the demonstration (run), all tests (test) or a build for deployment
# (build) need. Only apt packages, of which a build needs none, and Rust targets are installed outside the project's folder.
# Does nothing if everything is installed.
source "$(dirname "$0")/lib.sh"

level=${1:-run}

apt_install() {
    local packages=() missing=()
    for pair in "$@"; do
        command -v "${pair%%:*}" > /dev/null || missing+=("${pair##*:}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    packages=("${missing[@]}")
    command -v apt-get > /dev/null || fail "${packages[*]} are missing and there is no apt-get" "install them with your system's package manager"
    local sudo=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo > /dev/null && sudo -n true 2> /dev/null && sudo=(sudo -n)
        [ ${#sudo[@]} -gt 0 ] || fail "${packages[*]} are missing and this user may not install packages" \
            "run once: sudo apt-get install --no-install-recommends ${packages[*]}"
    fi
    say "installing ${packages[*]} with apt-get"
    "${sudo[@]}" apt-get update -qq
    # The package would start a server of its own where systemd runs; the stack starts its own and needs only the program.
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
}

python_environment() {
    say "installing Python packages of scripts/requirements/$1.txt into .venv"
    [ -x .venv/bin/python ] || python3 -m venv .venv 2> /dev/null || {
        [ "$level" != build ] || fail "python3 -m venv failed" "on Debian and Ubuntu: apt-get install python3-venv"
        apt_install ensurepip-is-missing:python3-venv
        python3 -m venv --clear .venv
    }
    .venv/bin/pip install --quiet --disable-pip-version-check -r "scripts/requirements/$1.txt"
}

# The engines' real servers of several versions. Without them, everything runs on the system's redis-server.
servers() {
    # A list is of no use if its programs are gone, because the folder was moved.
    local first
    first=$(cut -d " " -f 4 target/servers/list 2> /dev/null | head -n 1) || true
    [ ! -x "$first" ] || return 0
    say "bringing real Redis and Valkey servers into target/servers (about half a minute, once)"
    # Their packages are Debian's: another system does not have the keys that they are signed with.
    [ -r /usr/share/keyrings/debian-archive-keyring.gpg ] || (apt_install debian-keys-are-missing:debian-archive-keyring) || true
    scripts/servers.sh || {
        printf 'warning: no engine could be brought: the nodes run on the servers of this system, whatever version is asked for\n' >&2
        printf 'hint: make servers tries again and says why\n' >&2
    }
}

# An emulator of AWS that deploys the template. Its packages do not go with those of the other environment.
ministack() {
    say "installing ministack into .tools/ministack"
    [ -x .tools/ministack/bin/python ] || python3 -m venv .tools/ministack
    .tools/ministack/bin/pip install --quiet --disable-pip-version-check -r scripts/requirements/deployed.txt
}

state_machine_validator() {
    say "installing the state machine validator into .tools/node"
    # The reference implementation of JSONata, in the version that Step Functions documents.
    npm install --silent --no-audit --no-fund --prefix .tools/node asl-validator@4.0.0 jsonata@2.0.6
}

# What a build for deployment needs, on Linux and macOS, without root.
build_tools() {
    command -v python3 > /dev/null || fail "python3 is missing" "install Python 3.11 or later"
    [ -x .venv/bin/python ] || python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "python3 is $(python3 --version)" "put Python 3.11 or later first on the PATH; on macOS: brew install python"
    # Zig compiles and links for Lambda; what the build itself runs is linked for this machine.
    command -v cc > /dev/null || fail "a C compiler is missing" "on macOS: xcode-select --install; on Debian and Ubuntu: apt-get install gcc libc6-dev"
    # The test environment holds all that a build needs.
    [ -e .tools/python-test.done ] || once python-build scripts/requirements/build.txt -- python_environment build
    local target
    for target in "$@"; do
        [ ! -d "$(rustc --print target-libdir --target "$target" 2> /dev/null)" ] || continue
        command -v rustup > /dev/null || fail "Rust's standard library for $target is missing" "install Rust with https://rustup.rs, or your system's package of it"
        say "installing Rust's standard library for $target"
        rustup target add "$target" || fail "Rust's standard library for $target could not be installed" "try: rustup target add $target"
    done
}

command -v cargo > /dev/null || fail "cargo is missing" "install Rust: https://rustup.rs"
if [ "$level" = build ]; then
    shift
    build_tools "$@"
    exit
fi
command -v python3 > /dev/null || apt_install python3:python3
apt_install redis-server:redis-server cc:gcc
case $level in
    run)
        # The test environment holds all that a run needs.
        [ -e .tools/python-test.done ] || once python-run scripts/requirements/run.txt -- python_environment run
        ;;
    test)
        once python-test scripts/requirements/test.txt -- python_environment test
        once ministack scripts/requirements/deployed.txt -- ministack
        apt_install npm:npm
        once node scripts/setup.sh -- state_machine_validator
        ;;
    *) fail "unknown level: $level" "setup.sh run, setup.sh test or setup.sh build" ;;
esac
servers
