#!/bin/sh
# Finds a Graphviz for the tests, or installs Debian's package; prints the path of its program dot.
#
# GODIRECT_TEST_DOT, a program, comes before PATH.
set -eu

. "$(dirname "$0")/debian.sh"

on_path() {
    command -v dot
}

if [ -n "${GODIRECT_TEST_DOT:-}" ]; then
    [ -x "$GODIRECT_TEST_DOT" ] || fail "GODIRECT_TEST_DOT=$GODIRECT_TEST_DOT is not a program"
    dot=$GODIRECT_TEST_DOT
elif ! dot=$(on_path); then
    install_package graphviz GODIRECT_TEST_DOT
    dot=$(on_path) || fail "graphviz is installed, but isn't on PATH"
fi
echo "$dot"
