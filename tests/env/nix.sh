#!/bin/sh
# Finds Nix for the tests, or installs Debian's package nix-bin; prints the directory of its programs.
#
# GODIRECT_TEST_NIX, a directory with nix, nix-build, nix-instantiate and nix-store, comes before PATH.
# Run the programs with NIX_CONF_DIR set to the directory of this script, whose nix.conf they then read.
set -eu

fail() {
    echo "tests/env/nix.sh: $*" >&2
    exit 1
}

# Whether the directory $1 has all the programs.
complete() {
    for program in nix nix-build nix-instantiate nix-store; do
        [ -x "$1/$program" ] || return 1
    done
}

on_path() {
    found=$(command -v nix-build) && complete "${found%/*}" && echo "${found%/*}"
}

install() {
    command -v apt-get >/dev/null ||
        fail "no Nix on PATH, and no apt-get to install it: install Nix 2.8 or newer, or set GODIRECT_TEST_NIX"
    [ "$(id -u)" = 0 ] ||
        fail "no Nix on PATH, and only root can install it: run 'apt-get install nix-bin', or set GODIRECT_TEST_NIX"
    # The package lists of an image are missing or old, so a first failure means to update them.
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get install -y --no-install-recommends nix-bin >&2 ||
        { apt-get update >&2 && apt-get install -y --no-install-recommends nix-bin >&2; } ||
        fail "failed to install nix-bin with apt-get"
}

if [ -n "${GODIRECT_TEST_NIX:-}" ]; then
    complete "$GODIRECT_TEST_NIX" || fail "GODIRECT_TEST_NIX=$GODIRECT_TEST_NIX doesn't hold nix, nix-build, nix-instantiate and nix-store"
    bin=$GODIRECT_TEST_NIX
elif ! bin=$(on_path); then
    install
    bin=$(on_path) || fail "nix-bin is installed, but its programs aren't on PATH"
fi

version=$("$bin/nix-build" --version 2>/dev/null) || fail "$bin/nix-build doesn't run"
echo "$version in $bin" >&2
echo "$bin"
