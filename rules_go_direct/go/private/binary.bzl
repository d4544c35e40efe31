"""The rule `go_binary`."""

load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load(":cover.bzl", "instrumented_files")
load(":library.bzl", "SOURCE_ATTRS", "SOURCE_DEPENDENCIES", "collect_source", "compile_source")
load(":link.bzl", "LIBRARY_MODES", "LINK_ATTRS", "check_modes", "configuration", "default_godebug", "link", "unique_packages")
load(":modinfo.bzl", "build_info")
load(":providers.bzl", "GoCInfo", "GoStdInfo")
load(":tools.bzl", "TOOLCHAIN_TYPE")

def _file_name(ctx, config):
    """The name of the program or library; what links shared libraries wants them to begin with `lib`."""
    name, goos = ctx.label.name, config.goos
    if config.linkmode == "c-archive":
        return name + ".a"
    if config.linkmode == "c-shared":
        suffix = {"darwin": ".dylib", "ios": ".dylib", "wasip1": ".wasm", "windows": ".dll"}.get(goos, ".so")
        return "lib" + name + suffix
    if config.linkmode == "plugin":
        return name + ".so"
    return name + (".exe" if goos == "windows" else "")

def _for_c(ctx, config, library, cgo):
    """What `cc_library` and its like need to link the library, and its header."""
    c = ctx.attr._c[GoCInfo]
    if config.linkmode not in LIBRARY_MODES or not c.toolchain:
        return [], []
    headers = []
    if cgo and cgo.header:
        headers.append(ctx.actions.declare_file("%s_/%s.h" % (ctx.label.name, ctx.label.name)))
        ctx.actions.symlink(output = headers[0], target_file = cgo.header)
    to_link = cc_common.create_library_to_link(
        actions = ctx.actions,
        cc_toolchain = c.toolchain,
        dynamic_library = library if config.linkmode == "c-shared" else None,
        feature_configuration = c.features,
        static_library = library if config.linkmode == "c-archive" else None,
    )
    linker_input = cc_common.create_linker_input(
        libraries = depset([to_link]),
        owner = ctx.label,
        user_link_flags = depset(["-pthread"] if config.linkmode == "c-archive" else []),
    )
    info = CcInfo(
        compilation_context = cc_common.create_compilation_context(
            headers = depset(headers),
            includes = depset([header.dirname for header in headers]),
        ),
        linking_context = cc_common.create_linking_context(linker_inputs = depset([linker_input])),
    )
    return headers, [info, OutputGroupInfo(go_generated_headers = depset(headers))]

def _go_binary_impl(ctx):
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    check_modes(ctx, config)
    source, embedded = collect_source(ctx)
    is_plugin = config.linkmode == "plugin"
    importpath = ctx.attr.importpath or embedded.importpath

    # Symbols of several plugins have to differ. What a program counted would have to be written when it ends, which only tests do.
    main = compile_source(ctx, source, importpath, importpath if is_plugin else "main", counts = False)
    if main.error:
        fail(main.error)
    transitive = main.transitive.to_list()
    packages = unique_packages(ctx, transitive)
    packages.pop(main.importmap)
    executable = ctx.actions.declare_file("%s_/%s" % (ctx.label.name, ctx.attr.out or _file_name(ctx, config)))
    link(ctx, config, ctx.attr._std[GoStdInfo].packages, struct(
        executable = executable,
        main = main.o,
        main_cgo = main.cgo,
        packages = packages.values(),
        fuzzed_std = [],
        std_imports = {path: True for package in transitive for path in package.std_imports}.keys(),
        info = build_info(
            config,
            main.importpath,
            source.module,
            [package.module for package in transitive if package.module],
            default_godebug(ctx, config),
            ctx.attr.gc_goopts,
        ),
        variables = {name: value for package in transitive for name, value in package.variables},
        flags = ["-pluginpath=" + main.importpath] if is_plugin else [],
    ))
    headers, for_c = _for_c(ctx, config, executable, main.cgo)
    return for_c + [
        DefaultInfo(
            executable = executable,
            files = depset([executable] + headers),
            runfiles = ctx.runfiles([executable]).merge(source.runfiles),
        ),
        RunEnvironmentInfo(environment = ctx.attr.env),
        instrumented_files(ctx, SOURCE_DEPENDENCIES, source.counted),
    ]

go_binary = rule(
    implementation = _go_binary_impl,
    doc = """A program, or a library for C. Of the attributes of `go_library` it usually has only `embed`.

It has the bytes of `go build -trimpath -buildvcs=false -ldflags=-buildid=`, with cgo if `pure = "off"`.""",
    attrs = SOURCE_ATTRS | LINK_ATTRS | {
        "env": attr.string_dict(doc = "Environment for `bazel run`."),
        "out": attr.string(doc = "Name of the file; by default the target's, with `.exe` on Windows."),
    },
    cfg = configuration,
    executable = True,
    toolchains = [TOOLCHAIN_TYPE],
)
