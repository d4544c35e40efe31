"""Module proxies: where the zip of a module version is (https://go.dev/ref/mod#goproxy-protocol)."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "read_user_netrc", "use_netrc")

# Go's default; GOPROXY in the environment (also `--repo_env=GOPROXY=…`) overrides it.
_DEFAULT = "https://proxy.golang.org"

def _escape(text):
    """The case-encoding of proxies: `!a` for `A`, so that file systems that fold case can serve modules."""
    return "".join(["!" + char.lower() if char.isupper() else char for char in text.elems()])

def _proxies(value):
    proxies = []
    for entry in value.replace("|", ",").split(","):
        entry = entry.strip()
        if entry == "off":
            break
        if entry.startswith("https://") or entry.startswith("http://") or entry.startswith("file://"):
            proxies.append(entry.rstrip("/"))
    return proxies

def download_module(rctx, path, version, sha256):
    """Downloads and unpacks a module's zip into the repository's root.

    GOPROXY is read without `rctx.getenv`, so that another proxy doesn't invalidate what was fetched: the hash says that it is the same.

    Args:
      rctx: the repository context.
      path: module path.
      version: module version.
      sha256: of the zip, hexadecimal.
    """
    value = rctx.os.environ.get("GOPROXY") or _DEFAULT
    proxies = _proxies(value)
    if not proxies:
        fail("%s@%s: GOPROXY=%s has no http, https or file entry, and rules_go_direct fetches modules from proxies only" % (path, version, value))
    urls = ["%s/%s/@v/%s.zip" % (proxy, _escape(path), _escape(version)) for proxy in proxies]
    rctx.download_and_extract(
        url = urls,
        auth = use_netrc(read_user_netrc(rctx), urls, {}),
        sha256 = sha256,
        stripPrefix = "%s@%s" % (path, version),
        type = "zip",
    )
