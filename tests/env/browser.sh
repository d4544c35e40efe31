#!/bin/sh
# Finds a Chromium for the tests, or installs Debian's package; prints the path of the program.
#
# GODIRECT_TEST_BROWSER, a Chromium or Chrome, comes before PATH.
set -eu

fail() {
    echo "tests/env/browser.sh: $*" >&2
    exit 1
}

on_path() {
    for program in chromium chromium-browser google-chrome; do
        if command -v "$program"; then return 0; fi
    done
    return 1
}

install() {
    command -v apt-get >/dev/null ||
        fail "no Chromium on PATH, and no apt-get to install it: install one, or set GODIRECT_TEST_BROWSER"
    [ "$(id -u)" = 0 ] ||
        fail "no Chromium on PATH, and only root can install it: run 'apt-get install chromium', or set GODIRECT_TEST_BROWSER"
    # The package lists of an image are missing or old, so a first failure means to update them.
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get install -y --no-install-recommends chromium >&2 ||
        { apt-get update >&2 && apt-get install -y --no-install-recommends chromium >&2; } ||
        fail "failed to install chromium with apt-get"
}

if [ -n "${GODIRECT_TEST_BROWSER:-}" ]; then
    [ -x "$GODIRECT_TEST_BROWSER" ] || fail "GODIRECT_TEST_BROWSER=$GODIRECT_TEST_BROWSER is not a program"
    browser=$GODIRECT_TEST_BROWSER
elif ! browser=$(on_path); then
    install
    browser=$(on_path) || fail "chromium is installed, but isn't on PATH"
fi
echo "$browser"
