"""The rule `go_module`."""

load(":providers.bzl", "GoModuleInfo")

def _go_module_impl(ctx):
    return [GoModuleInfo(
        path = ctx.attr.path,
        root = ctx.label.package,
        vendored = ctx.attr.vendored,
        version = ctx.attr.version,
        sum = ctx.attr.sum,
        go = ctx.attr.go or "1.16",
        replace_path = ctx.attr.replace_path,
        replace_version = ctx.attr.replace_version,
        replace_sum = ctx.attr.replace_sum,
    )]

go_module = rule(
    implementation = _go_module_impl,
    doc = "What go.mod says about a module: its packages' language version, and its name in a binary's build information.",
    attrs = {
        "go": attr.string(doc = "The go line of go.mod, e.g. `1.27`; without one, Go reads 1.16."),
        "path": attr.string(mandatory = True, doc = "The module path."),
        "replace_path": attr.string(doc = "The path, or the directory, of the module that a `replace` directive puts in its place."),
        "replace_sum": attr.string(doc = "The h1 hash of that module; empty for a directory."),
        "replace_version": attr.string(doc = "The version of that module; empty for a directory."),
        "sum": attr.string(doc = "The h1 hash, as in go.sum; empty for a module of this repository."),
        "vendored": attr.bool(doc = "Whether its files are in the vendor directory."),
        "version": attr.string(doc = "The version; empty for a module of this repository."),
    },
)
