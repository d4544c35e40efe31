"""The rule `go_binary`."""

load(":library.bzl", "SOURCE_ATTRS", "collect_source", "compile_source")
load(":link.bzl", "LINK_ATTRS", "check_modes", "configuration", "link", "unique_packages")
load(":modinfo.bzl", "build_info")
load(":providers.bzl", "GoStdInfo")
load(":tools.bzl", "TOOLCHAIN_TYPE")

def _go_binary_impl(ctx):
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    check_modes(ctx, config)
    source, embedded = collect_source(ctx)
    main = compile_source(ctx, source, ctx.attr.importpath or embedded, "main")
    if main.error:
        fail(main.error)
    transitive = main.transitive.to_list()
    packages = unique_packages(ctx, transitive)
    packages.pop(main.importpath)
    suffix = ".exe" if config.goos == "windows" else ""
    executable = ctx.actions.declare_file("%s_/%s" % (ctx.label.name, ctx.attr.out or ctx.label.name + suffix))
    link(ctx, config, ctx.attr._std[GoStdInfo].packages, struct(
        executable = executable,
        importcfg = ctx.label.name + "_/importcfg.link",
        main = main.o,
        main_cgo = main.cgo,
        packages = packages.values(),
        std_imports = {path: True for package in transitive for path in package.std_imports}.keys(),
        info = build_info(
            config,
            main.importpath,
            source.module,
            [package.module for package in transitive if package.module],
            ctx.attr.default_godebug,
            ctx.attr.gc_goopts,
        ),
        variables = {name: value for package in transitive for name, value in package.variables},
        flags = [],
    ))
    return [
        DefaultInfo(
            executable = executable,
            files = depset([executable]),
            runfiles = ctx.runfiles([executable]).merge(source.runfiles),
        ),
        RunEnvironmentInfo(environment = ctx.attr.env),
    ]

go_binary = rule(
    implementation = _go_binary_impl,
    doc = "An executable, with the bytes of `go build -trimpath -buildvcs=false -ldflags=-buildid=`, with cgo if `pure = \"off\"`.",
    attrs = SOURCE_ATTRS | LINK_ATTRS | {
        "env": attr.string_dict(doc = "Environment for `bazel run`."),
        "out": attr.string(doc = "Name of the file; by default the target's, with `.exe` on Windows."),
    },
    cfg = configuration,
    executable = True,
    toolchains = [TOOLCHAIN_TYPE],
)
