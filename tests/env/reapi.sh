#!/bin/sh
# Finds a server for remote execution, or unpacks Debian's package buildbox (of a later suite than the host's) with the libraries
# that it needs, without installing anything; prints the directory of its programs buildbox-casd and buildbox-run-hosttools.
#
#   GODIRECT_TEST_REAPI  a directory with these programs; comes before PATH
#   GODIRECT_TEST_ENV    directory of the test environment (default: $XDG_CACHE_HOME or ~/.cache, /godirect-test-env)
#   GODIRECT_TEST_MIRROR Debian mirror (default: the first that apt knows)
#   GODIRECT_TEST_SUITE  Debian suite that has buildbox (default: forky)
set -eu

env_dir=${GODIRECT_TEST_ENV:-${XDG_CACHE_HOME:-$HOME/.cache}/godirect-test-env}
root=$env_dir/reapi
bin=$root/bin
suite=${GODIRECT_TEST_SUITE:-forky}
# Written last; its name changes when older installations must be replaced.
stamp=$root/complete-1

fail() {
    echo "tests/env/reapi.sh: $*" >&2
    exit 1
}

# Whether the directory $1 has all the programs, and they run.
complete() {
    for program in buildbox-casd buildbox-run-hosttools; do
        "$1/$program" --version >/dev/null 2>&1 || return 1
    done
}

on_path() {
    found=$(command -v buildbox-casd) && complete "${found%/*}" && echo "${found%/*}"
}

# Apt with lists, cache and status of its own, so that it resolves buildbox from nothing. Mirrors may be weeks behind; the
# signature is checked all the same.
own_apt() {
    apt-get -o Dir::State="$root/apt" -o Dir::State::status="$root/apt/status" -o Dir::Cache="$root/cache" \
        -o Dir::Etc::sourcelist="$root/sources.list" -o Dir::Etc::sourceparts=- -o Debug::NoLocking=1 -o APT::Sandbox::User= \
        -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -qq "$@" >&2
}

unpack() {
    mirror=${GODIRECT_TEST_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)}
    [ -n "$mirror" ] || fail "apt knows no mirror of Debian: run 'apt-get update' first, or set GODIRECT_TEST_MIRROR"
    rm -rf "$root"
    mkdir -p "$root/apt/lists/partial" "$root/cache/archives/partial" "$root/system" "$bin"
    : >"$root/apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$root/sources.list"
    own_apt update || fail "failed to read the package list of $suite at $mirror"
    own_apt install -y --download-only --no-install-recommends buildbox ||
        fail "failed to download buildbox of $suite; set GODIRECT_TEST_SUITE, or GODIRECT_TEST_REAPI"
    for package in "$root"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root/system" --exclude=./usr/share
    done
    rm -rf "$root/apt" "$root/cache"
}

# A program that runs with the libraries of its own suite; what it starts runs with those of the host.
wrap() {
    loader=$(echo "$root"/system/usr/lib*/ld-linux-*.so.*)
    libraries=$(dirname "$root"/system/usr/lib/*/libc.so.6)
    cat >"$bin/$1" <<EOF
#!/bin/sh
exec "$loader" --library-path "$libraries" --argv0 "$1" "$root/system/usr/bin/$1" "\$@"
EOF
    chmod +x "$bin/$1"
}

if [ -n "${GODIRECT_TEST_REAPI:-}" ]; then
    complete "$GODIRECT_TEST_REAPI" ||
        fail "GODIRECT_TEST_REAPI=$GODIRECT_TEST_REAPI has no buildbox-casd and buildbox-run-hosttools that run"
    echo "$GODIRECT_TEST_REAPI"
    exit
fi
if bin_on_path=$(on_path); then
    echo "$bin_on_path"
    exit
fi
mkdir -p "$env_dir"
exec 9>"$env_dir/reapi.lock"
flock 9
if ! [ -e "$stamp" ]; then
    for tool in apt-get dpkg-deb; do
        command -v "$tool" >/dev/null ||
            fail "no buildbox on PATH, and without $tool Debian's can't be unpacked; set GODIRECT_TEST_REAPI"
    done
    unpack
    wrap buildbox-casd
    wrap buildbox-run-hosttools
    complete "$bin" || fail "the programs in $bin don't run"
    touch "$stamp"
fi
echo "$bin"
