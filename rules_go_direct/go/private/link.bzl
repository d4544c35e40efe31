"""The recipe of a link, and what all rules that link have in common."""

load(":modinfo.bzl", "importcfg_line")
load(":platforms.bzl", "platform_name", "split_port")
load(":tools.bzl", "run_tool")

_PLATFORMS = "//command_line_option:platforms"
_TAGS = "//go/config:tags"
_SDK_NAME = "//go/toolchain:sdk_name"

# Attributes of rules that link, for `configuration` among others.
LINK_ATTRS = {
    "default_godebug": attr.string(doc = "Default GODEBUG settings, as `go list -f {{.DefaultGODEBUG}}` prints them."),
    "gc_linkopts": attr.string_list(doc = "Linker flags, as `-ldflags`."),
    "goarch": attr.string(default = "auto", doc = "GOARCH, with goos; `auto` is that of the target platform."),
    "goos": attr.string(default = "auto", doc = "GOOS, with goarch; `auto` is that of the target platform."),
    "gotags": attr.string_list(doc = "Build tags for the program and all that it needs, as `-tags`."),
    "linkmode": attr.string(default = "auto", doc = "`auto` or `normal`, which is what `go build` does; others are not supported."),
    "msan": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "Not supported by this version: `on` is an error."),
    "pure": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "Without cgo; `auto` and `on` are the same."),
    "race": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "Not supported by this version: `on` is an error."),
    "sdk_name": attr.string(doc = "The SDK that the spec calls so; by default as `--@rules_go_direct//go/toolchain:sdk_name` says."),
    "static": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "Without cgo, all programs for Linux are static."),
    "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
}

def _configuration_impl(settings, attr):
    """The configuration of a program: another platform with goos and goarch, further tags with gotags, another SDK with sdk_name."""
    platforms, tags = settings[_PLATFORMS], settings[_TAGS]
    if (attr.goos == "auto") != (attr.goarch == "auto"):
        fail("%s: set both goos and goarch, or neither" % attr.name)
    if attr.goos != "auto":
        goos, goarch = split_port("%s/%s" % (attr.goos, attr.goarch))
        platforms = [Label("//go/toolchain:" + platform_name(goos, goarch))]
    return {
        _PLATFORMS: platforms,
        _SDK_NAME: attr.sdk_name or settings[_SDK_NAME],
        _TAGS: tags + [tag for tag in attr.gotags if tag not in tags],
    }

configuration = transition(
    implementation = _configuration_impl,
    inputs = [_PLATFORMS, _SDK_NAME, _TAGS],
    outputs = [_PLATFORMS, _SDK_NAME, _TAGS],
)

def check_modes(ctx, config):
    """Refuses what this version does not have, rather than build something else.

    Args:
      ctx: the rule context, with LINK_ATTRS.
      config: GoConfigInfo.
    """
    for name, wrong in [("pure", "off"), ("race", "on"), ("msan", "on")]:
        if getattr(ctx.attr, name) == wrong:
            fail("%s: %s = \"%s\" asks for cgo, which this version of rules_go_direct does not support; leave it out" % (ctx.label, name, wrong))
    if ctx.attr.linkmode not in ("auto", "normal", config.linkmode):
        fail("%s: linkmode = \"%s\" is not supported by this version of rules_go_direct; leave it out" % (ctx.label, ctx.attr.linkmode))

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

def unique_packages(ctx, transitive):
    """All packages besides std by import path; refuses two with one import path.

    Args:
      ctx: the rule context.
      transitive: the entries of `transitive` of GoPackageInfo, a list.

    Returns:
      A dict of entries.
    """
    packages = {}
    for package in transitive:
        other = packages.get(package.importpath)
        if other and other.o != package.o:
            fail("%s: two packages with the import path %s would be linked: %s and %s; let both importers depend on the same target" %
                 (ctx.label, package.importpath, other.label, package.label))
        packages[package.importpath] = package
    return packages

def link(ctx, config, std, program):
    """Declares the link action; follows `ld` in cmd/go/internal/work/gc.go.

    Args:
      ctx: the rule context, with LINK_ATTRS.
      config: GoConfigInfo.
      std: the packages that std has, as in GoStdInfo.
      program: struct of `executable` (File to write), `importcfg` (its name, relative to the Bazel package), `main` (File: the object
        archive of the main package), `packages` (list of struct(importpath, o): those of modules), `std_imports` (import paths), `info`
        (the build information's text), `variables` (dict: values of string variables by name), `flags` (further flags).
    """
    linked = program.packages + _std_closure(ctx, config, std, program.std_imports)
    importcfg = ctx.actions.declare_file(program.importcfg)
    lines = ["packagefile %s=%s" % (package.importpath, package.o.path) for package in linked]
    ctx.actions.write(importcfg, "\n".join(lines + [importcfg_line(program.info), ""]))

    args = ctx.actions.args()
    args.add("-o", program.executable).add("-importcfg", importcfg)
    if ctx.attr.default_godebug:
        args.add("-X=runtime.godebugDefault=" + ctx.attr.default_godebug)
    args.add("-buildmode=" + config.linkmode).add("-buildid=")
    for name, value in program.variables.items():
        args.add("-X").add("%s=%s" % (name, value))
    args.add_all(config.linkopts).add_all(ctx.attr.gc_linkopts).add_all(program.flags).add(program.main)
    run_tool(
        ctx,
        config,
        config.sdk.link,
        args,
        mnemonic = "GoLink",
        about = str(ctx.label),
        inputs = [importcfg, program.main] + [package.o for package in linked],
        outputs = [program.executable],
        # -trimpath: the binary must not say where GOROOT was.
        env = {"GOROOT": ""},
    )
