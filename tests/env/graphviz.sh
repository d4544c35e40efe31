#!/bin/sh
# Finds a Graphviz for the tests, or installs Debian's package; prints the path of its program dot.
#
# GODIRECT_TEST_DOT, a program, comes before PATH.
set -eu

fail() {
    echo "tests/env/graphviz.sh: $*" >&2
    exit 1
}

on_path() {
    command -v dot
}

install() {
    command -v apt-get >/dev/null ||
        fail "no Graphviz on PATH, and no apt-get to install it: install one, or set GODIRECT_TEST_DOT"
    [ "$(id -u)" = 0 ] ||
        fail "no Graphviz on PATH, and only root can install it: run 'apt-get install graphviz', or set GODIRECT_TEST_DOT"
    # The package lists of an image are missing or old, so a first failure means to update them.
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get install -y --no-install-recommends graphviz >&2 ||
        { apt-get update >&2 && apt-get install -y --no-install-recommends graphviz >&2; } ||
        fail "failed to install graphviz with apt-get"
}

if [ -n "${GODIRECT_TEST_DOT:-}" ]; then
    [ -x "$GODIRECT_TEST_DOT" ] || fail "GODIRECT_TEST_DOT=$GODIRECT_TEST_DOT is not a program"
    dot=$GODIRECT_TEST_DOT
elif ! dot=$(on_path); then
    install
    dot=$(on_path) || fail "graphviz is installed, but isn't on PATH"
fi
echo "$dot"
