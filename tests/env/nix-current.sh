#!/bin/sh
# The newest Nix of Debian, for a second leg of the tests: unpacks nix-bin of Debian's suite `testing` with all that it needs below
# target/, without installing anything, and prints the directory of its programs, for GODIRECT_TEST_NIX.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)/target/nix-current
bin=$root/bin

fail() {
    echo "tests/env/nix-current.sh: $*" >&2
    exit 1
}

# apt-get with lists, cache and status of its own, so that it resolves nix-bin from nothing.
own_apt() {
    apt-get -o Dir::State="$root/apt" -o Dir::State::status="$root/apt/status" -o Dir::Cache="$root/cache" \
        -o Dir::Etc::sourcelist="$root/sources.list" -o Dir::Etc::sourceparts=- -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@" >&2
}

unpack() {
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)
    [ -n "$mirror" ] || fail "apt knows no mirror of Debian: run 'apt-get update' first"
    rm -rf "$root"
    mkdir -p "$root/apt/lists/partial" "$root/cache/archives/partial" "$root/system" "$bin"
    : >"$root/apt/status"
    echo "deb $mirror testing main" >"$root/sources.list"
    own_apt update || fail "failed to read the package list of testing at $mirror"
    own_apt install -y --download-only --no-install-recommends nix-bin || fail "failed to download nix-bin of testing"
    for package in "$root"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$root/system"
    done
}

# A program that runs with the libraries of its own suite. The build hook would be started without them.
wrap() {
    loader=$(echo "$root"/system/usr/lib*/ld-linux-*.so.*)
    libraries=$(dirname "$root"/system/usr/lib/*/libc.so.6)
    cat >"$bin/$1" <<EOF
#!/bin/sh
exec "$loader" --library-path "$libraries" --argv0 "$1" "$root/system/usr/bin/nix" "\$@" --option build-hook ''
EOF
    chmod +x "$bin/$1"
}

if ! [ -x "$bin/nix-store" ]; then
    command -v apt-get >/dev/null || fail "needs apt-get and dpkg-deb, that is, a Debian"
    unpack
    for program in nix nix-build nix-instantiate nix-store; do
        wrap "$program"
    done
fi
version=$("$bin/nix-build" --version) || fail "$bin/nix-build doesn't run; remove $root to try again"
echo "$version in $bin" >&2
echo "$bin"
