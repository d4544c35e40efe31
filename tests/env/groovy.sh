#!/bin/sh
# Finds a Groovy for the tests, or installs Debian's package; prints the path of the program.
#
# GODIRECT_TEST_GROOVY, a program, comes before PATH.
set -eu

. "$(dirname "$0")/debian.sh"

on_path() {
    command -v groovy
}

if [ -n "${GODIRECT_TEST_GROOVY:-}" ]; then
    [ -x "$GODIRECT_TEST_GROOVY" ] || fail "GODIRECT_TEST_GROOVY=$GODIRECT_TEST_GROOVY is not a program"
    groovy=$GODIRECT_TEST_GROOVY
elif ! groovy=$(on_path); then
    install_package groovy GODIRECT_TEST_GROOVY
    groovy=$(on_path) || fail "groovy is installed, but isn't on PATH"
fi
echo "$groovy"
