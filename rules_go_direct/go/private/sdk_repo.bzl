"""The repository of a Go SDK."""

load(":constraint.bzl", "minor_of")
load(":proxy.bzl", "download_module")
load(":records.bzl", "all_files")
load(":sdk_place.bzl", "PLACE_ATTRS", "link_sdk", "placed_root")

_TOOLS = ["asm", "cgo", "compile", "cover", "link"]

# That SDKs have since Go 1.23.
_PREPROFILE = "preprofile"

_BUILD = """load("@rules_go_direct//go:toolchain.bzl", "go_sdk")

package(default_visibility = ["//visibility:public"])

exports_files(glob(["bin/*"], allow_empty = True))

go_sdk(
    name = "sdk",
    srcs = {srcs},
    asm = "{asm}",
    cgo = "{cgo}",
    compile = "{compile}",
    cover = "{cover}",
    experiments = {experiments},
    goos = "{goos}",
    include = glob(["pkg/include/*.h"]),
    link = "{link}",
    packages = {packages},
    preprofile = {preprofile},
    sdk_name = "{sdk_name}",
    version = "{version}",
    zoneinfo = {zoneinfo},
)
"""

def _executable_tools(rctx, directory, tools):
    """Tools of a module zip have no executable bits; a download from the file itself, which can set them, needs no program."""
    paths = {}
    for tool in tools:
        source = rctx.path("%s/%s" % (directory, tool))
        paths[tool] = "tool/" + tool
        rctx.download(url = "file://" + str(source).replace(" ", "%20"), output = paths[tool], executable = True)
        rctx.delete(source)
    return paths

_BUILD_FROM_SOURCE = """load("@rules_go_direct//go:toolchain.bzl", "go_sdk_from_source")

package(default_visibility = ["//visibility:public"])

go_sdk_from_source(
    name = "sdk",
    srcs = glob(
        ["**"],
        exclude = ["BUILD.bazel", "godirect_patches/**", "test/**", "**/testdata/**", "**/*_test.go"],
    ),
    bootstrap = "{bootstrap}:files",
    bootstrap_version = "{bootstrap}:VERSION",
    experiments = {experiments},
    go_experiments = {go_experiments},
    goarch = "{goarch}",
    goos = "{goos}",
    goversion = "{goversion}",
    packages = {packages},
    patched = {patched},
    patches = {patches},
    program = "{bootstrap}:program/sdk",
    sdk_name = "{sdk_name}",
    sources = {sources},
    version = "{version}",
)
"""

def write_go_mods(rctx):
    """Undoes what a module zip does to go.mod files, as far as the go command needs it.

    Args:
      rctx: the repository context.
    """
    for directory in ["src", "src/cmd"]:
        rctx.file(directory + "/go.mod", rctx.read(directory + "/_go.mod"))
        rctx.delete(directory + "/_go.mod")

def _write_from_source(rctx, goos, goarch, srcs):
    build = json.decode(rctx.attr.build)
    write_go_mods(rctx)
    patches = []
    for number, content in enumerate(rctx.attr.patches):
        patches.append("godirect_patches/%d.patch" % number)
        rctx.file(patches[-1], content)
    rctx.file("BUILD.bazel", _BUILD_FROM_SOURCE.format(
        bootstrap = rctx.attr.bootstrap,
        experiments = repr(rctx.attr.experiments),
        go_experiments = repr(build.get("experiments", [])),
        goarch = goarch,
        goos = goos,
        goversion = build["goversion"],
        packages = repr(rctx.attr.packages),
        patched = repr(build.get("patched", {})),
        patches = repr(patches),
        sdk_name = rctx.attr.sdk_name,
        sources = repr(json.encode(srcs)),
        version = rctx.attr.version,
    ))

def _go_sdk_repo_impl(rctx):
    version = rctx.attr.version
    goos, _, goarch = rctx.attr.platform.partition("/")
    if goos == "windows":
        fail("the SDK for windows can't be used: this version of rules_go_direct builds on Linux and other Unix systems, and for Windows there")
    directory = "pkg/tool/%s_%s" % (goos, goarch)
    srcs = [
        "src/%s/%s" % (path, name)
        for path, record in json.decode(rctx.attr.packages).items()
        for name in all_files(record)
    ]
    names = _TOOLS + ([_PREPROFILE] if minor_of(version) >= 23 else [])
    root = placed_root(rctx, directory)
    if root:
        tools = link_sdk(rctx, root, directory, names, srcs)
    elif rctx.attr.source == "module":
        download_module(rctx, "golang.org/toolchain", "v0.0.1-go%s.%s-%s" % (version, goos, goarch), rctx.attr.sha256)
        tools = {} if rctx.attr.build else _executable_tools(rctx, directory, names)
    else:
        rctx.download_and_extract(url = rctx.attr.urls, sha256 = rctx.attr.sha256, stripPrefix = rctx.attr.strip_prefix)
        tools = {tool: "%s/%s" % (directory, tool) for tool in names}
    if rctx.attr.build:
        _write_from_source(rctx, goos, goarch, srcs)
        return
    rctx.file("BUILD.bazel", _BUILD.format(
        srcs = repr(srcs),
        goos = goos,
        experiments = repr(rctx.attr.experiments),
        packages = repr(rctx.attr.packages),
        sdk_name = rctx.attr.sdk_name,
        version = version,
        zoneinfo = repr("lib/time/zoneinfo.zip" if rctx.path("lib/time/zoneinfo.zip").exists else None),
        **(tools | {_PREPROFILE: repr(tools.get(_PREPROFILE))})
    ))

go_sdk_repo = repository_rule(
    implementation = _go_sdk_repo_impl,
    doc = "Downloads an SDK, or links one that is there, and describes its packages as the lock does.",
    attrs = PLACE_ATTRS | {
        "bootstrap": attr.string(doc = "The root package of the `go_bootstrap_repo`, where there is a `build`."),
        "build": attr.string(doc = "`build` of the lock, as JSON; empty for a release as it is."),
        "experiments": attr.string(doc = "`experiments` of the lock, as JSON."),
        "packages": attr.string(doc = "`packages` of the lock, as JSON."),
        "patches": attr.string_list(doc = "Contents of the patches."),
        "platform": attr.string(doc = "GOOS/GOARCH that its tools run on."),
        "sdk_name": attr.string(doc = "The name that the spec gives it."),
        "sha256": attr.string(doc = "Of the archive."),
        "source": attr.string(values = ["module", "archive"], doc = "What is downloaded: a module's zip, or an archive with the directory `go`."),
        "strip_prefix": attr.string(default = "go", doc = "The directory of an archive that is GOROOT."),
        "urls": attr.string_list(doc = "Where an archive is."),
        "version": attr.string(doc = "E.g. `1.27.3`."),
    },
)
