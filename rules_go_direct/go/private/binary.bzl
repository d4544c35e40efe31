"""The rule `go_binary`."""

load(":library.bzl", "SOURCE_ATTRS", "collect_source", "compile_source")
load(":modinfo.bzl", "build_info", "importcfg_line")
load(":platforms.bzl", "platform_name", "split_port")
load(":providers.bzl", "GoStdInfo")
load(":tools.bzl", "TOOLCHAIN_TYPE", "run_tool")

_PLATFORMS = "//command_line_option:platforms"
_TAGS = "//go/config:tags"
_SDK_NAME = "//go/toolchain:sdk_name"

def _configuration_impl(settings, attr):
    """The configuration of a binary: another platform with goos and goarch, further tags with gotags, another SDK with sdk_name."""
    platforms, tags = settings[_PLATFORMS], settings[_TAGS]
    if (attr.goos == "auto") != (attr.goarch == "auto"):
        fail("go_binary %s: set both goos and goarch, or neither" % attr.name)
    if attr.goos != "auto":
        goos, goarch = split_port("%s/%s" % (attr.goos, attr.goarch))
        platforms = [Label("//go/toolchain:" + platform_name(goos, goarch))]
    return {
        _PLATFORMS: platforms,
        _SDK_NAME: attr.sdk_name or settings[_SDK_NAME],
        _TAGS: tags + [tag for tag in attr.gotags if tag not in tags],
    }

_configuration = transition(
    implementation = _configuration_impl,
    inputs = [_PLATFORMS, _SDK_NAME, _TAGS],
    outputs = [_PLATFORMS, _SDK_NAME, _TAGS],
)

def _std_closure(ctx, config, std, imports):
    """All packages of std that are linked: imported ones, what the linker itself needs, and what they import."""
    needed = {path: True for path in imports + ["runtime"] + (["math"] if config.goarch == "arm" else [])}
    queue = needed.keys()
    for _ in range(len(std)):
        found = {}
        for path in queue:
            if path not in std:
                fail("%s: the binary needs std's package %s, which %s/%s does not have" % (ctx.label, path, config.goos, config.goarch))
            for imported in std[path].imports:
                if imported not in needed:
                    needed[imported] = True
                    found[imported] = True
        if not found:
            break
        queue = found.keys()
    return [std[path] for path in sorted(needed)]

def _linked_packages(ctx, main):
    """All packages besides std, the main package last; refuses two with one import path."""
    packages = {}
    for package in main.transitive.to_list():
        other = packages.get(package.importpath)
        if other and other.o != package.o:
            fail("%s: two packages with the import path %s would be linked: %s and %s; let both importers depend on the same target" %
                 (ctx.label, package.importpath, other.label, package.label))
        packages[package.importpath] = package
    packages.pop(main.importpath)
    return packages.values()

def _link(ctx, config, main, info_text):
    """Declares the link action; follows `ld` in cmd/go/internal/work/gc.go."""
    packages = _linked_packages(ctx, main)
    imports = {path: True for package in main.transitive.to_list() for path in package.std_imports}
    linked = packages + _std_closure(ctx, config, ctx.attr._std[GoStdInfo].packages, imports.keys())
    importcfg = ctx.actions.declare_file(ctx.label.name + "_/importcfg.link")
    lines = ["packagefile %s=%s" % (package.importpath, package.o.path) for package in linked]
    ctx.actions.write(importcfg, "\n".join(lines + [importcfg_line(info_text), ""]))

    suffix = ".exe" if config.goos == "windows" else ""
    executable = ctx.actions.declare_file("%s_/%s" % (ctx.label.name, ctx.attr.out or ctx.label.name + suffix))
    args = ctx.actions.args()
    args.add("-o", executable).add("-importcfg", importcfg)
    if ctx.attr.default_godebug:
        args.add("-X=runtime.godebugDefault=" + ctx.attr.default_godebug)
    args.add("-buildmode=" + config.linkmode).add("-buildid=")
    for name, value in ctx.attr.x_defs.items():
        args.add("-X").add("%s=%s" % (name if "." in name else "main." + name, value))
    args.add_all(ctx.attr.gc_linkopts).add(main.o)
    run_tool(
        ctx,
        config,
        config.sdk.link,
        args,
        mnemonic = "GoLink",
        about = str(ctx.label),
        inputs = [importcfg, main.o] + [package.o for package in linked],
        outputs = [executable],
        # -trimpath: the binary must not say where GOROOT was.
        env = {"GOROOT": ""},
    )
    return executable

def _go_binary_impl(ctx):
    if ctx.attr.pure == "off":
        fail("%s: pure = \"off\" asks for cgo, which this version of rules_go_direct does not support" % ctx.label)
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    source, embedded = collect_source(ctx)
    main = compile_source(ctx, source, ctx.attr.importpath or embedded, "main")
    if main.error:
        fail(main.error)
    text = build_info(
        config,
        main.importpath,
        source.module,
        [package.module for package in main.transitive.to_list() if package.module],
        ctx.attr.default_godebug,
        ctx.attr.gc_goopts,
    )
    executable = _link(ctx, config, main, text)
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
    doc = "An executable, with the bytes of `go build -trimpath -buildvcs=false -ldflags=-buildid=` without cgo.",
    attrs = SOURCE_ATTRS | {
        "default_godebug": attr.string(doc = "Default GODEBUG settings, as `go list -f {{.DefaultGODEBUG}}` prints them."),
        "env": attr.string_dict(doc = "Environment for `bazel run`."),
        "gc_linkopts": attr.string_list(doc = "Linker flags, as `-ldflags`."),
        "goarch": attr.string(default = "auto", doc = "GOARCH, with goos; `auto` is that of the target platform."),
        "goos": attr.string(default = "auto", doc = "GOOS, with goarch; `auto` is that of the target platform."),
        "gotags": attr.string_list(doc = "Build tags for the binary and all that it needs, as `-tags`."),
        "out": attr.string(doc = "Name of the file; by default the target's, with `.exe` on Windows."),
        "pure": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "Without cgo; `auto` and `on` are the same."),
        "sdk_name": attr.string(doc = "The SDK that the spec calls so; by default as `--@rules_go_direct//go/toolchain:sdk_name` says."),
        "x_defs": attr.string_dict(doc = "String variables to set, as the linker's `-X`; a name without a dot is one of package main."),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
    },
    cfg = _configuration,
    executable = True,
    toolchains = [TOOLCHAIN_TYPE],
)
