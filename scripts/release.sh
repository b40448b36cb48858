#!/usr/bin/env bash
# Builds a release that deploys without Rust into dist/elasticache-seeder-VERSION, and the same as a tarball: zips of the
# functions and a static `seeder` for Linux, both for arm64 and x86_64, a template for each, man pages and completions.
# RELEASE_PROFILE=dev builds faster and larger; RELEASE_ARCHITECTURES=arm64 builds for one architecture only.
source "$(dirname "$0")/lib.sh"

profile=${RELEASE_PROFILE:-release}
architectures=${RELEASE_ARCHITECTURES:-arm64 x86_64}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
folder=dist/elasticache-seeder-$version
built=${CARGO_TARGET_DIR:-target}/release-binaries

machine() {
    case $1 in
        arm64) echo aarch64 ;;
        x86_64) echo x86_64 ;;
        *) fail "unknown architecture: $1" "RELEASE_ARCHITECTURES is arm64, x86_64 or both" ;;
    esac
}

# build ARCHITECTURE TARGET PACKAGE...: leaves $built/ARCHITECTURE/BINARY/bootstrap. One package at a time: together they would
# share each other's features.
build() {
    local architecture=$1 target=$2 package
    shift 2
    for package in "$@"; do
        say "$package for $target"
        cargo-lambda lambda build --quiet --profile "$profile" --target "$target" --package "$package" --lambda-dir "$built/$architecture"
    done
}

targets=
for architecture in $architectures; do
    targets="$targets $(machine "$architecture")-unknown-linux-gnu $(machine "$architecture")-unknown-linux-musl"
done
# shellcheck disable=SC2086
scripts/setup.sh build $targets
export PATH="$PWD/.venv/bin:$PATH"

functions=
for function in functions/*/; do functions="$functions $(basename "$function")"; done
rm -rf "$built"
say "building for ${architectures// / and } in the profile $profile (fat LTO in release: up to half an hour an architecture)"
for architecture in $architectures; do
    # shellcheck disable=SC2086
    build "$architecture" "$(machine "$architecture")-unknown-linux-gnu" $functions
    build "$architecture" "$(machine "$architecture")-unknown-linux-musl" seeder-cli
done

say "man pages and completions"
# By a build for this machine: that of the release may be for another one.
pages=$built/pages
mkdir -p "$pages/completions"
cargo run --quiet --package seeder-cli -- man "$pages/man"
for shell in bash elvish fish powershell zsh; do
    cargo run --quiet --package seeder-cli -- completions "$shell" > "$pages/completions/seeder.$shell"
done

say "packing $folder"
# shellcheck disable=SC2086
.venv/bin/python scripts/release_folder.py "$built" "$folder" "$version" $architectures
for template in "$folder"/template*.yaml; do .venv/bin/sam validate --lint --template-file "$template"; done
.venv/bin/python tests/template/release.py "$folder"
say "released: $folder and $folder.tar.gz"
