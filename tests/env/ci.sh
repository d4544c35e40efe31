#!/bin/sh
# Prints a directory with programs that know the files of CI systems: actionlint, upload (of tests/ci/tools), check-jsonschema, and python with a
# parser of YAML; everything else goes to stderr.
#
# The Go SDK in $GODIRECT_TEST_GOROOT builds the first two, at the versions of tests/ci/tools/go.mod, which it fetches through GOPROXY; pip installs
# the last two, at the version below.
#
#   GODIRECT_TEST_ENV  directory of the test environment (default: $XDG_CACHE_HOME or ~/.cache, /godirect-test-env)
set -eu

. "$(dirname "$0")/debian.sh"

SCHEMAS=check-jsonschema==0.38.2
tools=$(cd "$(dirname "$0")/../ci/tools" && pwd)
version=$(cat "$tools"/* | { cat; echo "$SCHEMAS"; } | sha256sum | cut -c 1-16)
env_dir=${GODIRECT_TEST_ENV:-${XDG_CACHE_HOME:-$HOME/.cache}/godirect-test-env}
bin=$env_dir/ci-$version/bin

install() {
    go=${GODIRECT_TEST_GOROOT:-}/bin/go
    [ -x "$go" ] || fail "no Go to build actionlint: set GODIRECT_TEST_GOROOT to a GOROOT"
    python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv PATH
    # A virtual environment can't be moved; what is incomplete has no stamp.
    rm -rf "${bin%/bin}"
    python3 -m venv "${bin%/bin}" >&2
    "$bin/pip" install --quiet --disable-pip-version-check "$SCHEMAS" >&2 || fail "failed to install $SCHEMAS with pip"
    (cd "$tools" && env -u GOROOT GOFLAGS=-mod=readonly GOTOOLCHAIN=local CGO_ENABLED=0 \
        "$go" build -o "$bin/" github.com/rhysd/actionlint/cmd/actionlint . >&2) || fail "failed to build the programs of tests/ci/tools"
    mv "$bin/tools" "$bin/upload"
    touch "$bin/complete"
}

mkdir -p "$env_dir"
exec 9>"$env_dir/ci.lock"
flock 9
[ -e "$bin/complete" ] || install
echo "$bin"
