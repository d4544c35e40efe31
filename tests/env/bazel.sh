#!/bin/bash
# Prints the path of a Bazel that is at least version 7; everything else goes to stderr.
#
# In this order: $GODIRECT_TEST_BAZEL; `bazel` on PATH; the one that an earlier run installed; on Debian, a new installation of
# Debian's own package (from a later suite than the host's) as a relocated bundle in the test environment's directory. Nothing
# of the host is changed: the bundle brings its libc, its JRE and the tools to build itself, and keeps its own apt state.
#
#   GODIRECT_TEST_ENV    directory of the test environment (default: $XDG_CACHE_HOME or ~/.cache, /godirect-test-env)
#   GODIRECT_TEST_MIRROR Debian mirror (default: the first of the host's sources)
#   GODIRECT_TEST_SUITE  Debian suite that has bazel-bootstrap 7 (default: forky)
set -euo pipefail

MINIMUM=7
# Written last; its name changes when older installations must be replaced.
stamp=complete-2
env_dir=${GODIRECT_TEST_ENV:-${XDG_CACHE_HOME:-$HOME/.cache}/godirect-test-env}
prefix=$env_dir/bazel
suite=${GODIRECT_TEST_SUITE:-forky}
start=$(date +%s)

say() { echo "bazel.sh: $*" >&2; }
stage() { say "$(($(date +%s) - start)) s: $*"; }
die() {
  say "error: $*"
  exit 1
}

# major_version BAZEL: the major version, or nothing when it can't be run.
major_version() {
  (cd / && "$1" --version 2>/dev/null) | sed -n 's/^bazel \([0-9][0-9]*\)\..*/\1/p'
}

usable() {
  local major
  major=$(major_version "$1") || return 1
  [ -n "$major" ] && [ "$major" -ge "$MINIMUM" ]
}

# The packages of the dependency closure that Bazel itself needs: no compiler, no JDK, no Python.
needed_packages() {
  apt-get install -s --no-install-recommends bazel-bootstrap | awk '$1 == "Inst" { print $2 }' |
    grep -E -x 'bazel-.*|lib.*-java|openjdk-[0-9]+-jre-headless|libc6|libgcc-s1|libstdc\+\+6|libgrpc.*|libprotobuf32.*|libabsl.*|zlib1g|libcares2|libre2-.*|libssl3.*|libzstd1|libzstd-jni1|velocity|async-profiler-java|unzip'
  # libblake3-0 is missing from the package's Depends; patchelf is for this script.
  printf '%s\n' libblake3-0 patchelf
}

# mirror: the Debian mirror of the host's apt sources, in either of their formats.
mirror() {
  { cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || :; } |
    sed -n -E '/^(URIs:|deb( \[[^]]*\])?) *([^ ]*\/debian)\/?( .*)?$/{s//\3/p;q}'
}

# fetch WORK: downloads the packages into WORK/debs and unpacks them into WORK/root, with apt state of its own.
fetch() {
  local work=$1 uri version
  uri=${GODIRECT_TEST_MIRROR:-$(mirror)}
  [ -n "$uri" ] || die "no Debian mirror in the apt sources; set GODIRECT_TEST_MIRROR, or GODIRECT_TEST_BAZEL to a bazel"
  mkdir -p "$work"/{state/lists/partial,cache/archives/partial,etc/sources.d,etc/preferences.d,debs,root}
  : >"$work/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" >"$work/etc/sources.list"
  # Mirrors may be weeks behind; the signature is checked all the same.
  cat >"$work/apt.conf" <<CONF
Dir::State "$work/state";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Etc::sourcelist "$work/etc/sources.list";
Dir::Etc::sourceparts "$work/etc/sources.d";
Dir::Etc::preferences "$work/etc/preferences";
Dir::Etc::preferencesparts "$work/etc/preferences.d";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Sandbox::User "";
CONF
  export APT_CONFIG=$work/apt.conf
  apt-get update -qq >&2 || die "cannot read the package lists of Debian's $suite"
  version=$(apt-cache policy bazel-bootstrap | sed -n 's/ *Candidate: //p')
  case $version in
    7.*) ;;
    *) die "Debian's $suite has bazel-bootstrap '$version', this script knows how to relocate 7.x; set GODIRECT_TEST_SUITE, or GODIRECT_TEST_BAZEL to a bazel" ;;
  esac
  (cd "$work/debs" && needed_packages | xargs apt-get -qq download >&2)
  unset APT_CONFIG
  stage "downloaded bazel-bootstrap $version ($(du -sh "$work/debs" | cut -f1))"
  local deb
  for deb in "$work"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" |
      tar -x -C "$work/root" --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/maven-repo
  done
}

# lay_out ROOT: the parts of the unpacked packages, where the bundle has them.
lay_out() {
  local root=$1 lib tool link target
  lib=$(echo "$root"/usr/lib/*-linux-gnu)
  mkdir -p "$prefix"/{bin,lib,share,etc}
  cp -a "$root/usr/share/bazel" "$prefix/share/bazel"
  cp -a "$root/usr/share/java" "$prefix/share/java"
  for tool in build-runfiles daemonize linux-sandbox process-wrapper embedded_tools/tools/zip/zipper/zipper; do
    rm -f "$prefix/share/bazel/$tool"
    cp "$root"/usr/libexec/*/bazel/"${tool##*/}" "$prefix/share/bazel/$tool"
  done
  rm -f "$prefix/share/bazel/libcpu_profiler.so"
  cp "$lib/bazel/libcpu_profiler.so" "$prefix/share/bazel/"
  cp "$root/usr/bin/bazel" "$prefix/bin/bazel-real"
  cp "$root/usr/bin/patchelf" "$prefix/bin/patchelf"
  find "$lib" -maxdepth 1 -name '*.so*' -exec cp -a {} "$prefix/lib/" \;
  cp -a "$(find "$root/usr/lib/jvm" -maxdepth 1 -type d -name 'java-*-openjdk-*')" "$prefix/jre"
  # The configuration files of Debian's JRE are links into /etc.
  find "$prefix/jre" -type l | while read -r link; do
    target=$(readlink "$link")
    case $target in
      /etc/*)
        rm "$link"
        [ ! -e "$root$target" ] || cp -a "$root$target" "$link"
        ;;
    esac
  done
  rm -rf "$prefix"/jre/{docs,man,legal}
}

# relocate: every program of the bundle gets the bundle's loader and libraries.
relocate() {
  local loader program rpath
  loader=$(find "$prefix/lib" -name 'ld-linux*.so.*' | head -n 1)
  [ -n "$loader" ] || die "libc6 of $suite has no loader where it was expected"
  bundled_patchelf() { "$loader" --library-path "$prefix/lib" "$prefix/bin/patchelf" "$@"; }
  for program in "$prefix/bin/bazel-real" "$prefix"/share/bazel/{build-runfiles,daemonize,linux-sandbox,process-wrapper} \
    "$prefix/share/bazel/embedded_tools/tools/zip/zipper/zipper" "$prefix"/jre/bin/* "$prefix"/jre/lib/{jspawnhelper,jexec}; do
    if [ -L "$program" ] || ! bundled_patchelf --print-interpreter "$program" >/dev/null 2>&1; then continue; fi
    rpath=$prefix/lib
    case $program in "$prefix"/jre/*) rpath=$prefix/lib:$prefix/jre/lib ;; esac
    chmod u+w "$program"
    bundled_patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$rpath" "$program"
  done
}

# write_class_path: Debian's jars name further jars in their manifests, by absolute paths; the list must hold them all.
write_class_path() {
  python3 - "$prefix/share/java" "$prefix/share/bazel/bazel_classpath_debian_depends.txt" <<'PY'
import os, re, sys, zipfile

directory, list_file = sys.argv[1:]
with open(list_file) as f:
    todo = [os.path.basename(line.strip()) for line in f if line.strip()]
jars = []
while todo:
    jar = todo.pop(0)
    path = os.path.join(directory, jar)
    if jar in jars or not os.path.exists(path):
        continue
    jars.append(jar)
    try:
        manifest = zipfile.ZipFile(path).read("META-INF/MANIFEST.MF").decode()
    except KeyError:
        continue
    match = re.search(r"^Class-Path: (.*)$", re.sub(r"\r?\n ", "", manifest), re.M)
    todo += [os.path.basename(name) for name in (match.group(1).split() if match else [])]
with open(list_file, "w") as f:
    f.writelines(os.path.join(directory, jar) + "\n" for jar in jars)
PY
}

# write_trust_store: the host's certificate authorities in the one format that Debian's JRE reads without further packages (JKS).
write_trust_store() {
  python3 - "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$prefix/etc/cacerts" <<'PY'
import base64, hashlib, re, struct, sys

bundle, store = sys.argv[1:]
PASSWORD = "changeit"
with open(bundle) as f:
    pattern = r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----"
    certificates = [base64.b64decode(text) for text in re.findall(pattern, f.read(), re.S)]

def utf(text):
    return struct.pack(">H", len(text)) + text.encode()

entries = b"".join(
    struct.pack(">I", 2) + utf(f"ca{i}") + struct.pack(">Q", 0) + utf("X.509") + struct.pack(">I", len(der)) + der
    for i, der in enumerate(certificates)
)
data = struct.pack(">III", 0xFEEDFEED, 2, len(certificates)) + entries
digest = hashlib.sha1(PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + data).digest()
with open(store, "wb") as f:
    f.write(data + digest)
PY
}

# write_stubs: Bazel's implicit dependencies that Debian does not ship, as empty modules.
write_stubs() {
  local module stub
  for module in buildozer:7.1.2 protobuf:3.19.6 zlib:1.3.1.bcr.3 apple_support:1.23.1; do
    stub=$prefix/share/bazel/stubs/${module%%:*}
    mkdir -p "$stub"
    printf 'module(name = "%s", version = "%s")\n' "${module%%:*}" "${module#*:}" >"$stub/MODULE.bazel"
    : >"$stub/BUILD.bazel"
  done
  cat >"$prefix/share/bazel/stubs/buildozer/buildozer_binary.bzl" <<'BZL'
def _repo_impl(rctx):
    rctx.file("BUILD.bazel", "")

_repo = repository_rule(implementation = _repo_impl)

def _extension_impl(_mctx):
    _repo(name = "buildozer_binary")

buildozer_binary = module_extension(implementation = _extension_impl)
BZL
}

# write_bazelrc ROOT: Debian's rc file for offline use, with the bundle's paths, and a `bazel` that reads it.
write_bazelrc() {
  local root=$1 module
  {
    cat <<RC
startup --install_base=$prefix/share/bazel
startup --trust_install_base
startup --server_javabase=$prefix/jre
startup --host_jvm_args=--enable-native-access=ALL-UNNAMED
startup --host_jvm_args=--sun-misc-unsafe-memory-access=allow
startup --host_jvm_args=-Djavax.net.ssl.trustStore=$prefix/etc/cacerts
startup --host_jvm_args=-Djavax.net.ssl.trustStoreType=JKS
common --noenable_workspace
common --lockfile_mode=off
RC
    sed -n "s|^common --override_module=\([a-z_]*\)=/usr/share/bazel/|common --override_module=\1=$prefix/share/bazel/|p" "$root/etc/bazel/bazelrc"
    for module in buildozer protobuf zlib apple_support; do
      echo "common --override_module=$module=$prefix/share/bazel/stubs/$module"
    done
  } >"$prefix/etc/bazelrc"
  printf '#!/bin/sh\nexec "%s/bin/bazel-real" --nosystem_rc --bazelrc="%s/etc/bazelrc" "$@"\n' "$prefix" "$prefix" >"$prefix/bin/bazel"
  chmod +x "$prefix/bin/bazel"
}

# The bundle has absolute paths in it, so it is built in its place; the stamp, written last, says that it is whole.
install_bundle() {
  local tool work
  for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || die "no bazel >= $MINIMUM on PATH, and without \`$tool\` Debian's cannot be installed; set GODIRECT_TEST_BAZEL to a bazel"
  done
  # Debian's python3-minimal has no zipfile.
  python3 -c 'import zipfile' 2>/dev/null || apt-get install -y --no-install-recommends python3 >&2 ||
    die "python3 is needed and can't be installed; run apt-get update, or install it yourself"
  work=$env_dir/bazel.work
  rm -rf "$prefix" "$work"
  mkdir -p "$work"
  fetch "$work"
  stage unpacked
  lay_out "$work/root"
  relocate
  write_class_path
  write_trust_store
  write_stubs
  write_bazelrc "$work/root"
  rm -rf "$work"
  usable "$prefix/bin/bazel" || die "the bazel in $prefix does not run"
  touch "$prefix/$stamp"
  stage "installed $prefix/bin/bazel"
}

if [ -n "${GODIRECT_TEST_BAZEL:-}" ]; then
  usable "$GODIRECT_TEST_BAZEL" || die "GODIRECT_TEST_BAZEL=$GODIRECT_TEST_BAZEL is not a bazel of version $MINIMUM or later"
  echo "$GODIRECT_TEST_BAZEL"
  exit
fi
if on_path=$(command -v bazel) && usable "$on_path"; then
  echo "$on_path"
  exit
fi
mkdir -p "$env_dir"
exec 9>"$env_dir/bazel.lock"
flock 9
if [ ! -e "$prefix/$stamp" ]; then install_bundle; fi
echo "$prefix/bin/bazel"
