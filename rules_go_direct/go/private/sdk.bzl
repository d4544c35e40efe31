"""The rule `go_sdk`: the files of an unpacked SDK."""

load(":providers.bzl", "GoSdkInfo")

def _go_sdk_impl(ctx):
    root = ctx.label.repo_name + "/src/"
    return [GoSdkInfo(
        asm = ctx.file.asm,
        cgo = ctx.file.cgo,
        compile = ctx.file.compile,
        cover = ctx.file.cover,
        experiments = json.decode(ctx.attr.experiments),
        goexperiment = "",
        goos = ctx.attr.goos,
        goversion = "go" + ctx.attr.version,
        include = ctx.files.include,
        link = ctx.file.link,
        name = ctx.attr.sdk_name,
        packages = json.decode(ctx.attr.packages),
        preprofile = ctx.file.preprofile,
        sources = {file.short_path.partition(root)[2]: file for file in ctx.files.srcs},
        version = ctx.attr.version,
        zoneinfo = ctx.file.zoneinfo,
    )]

go_sdk = rule(
    implementation = _go_sdk_impl,
    doc = "A Go SDK, in the root package of its repository.",
    attrs = {
        "asm": attr.label(mandatory = True, allow_single_file = True, doc = "The assembler."),
        "cgo": attr.label(mandatory = True, allow_single_file = True, doc = "The tool that reads C code of Go files."),
        "compile": attr.label(mandatory = True, allow_single_file = True, doc = "The compiler."),
        "cover": attr.label(mandatory = True, allow_single_file = True, doc = "The tool that makes a package count its statements."),
        "experiments": attr.string(default = "{}", doc = "`experiments` of the lock, as JSON."),
        "goos": attr.string(mandatory = True, doc = "GOOS of the platform that its tools run on."),
        "include": attr.label_list(mandatory = True, allow_files = True, doc = "The files of pkg/include."),
        "link": attr.label(mandatory = True, allow_single_file = True, doc = "The linker."),
        "packages": attr.string(mandatory = True, doc = "`packages` of the lock, as JSON."),
        "preprofile": attr.label(allow_single_file = True, doc = "The tool that prepares profiles for the compiler; Go has it since 1.23."),
        "sdk_name": attr.string(default = "default", doc = "The name that the spec gives it."),
        "srcs": attr.label_list(mandatory = True, allow_files = True, doc = "All files that `packages` names, below src."),
        "version": attr.string(mandatory = True, doc = "Its version, e.g. `1.27.3`."),
        "zoneinfo": attr.label(allow_single_file = True, doc = "`lib/time/zoneinfo.zip`."),
    },
    provides = [GoSdkInfo],
)
