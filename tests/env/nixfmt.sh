#!/bin/bash
# Prints the path of a nixfmt; everything else goes to stderr.
#
# In this order: $GODIRECT_TEST_NIXFMT; `nixfmt` on PATH; the one that an earlier run built; a new build with cargo of nixfmt_rs, which
# formats as nixfmt does, byte for byte.
#
#   GODIRECT_TEST_ENV  directory of the test environment (default: $XDG_CACHE_HOME or ~/.cache, /godirect-test-env)
set -euo pipefail

CRATE=nixfmt_rs
VERSION=0.5.3
env_dir=${GODIRECT_TEST_ENV:-${XDG_CACHE_HOME:-$HOME/.cache}/godirect-test-env}
bin=$env_dir/nixfmt-$VERSION
work=

die() {
  echo "nixfmt.sh: error: $*" >&2
  exit 1
}

# build: installs into a directory beside the final one, then renames.
build() {
  work=$(mktemp -d "$env_dir/nixfmt.XXXXXX")
  trap 'rm -rf "${work:?}"' EXIT
  echo "nixfmt.sh: building $CRATE $VERSION" >&2
  env -u CARGO_BUILD_TARGET -u CARGO_TARGET_DIR cargo install --locked --debug --root "$work" "$CRATE@$VERSION" >&2 ||
    die "cannot build $CRATE $VERSION"
  chmod 755 "$work"
  mv -T "$work" "$bin" 2>/dev/null || [ -x "$bin/bin/nixfmt" ] || die "cannot write $bin"
}

if [ -n "${GODIRECT_TEST_NIXFMT:-}" ]; then
  [ -x "$GODIRECT_TEST_NIXFMT" ] || die "GODIRECT_TEST_NIXFMT=$GODIRECT_TEST_NIXFMT is not a program"
  echo "$GODIRECT_TEST_NIXFMT"
  exit
fi
if on_path=$(command -v nixfmt); then
  echo "$on_path"
  exit
fi
mkdir -p "$env_dir"
if [ ! -x "$bin/bin/nixfmt" ]; then build; fi
echo "$bin/bin/nixfmt"
