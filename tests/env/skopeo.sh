#!/bin/sh
# Finds a skopeo for the tests, or installs Debian's package; prints the path of the program.
#
# GODIRECT_TEST_SKOPEO, a program, comes before PATH.
set -eu

. "$(dirname "$0")/debian.sh"

on_path() {
    command -v skopeo
}

if [ -n "${GODIRECT_TEST_SKOPEO:-}" ]; then
    [ -x "$GODIRECT_TEST_SKOPEO" ] || fail "GODIRECT_TEST_SKOPEO=$GODIRECT_TEST_SKOPEO is not a program"
    skopeo=$GODIRECT_TEST_SKOPEO
elif ! skopeo=$(on_path); then
    install_package skopeo GODIRECT_TEST_SKOPEO
    skopeo=$(on_path) || fail "skopeo is installed, but isn't on PATH"
fi
echo "$skopeo"
