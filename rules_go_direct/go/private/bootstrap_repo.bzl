"""The repository of an SDK that compiles another one from source, with the program that does it."""

load(":proxy.bzl", "download_module")
load(":sdk_repo.bzl", "write_go_mods")

_BUILD = """package(default_visibility = ["//visibility:public"])

exports_files(["VERSION", "program/sdk"])

filegroup(
    name = "files",
    srcs = glob(
        ["bin/go", "go.env", "pkg/**", "src/**"],
        exclude = ["**/testdata/**", "**/*_test.go"],
    ),
)
"""

def _make_executable(rctx, name):
    """Files of a module zip have no executable bits; a download from the file itself, which can set them, needs no program."""
    url = lambda name: "file://" + str(rctx.path(name)).replace(" ", "%20")
    rctx.download(url = url(name), output = "moved")
    rctx.delete(name)
    rctx.download(url = url("moved"), output = name, executable = True)
    rctx.delete("moved")

def _go_bootstrap_repo_impl(rctx):
    goos, _, goarch = rctx.attr.platform.partition("/")
    download_module(rctx, "golang.org/toolchain", "v0.0.1-go%s.%s-%s" % (rctx.attr.version, goos, goarch), rctx.attr.sha256)
    write_go_mods(rctx)
    _make_executable(rctx, "bin/go")
    for tool in ["asm", "cgo", "compile", "link"]:
        _make_executable(rctx, "pkg/tool/%s_%s/%s" % (goos, goarch, tool))

    # Compiling takes seconds, and what comes out is the same everywhere; it could not be an action before there is an SDK with records.
    root = rctx.path(".")
    result = rctx.execute(
        ["bin/go", "build", "-trimpath", "-o", "program/sdk"] + [str(rctx.path(file)) for file in rctx.attr._program],
        environment = {
            "CGO_ENABLED": "0",
            "GO111MODULE": "off",
            "GOCACHE": "%s/cache" % root,
            "GOENV": "off",
            "GOFLAGS": "",
            "GOPATH": "%s/path" % root,
            "GOPROXY": "off",
            "GOROOT": str(root),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "HOME": "%s/home" % root,
        },
    )
    if result.return_code != 0:
        fail("failed to compile the program that builds Go: " + result.stderr)
    for left in ["cache", "home", "path"]:
        rctx.delete(left)
    rctx.file("BUILD.bazel", _BUILD)

go_bootstrap_repo = repository_rule(
    implementation = _go_bootstrap_repo_impl,
    doc = "Downloads an SDK that compiles another one.",
    attrs = {
        "platform": attr.string(doc = "GOOS/GOARCH that its tools run on."),
        "sha256": attr.string(doc = "Of the module's zip."),
        "version": attr.string(doc = "E.g. `1.24.6`."),
        "_program": attr.label_list(default = ["//go/private/sdk_program:main.go", "//go/private/sdk_program:patch.go"]),
    },
)
