#!/bin/bash
# Prints a directory with real rules_go and stand-ins for what it depends on, each a Bazel module by its name; everything else goes to stderr.
#
# In this order: $GODIRECT_TEST_RULES_GO; the one that an earlier run made; a new one: rules_go is fetched as the Go module that it also is, by
# the Go SDK in $GODIRECT_TEST_GOROOT through GOPROXY. Gazelle's extension, rules_shell and package_metadata are needed to load its files, but
# nothing of them is used by a repository without third-party modules.
#
#   GODIRECT_TEST_ENV  directory of the test environment (default: $XDG_CACHE_HOME or ~/.cache, /godirect-test-env)
set -euo pipefail

MODULE=github.com/bazelbuild/rules_go
VERSION=v0.65.0
env_dir=${GODIRECT_TEST_ENV:-${XDG_CACHE_HOME:-$HOME/.cache}/godirect-test-env}
out=$env_dir/rules_go-$VERSION
work=

die() {
  echo "rules_go.sh: error: $*" >&2
  exit 1
}

# put FILE: writes standard input to a file below the directory that is being made.
put() {
  mkdir -p "$(dirname "$work/$1")"
  cat >"$work/$1"
}

# patch_rules_go: takes out what only its own development needs, and what this Bazel's modules don't have yet.
patch_rules_go() {
  local root=$work/rules_go
  chmod -R u+w "$root"
  # Go modules have no executable files.
  find "$root" -name '*.sh' -exec chmod +x {} +
  sed -i '/^# Only applies when rules_go is the root module/,$d' "$root/MODULE.bazel"
  cat >>"$root/MODULE.bazel" <<'END'
go_sdk = use_extension("//go:extensions.bzl", "go_sdk")
use_repo(go_sdk, "go_host_compatible_sdk_label", "go_toolchains", "io_bazel_rules_nogo")
register_toolchains("@go_toolchains//:all")

bazel_dep(name = "gazelle", version = "0")

go_deps = use_extension("@gazelle//:extensions.bzl", "go_deps")
use_repo(go_deps, "bazel_gazelle_go_repository_config", "org_golang_x_tools")
END
  local feature=bazel_features.rules.instrumented_files_info_has_baseline_coverage_files
  sed -i "s/$feature/getattr(bazel_features.rules, \"${feature##*.}\", False)/" "$root/go/private/actions/baseline_coverage.bzl"
}

# stand_ins: modules that have just what the files of rules_go load.
stand_ins() {
  local module rule
  for module in gazelle rules_shell package_metadata; do
    echo "module(name = \"$module\", version = \"0\")" | put "$module/MODULE.bazel"
    put "$module/BUILD.bazel" </dev/null
  done
  put gazelle/extensions.bzl <<'END'
def _empty_repo_impl(rctx):
    rctx.file("BUILD.bazel", "")

_empty_repo = repository_rule(implementation = _empty_repo_impl)

def _go_deps_impl(_mctx):
    for name in ["bazel_gazelle_go_repository_config", "org_golang_x_tools"]:
        _empty_repo(name = name)

go_deps = module_extension(implementation = _go_deps_impl)
END
  put rules_shell/shell/BUILD.bazel </dev/null
  for rule in sh_binary sh_library sh_test; do
    echo "$rule = native.$rule if hasattr(native, \"$rule\") else None" | put "rules_shell/shell/$rule.bzl"
  done
  put package_metadata/providers/BUILD.bazel </dev/null
  echo 'PackageMetadataInfo = provider(fields = ["attributes", "files", "metadata", "purl"])' |
    put package_metadata/providers/package_metadata_info.bzl
}

make_all() {
  local go=${GODIRECT_TEST_GOROOT:-}/bin/go unpacked
  [ -x "$go" ] || die "no Go to fetch $MODULE with; set GODIRECT_TEST_GOROOT to a GOROOT"
  work=$(mktemp -d "$env_dir/rules_go.XXXXXX")
  trap 'rm -rf "${work:?}"' EXIT
  echo "rules_go.sh: fetching $MODULE@$VERSION" >&2
  unpacked=$(cd "$work" && env -u GOROOT GOFLAGS=-modcacherw GOTOOLCHAIN=local GOWORK=off "$go" mod download -json "$MODULE@$VERSION" |
    sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  [ -n "$unpacked" ] || die "cannot fetch $MODULE@$VERSION"
  cp -r "$unpacked" "$work/rules_go"
  patch_rules_go
  stand_ins
  chmod 755 "$work"
  mv -T "$work" "$out" 2>/dev/null || [ -d "$out/rules_go" ] || die "cannot write $out"
}

if [ -n "${GODIRECT_TEST_RULES_GO:-}" ]; then
  [ -d "$GODIRECT_TEST_RULES_GO/rules_go" ] || die "GODIRECT_TEST_RULES_GO=$GODIRECT_TEST_RULES_GO has no rules_go"
  echo "$GODIRECT_TEST_RULES_GO"
  exit
fi
mkdir -p "$env_dir"
[ -d "$out" ] || make_all
echo "$out"
