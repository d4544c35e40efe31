"""The repository of a Go SDK."""

load(":proxy.bzl", "download_module")
load(":records.bzl", "all_files")

_TOOLS = ["asm", "compile", "link"]

_BUILD = """load("@rules_go_direct//go:toolchain.bzl", "go_sdk")

package(default_visibility = ["//visibility:public"])

exports_files(glob(["bin/*"], allow_empty = True))

go_sdk(
    name = "sdk",
    srcs = {srcs},
    asm = "{asm}",
    compile = "{compile}",
    experiments = {experiments},
    goos = "{goos}",
    include = glob(["pkg/include/*.h"]),
    link = "{link}",
    packages = {packages},
    sdk_name = "{sdk_name}",
    version = "{version}",
)
"""

def _executable_tools(rctx, directory):
    """Tools of a module zip have no executable bits; a download from the file itself, which can set them, needs no program."""
    paths = {}
    for tool in _TOOLS:
        source = rctx.path("%s/%s" % (directory, tool))
        paths[tool] = "tool/" + tool
        rctx.download(url = "file://" + str(source).replace(" ", "%20"), output = paths[tool], executable = True)
        rctx.delete(source)
    return paths

def _go_sdk_repo_impl(rctx):
    version = rctx.attr.version
    goos, _, goarch = rctx.attr.platform.partition("/")
    if goos == "windows":
        fail("the SDK for windows can't be used: this version of rules_go_direct builds on Linux and other Unix systems, and for Windows there")
    directory = "pkg/tool/%s_%s" % (goos, goarch)
    if rctx.attr.source == "module":
        download_module(rctx, "golang.org/toolchain", "v0.0.1-go%s.%s-%s" % (version, goos, goarch), rctx.attr.sha256)
        tools = _executable_tools(rctx, directory)
    else:
        rctx.download_and_extract(url = rctx.attr.urls, sha256 = rctx.attr.sha256, stripPrefix = "go")
        tools = {tool: "%s/%s" % (directory, tool) for tool in _TOOLS}
    srcs = [
        "src/%s/%s" % (path, name)
        for path, record in json.decode(rctx.attr.packages).items()
        for name in all_files(record)
    ]
    rctx.file("BUILD.bazel", _BUILD.format(
        srcs = repr(srcs),
        goos = goos,
        experiments = repr(rctx.attr.experiments),
        packages = repr(rctx.attr.packages),
        sdk_name = rctx.attr.sdk_name,
        version = version,
        **tools
    ))

go_sdk_repo = repository_rule(
    implementation = _go_sdk_repo_impl,
    doc = "Downloads an SDK and describes its packages as the lock does.",
    attrs = {
        "experiments": attr.string(doc = "`experiments` of the lock, as JSON."),
        "packages": attr.string(doc = "`packages` of the lock, as JSON."),
        "platform": attr.string(doc = "GOOS/GOARCH that its tools run on."),
        "sdk_name": attr.string(doc = "The name that the spec gives it."),
        "sha256": attr.string(doc = "Of the archive."),
        "source": attr.string(values = ["module", "archive"], doc = "What is downloaded: a module's zip, or an archive with the directory `go`."),
        "urls": attr.string_list(doc = "Where an archive is."),
        "version": attr.string(doc = "E.g. `1.27.3`."),
    },
)
