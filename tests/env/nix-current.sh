#!/bin/sh
# Prints the directory of a current Nix's programs, for what an older one can't do; everything else goes to stderr.
#
# In this order: $GODIRECT_TEST_NIX_CURRENT; the one that an earlier run unpacked; nix-bin of Debian's suite `testing` with all that it needs, unpacked
# into the test environment's directory without installing anything. Exit code 77: it can't be had on this machine, that is no Debian or has no network.
#
#   GODIRECT_TEST_ENV  directory of the test environment (default: $XDG_CACHE_HOME or ~/.cache, /godirect-test-env)
set -eu

env_dir=${GODIRECT_TEST_ENV:-${XDG_CACHE_HOME:-$HOME/.cache}/godirect-test-env}
root=$env_dir/nix-current
bin=$root/bin

say() { echo "tests/env/nix-current.sh: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

unavailable() {
    say "$*; or set GODIRECT_TEST_NIX_CURRENT to the directory of a current Nix"
    exit 77
}

# apt-get with lists, cache and status of its own, so that it resolves nix-bin from nothing.
own_apt() {
    apt-get -o Dir::State="$root/apt" -o Dir::State::status="$root/apt/status" -o Dir::Cache="$root/cache" \
        -o Dir::Etc::sourcelist="$root/sources.list" -o Dir::Etc::sourceparts=- -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@" >&2
}

unpack() {
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)
    [ -n "$mirror" ] || unavailable "apt knows no mirror of Debian: run 'apt-get update' first"
    rm -rf "$root"
    mkdir -p "$root/apt/lists/partial" "$root/cache/archives/partial" "$root/system" "$bin"
    : >"$root/apt/status"
    echo "deb $mirror testing main" >"$root/sources.list"
    own_apt update || unavailable "failed to read the package list of testing at $mirror"
    own_apt install -y --download-only --no-install-recommends nix-bin || unavailable "failed to download nix-bin of testing"
    for package in "$root"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$root/system"
    done
    rm -rf "$root/apt" "$root/cache"
}

# A program that runs with the libraries of its own suite. The build hook would be started without them.
wrap() {
    loader=$(echo "$root"/system/usr/lib*/ld-linux-*.so.*)
    libraries=$(dirname "$root"/system/usr/lib/*/libc.so.6)
    cat >"$bin/$1" <<WRAPPER
#!/bin/sh
exec "$loader" --library-path "$libraries" --argv0 "$1" "$root/system/usr/bin/nix" "\$@" --option build-hook ''
WRAPPER
    chmod +x "$bin/$1"
}

if [ -n "${GODIRECT_TEST_NIX_CURRENT:-}" ]; then
    bin=$GODIRECT_TEST_NIX_CURRENT
else
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || unavailable "needs apt-get and dpkg-deb, that is, a Debian"
    mkdir -p "$env_dir"
    exec 9>"$env_dir/nix-current.lock"
    flock 9
    # Written last, so that it says that all is there.
    if ! [ -e "$root/complete" ]; then
        unpack
        for program in nix nix-build nix-instantiate nix-store; do
            wrap "$program"
        done
        touch "$root/complete"
    fi
fi
version=$("$bin/nix-build" --version) || fail "$bin/nix-build doesn't run; remove $root to try again"
echo "$version in $bin" >&2
echo "$bin"
