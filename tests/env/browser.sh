#!/bin/sh
# Finds a Chromium for the tests, or installs Debian's package; prints the path of the program.
#
# GODIRECT_TEST_BROWSER, a Chromium or Chrome, comes before PATH.
set -eu

. "$(dirname "$0")/debian.sh"

on_path() {
    for program in chromium chromium-browser google-chrome; do
        if command -v "$program"; then return 0; fi
    done
    return 1
}

if [ -n "${GODIRECT_TEST_BROWSER:-}" ]; then
    [ -x "$GODIRECT_TEST_BROWSER" ] || fail "GODIRECT_TEST_BROWSER=$GODIRECT_TEST_BROWSER is not a program"
    browser=$GODIRECT_TEST_BROWSER
elif ! browser=$(on_path); then
    install_package chromium GODIRECT_TEST_BROWSER
    browser=$(on_path) || fail "chromium is installed, but isn't on PATH"
fi
echo "$browser"
