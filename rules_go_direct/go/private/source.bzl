"""The rule `go_source`."""

load(":cover.bzl", "instrumented_files")
load(":library.bzl", "SOURCE_ATTRS", "SOURCE_DEPENDENCIES", "collect_source")
load(":packages.bzl", "broken_package")
load(":tools.bzl", "TOOLCHAIN_TYPE")

def _go_source_impl(ctx):
    source, embedded = collect_source(ctx)
    error = "%s is a go_source, which rules can embed, but no package can import; make it a go_library" % ctx.label
    return [
        DefaultInfo(files = depset(source.srcs), runfiles = source.runfiles),
        broken_package(ctx.attr.importpath or embedded.importpath, error, source),
        instrumented_files(ctx, SOURCE_DEPENDENCIES, source.counted),
    ]

go_source = rule(
    implementation = _go_source_impl,
    doc = "Sources with what they need, to be embedded; nothing is compiled.",
    attrs = SOURCE_ATTRS,
    toolchains = [TOOLCHAIN_TYPE],
)
