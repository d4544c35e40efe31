#!/bin/bash
# Makes what a release of the ruleset in HEAD consists of: its archive, and its entry in the Bazel Central Registry.
#
#   rules_go_direct/release.sh URL METADATA OUT
#
#   URL       where the archive will be
#   METADATA  metadata.json of the registry as it is; for the first release one with homepage, maintainers, repository, and no versions
#   OUT       a directory, which gets the archive, and modules/rules_go_direct as the registry has it
#
# A commit has one archive, byte for byte.
set -euo pipefail

die() {
  echo "release.sh: error: $*" >&2
  exit 1
}

[ $# = 3 ] || die "usage: rules_go_direct/release.sh URL METADATA OUT"
url=$1
metadata=$(realpath "$2")
mkdir -p "$3"
out=$(realpath "$3")
cd "$(dirname "$0")"

git diff --quiet HEAD -- . ../.bcr ../LICENSE-* || die "there are changes that are not in HEAD; commit them first"
version=$(git show HEAD:./MODULE.bazel | sed -n 's/^    version = "\(.*\)",$/\1/p')
name=rules_go_direct-$version
entry=$out/modules/rules_go_direct
mkdir -p "$entry/$version"

# Without what only this repository has a use for, and with its licences. The mode of files is no matter of settings.
git -c tar.umask=0022 archive --format=tar --prefix="$name/" --add-file=../LICENSE-APACHE --add-file=../LICENSE-MIT \
  HEAD . ':!docs/BUILD.bazel' ':!go/private/tests' ':!release.sh' | gzip -9n >"$out/$name.tar.gz"
git show HEAD:./MODULE.bazel >"$entry/$version/MODULE.bazel"
git show HEAD:.bcr/rules_go_direct/presubmit.yml >"$entry/$version/presubmit.yml"

python3 - "$url" "$metadata" "$out/$name.tar.gz" "$entry" "$version" <<'PY'
import base64, hashlib, json, sys

url, metadata, archive, entry, version = sys.argv[1:]


def write(path, value):
    with open(path, "w") as f:
        f.write(json.dumps(value, indent=4) + "\n")


with open(metadata) as f:
    module = json.load(f)
missing = [name for name in ("homepage", "maintainers", "repository") if not module.get(name)]
if missing:
    sys.exit(f"release.sh: error: {metadata} lacks {', '.join(missing)}")
# The registry takes no archive from elsewhere.
if not url.startswith(tuple(place.replace("github:", "https://github.com/", 1) for place in module["repository"])):
    sys.exit(f"release.sh: error: {url} is in none of the places that `repository` of {metadata} names")
module["versions"] = [v for v in module.get("versions", []) if v != version] + [version]
module.setdefault("yanked_versions", {})
write(f"{entry}/metadata.json", module)
with open(archive, "rb") as f:
    digest = base64.b64encode(hashlib.sha256(f.read()).digest()).decode()
write(f"{entry}/{version}/source.json", {"integrity": f"sha256-{digest}", "strip_prefix": f"rules_go_direct-{version}", "url": url})
PY
echo "$out/$name.tar.gz"
