#!/bin/bash
# Prints the path of a buildifier; everything else goes to stderr.
#
# In this order: $GODIRECT_TEST_BUILDIFIER; `buildifier` on PATH; the one that an earlier run built; a new build with the Go SDK
# in $GODIRECT_TEST_GOROOT, which fetches the pinned version below through GOPROXY.
#
#   GODIRECT_TEST_ENV  directory of the test environment (default: $XDG_CACHE_HOME or ~/.cache, /godirect-test-env)
set -euo pipefail

MODULE=github.com/bazelbuild/buildtools
VERSION=v0.0.0-20260904073137-eaa4d125b423
env_dir=${GODIRECT_TEST_ENV:-${XDG_CACHE_HOME:-$HOME/.cache}/godirect-test-env}
bin=$env_dir/buildifier-$VERSION
work=

die() {
  echo "buildifier.sh: error: $*" >&2
  exit 1
}

# build: installs into a directory beside the final one, then renames.
build() {
  local go=${GODIRECT_TEST_GOROOT:-}/bin/go
  [ -x "$go" ] || die "no buildifier on PATH and no Go to build one; set GODIRECT_TEST_BUILDIFIER, or GODIRECT_TEST_GOROOT to a GOROOT"
  work=$(mktemp -d "$env_dir/buildifier.XXXXXX")
  trap 'rm -rf "${work:?}"' EXIT
  echo "buildifier.sh: building $MODULE/buildifier@$VERSION" >&2
  env -u GOROOT GOBIN="$work" GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0 "$go" install "$MODULE/buildifier@$VERSION" >&2 ||
    die "cannot build $MODULE/buildifier@$VERSION"
  chmod 755 "$work"
  mv -T "$work" "$bin" 2>/dev/null || [ -x "$bin/buildifier" ] || die "cannot write $bin"
}

if [ -n "${GODIRECT_TEST_BUILDIFIER:-}" ]; then
  [ -x "$GODIRECT_TEST_BUILDIFIER" ] || die "GODIRECT_TEST_BUILDIFIER=$GODIRECT_TEST_BUILDIFIER is not a program"
  echo "$GODIRECT_TEST_BUILDIFIER"
  exit
fi
if on_path=$(command -v buildifier); then
  echo "$on_path"
  exit
fi
mkdir -p "$env_dir"
if [ ! -x "$bin/buildifier" ]; then build; fi
echo "$bin/buildifier"
