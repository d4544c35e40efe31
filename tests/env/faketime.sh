#!/bin/sh
# Finds a faketime for the tests, or installs Debian's package; prints the path of the program.
#
# GODIRECT_TEST_FAKETIME, a program, comes before PATH.
set -eu

. "$(dirname "$0")/debian.sh"

on_path() {
    command -v faketime
}

if [ -n "${GODIRECT_TEST_FAKETIME:-}" ]; then
    [ -x "$GODIRECT_TEST_FAKETIME" ] || fail "GODIRECT_TEST_FAKETIME=$GODIRECT_TEST_FAKETIME is not a program"
    faketime=$GODIRECT_TEST_FAKETIME
elif ! faketime=$(on_path); then
    install_package faketime GODIRECT_TEST_FAKETIME
    faketime=$(on_path) || fail "faketime is installed, but isn't on PATH"
fi
echo "$faketime"
