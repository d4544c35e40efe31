#!/bin/sh
# Finds the C and C++ compilers and pkg-config for the tests, or installs Debian's packages; prints the path of the C compiler.
set -eu

. "$(dirname "$0")/debian.sh"

command -v gcc >/dev/null || install_package gcc PATH
command -v g++ >/dev/null || install_package g++ PATH
command -v pkg-config >/dev/null || install_package pkg-config PATH
command -v gcc || fail "gcc is installed, but isn't on PATH"
