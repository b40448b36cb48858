#!/usr/bin/env bash
# Real engines of several generations, side by side in target/servers, from Debian's suites: each with the libraries
# and the loader of its own suite. No root, and the system's own packages are neither used nor touched.
#   target/servers/NAME/bin/{redis,valkey}-{server,cli,check-rdb}   NAME is like valkey-8.1
#   target/servers/list                                             NAME ENGINE VERSION SERVER-PATH CHECK-RDB-PATH
# SERVERS_REFRESH=1 looks for newer packages; otherwise what is there stays.
source "$(dirname "$0")/lib.sh"

# Engine and suite. A later one of a line that is there already gets its whole version as name: redis-8.0.6.
readonly wanted="redis:bookworm valkey:bookworm-backports redis:trixie valkey:trixie redis:sid valkey:sid"
readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg
folder=$PWD/target/servers
apt=$folder/.apt
work=$(mktemp -d)
server_pid=
finish() {
    [ -z "$server_pid" ] || kill "$server_pid" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT

main() {
    command -v apt-get > /dev/null || fail "there is no apt-get: these engines come from Debian's packages" "use a Debian system or container"
    command -v dpkg-deb > /dev/null || fail "there is no dpkg-deb" "install dpkg"
    mkdir -p "$apt"
    [ -z "${SERVERS_REFRESH:-}" ] || rm -f "$apt"/*/updated "$apt"/*.done
    local pair
    declare -A taken=()
    for pair in $wanted; do
        local stamp=$apt/${pair/:/-}.done name
        if is_done "$stamp"; then
            read -r name _ < "$stamp"
        else
            # A subshell, so that one suite's failure is no other's.
            set +e
            (set -e; install_engine "${pair%%:*}" "${pair##*:}" "${!taken[*]}" "$stamp")
            local status=$?
            set -e
            if [ $status != 0 ]; then
                printf 'warning: %s of %s could not be had; see above\n' "${pair%%:*}" "${pair##*:}" >&2
                continue
            fi
            read -r name _ < "$stamp"
        fi
        taken[$name]=$pair
    done
    summary
}

# Whether a stamp is of this script as it is now, and what it speaks of is still there.
is_done() {
    local name script
    [ -e "$1" ] && read -r name script < "$1" && [ "$script" = "$(script_hash)" ] && [ -e "$folder/$name/version" ]
}

script_hash() { sha256sum < scripts/servers.sh | cut -c1-16; }

# install_engine ENGINE SUITE TAKEN-NAMES STAMP
install_engine() {
    local engine=$1 suite=$2 stamp=$4 line version name new=$work/$1-$2
    refresh "$suite"
    line=$(apt_of "$suite" apt-cache policy "$engine-server" | sed -n 's/^ *Candidate: *//p')
    [ -n "$line" ] && [ "$line" != "(none)" ] || { echo "$suite has no $engine-server" >&2; return 1; }
    version=${line#*:}
    version=${version%%[-+~]*}
    name=$engine-${version%.*}
    case " $3 " in *" $name "*) name=$engine-$version ;; esac
    say "$name: $engine $version ($line) of $suite"
    mkdir -p "$new/root" "$new/bin"
    unpack "$suite" "$new/root" "$engine-server" "$engine-tools"
    # Only programs and libraries are of use.
    rm -rf "$new/root/usr/share" "$new/root/etc" "$new/root/var"
    local tool
    for tool in server cli check-rdb; do wrapper "$new" "$engine-$tool"; done
    try "$new" "$engine" "$version"
    echo "$version" > "$new/version"
    echo "$suite" > "$new/suite"
    rm -rf "${folder:?}/$name"
    mv "$new" "$folder/$name"
    echo "$name $(script_hash)" > "$stamp"
}

# apt's own view of one suite: own sources, own state, nothing installed.
apt_of() {
    local suite=$1 command=$2 state=$apt/$1
    shift 2
    "$command" -q -o Dir::State="$state/state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
        -o Dir::Etc::sourcelist="$state/suite.sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Acquire::Languages=none -o Acquire::Retries=2 -o APT::Sandbox::User="$(id -un)" "$@"
}

refresh() {
    local suite=$1 state=$apt/$1 suites=$1
    [ ! -e "$state/updated" ] || return 0
    [ -r "$keyring" ] || { echo "$keyring is missing: install debian-archive-keyring" >&2; return 1; }
    # Backports take their libraries from the release that they are for.
    case $suite in *-backports) suites="${suite%-backports} $suite" ;; esac
    mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial"
    : > "$state/status"
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$(mirror)" "$suites" "$keyring" > "$state/suite.sources"
    say "reading the package lists of $suite"
    apt_of "$suite" apt-get -o APT::Update::Error-Mode=any update > "$state/log" 2>&1 || { tail -n 5 "$state/log" >&2; return 1; }
    touch "$state/updated"
}

# The mirror that the system itself uses, where it is a Debian.
mirror() {
    local found
    found=$(apt-get indextargets --format '$(REPO_URI)' 2> /dev/null | grep -m 1 '/debian/\?$') || true
    echo "${found:-http://deb.debian.org/debian}"
}

# unpack SUITE ROOT PACKAGE...: the packages with all libraries that they depend on, directly or not.
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
            # Of alternatives the first; what is no library (users, init scripts) is not needed to run a program.
            found+=" $(dpkg-deb -f "$deb" Pre-Depends Depends | sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/:any//; s/ //g' | grep -E '^(lib|zlib)' || true)"
        done
        queue=
        for package in $found; do
            case "$seen$queue " in *" $package "*) ;; *) queue+=" $package" ;; esac
        done
    done
}

# wrapper FOLDER PROGRAM: runs it by its suite's loader. The server program tells by its own name what it is to be.
wrapper() {
    local loader libraries program=root/usr/bin/$2
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
    # Its own libraries and no other's.
    local foreign
    foreign=$(cd "$1" && "$loader" --inhibit-cache --library-path "${libraries//\$here/.}" --list "$program" | grep -vE '=> \./root/|linux-vdso|root/.*ld-linux|ld-linux.*=> ' || true)
    [ -z "$foreign" ] || { printf 'libraries of %s that its suite did not bring:\n%s\n' "$2" "$foreign" >&2; return 1; }
}

# try FOLDER ENGINE VERSION: starts it, saves a file and has it checked.
try() {
    local bin=$1/bin engine=$2 data=$work/data-$2 port log=$work/server.log
    rm -rf "$data"
    mkdir -p "$data"
    start "$bin" "$engine" "$data" "$log" || { echo "the server did not start:" >&2; tail -n 5 "$log" >&2; return 1; }
    ask() { "$bin/$engine-cli" -h 127.0.0.1 -p "$port" "$@"; }
    # The version that the server itself tells; Valkey gives another one for Redis.
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

# start BIN ENGINE DATA LOG: on a free port of loopback; sets server_pid and port.
start() {
    local attempt wait
    for attempt in 1 2 3 4 5; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
        "$1/$2-server" --bind 127.0.0.1 --port "$port" --dir "$3" --save '' --daemonize no > "$4" 2>&1 &
        server_pid=$!
        for wait in {1..50}; do
            # Somebody else's server on that port has another process id.
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
    local pair stamp name engine
    : > "$work/list"
    printf '\n%-14s %-8s %-20s %s\n' name version suite server
    for pair in $wanted; do
        stamp=$apt/${pair/:/-}.done
        engine=${pair%%:*}
        is_done "$stamp" || { printf '%-14s %-8s %-20s %s\n' "($engine)" - "${pair##*:}" "could not be had"; continue; }
        read -r name _ < "$stamp"
        printf '%-14s %-8s %-20s %s\n' "$name" "$(cat "$folder/$name/version")" "${pair##*:}" "target/servers/$name/bin/$engine-server"
        echo "$name $engine $(cat "$folder/$name/version") $folder/$name/bin/$engine-server $folder/$name/bin/$engine-check-rdb" >> "$work/list"
    done
    [ -s "$work/list" ] || fail "no engine could be had" "look at the warnings above; is the package mirror reached?"
    mv "$work/list" "$folder/list"
}

main
