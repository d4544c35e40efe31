"""The recipe of a link, and what all rules that link have in common."""

load(":modinfo.bzl", "importcfg_line")
load(":platforms.bzl", "platform_name", "split_port")
load(":providers.bzl", "GoCInfo")
load(":settings.bzl", "GoSettingInfo")
load(":stamp.bzl", "stamped_variables")
load(":tools.bzl", "file_args", "run_tool")

_PLATFORMS = "//command_line_option:platforms"
_ASAN = "//go/config:asan"
_FUZZ = "//go/config:fuzz"
_GOEXPERIMENT = "//go/config:goexperiment"
_GOFIPS140 = "//go/config:gofips140"
_LINKMODE = "//go/config:linkmode"
_MSAN = "//go/config:msan"
_PGOPROFILE = "//go/config:pgoprofile"
_PURE = "//go/config:pure"
_TAGS = "//go/config:tags"
_RACE = "//go/config:race"
_SDK_NAME = "//go/toolchain:sdk_name"

# Modes that make a library for C.
LIBRARY_MODES = ["c-archive", "c-shared"]

# Attributes of rules that link, for `configuration` among others.
LINK_ATTRS = {
    "asan": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "`on` lets the program find wrong accesses to memory, by C code too, which needs `pure = \"off\"`. At most one of asan, msan and race is on. `auto` is as `--@rules_go_direct//go/config:asan` says. rules_go doesn't have it."),
    "default_godebug": attr.string(doc = "Default GODEBUG settings, as `go list -f {{.DefaultGODEBUG}}` prints them."),
    "gc_linkopts": attr.string_list(doc = "Linker flags, as `-ldflags`."),
    "goarch": attr.string(default = "auto", doc = "GOARCH to build for, whatever `--platforms` says, together with goos; `auto` is that of the target platform."),
    "goexperiment": attr.string(
        default = "auto",
        doc = "Experiments that are on, or with `no` before them off, as GOEXPERIMENT; `auto` is as `--@rules_go_direct//go/config:goexperiment` says. rules_go doesn't have it.",
    ),
    "gofips140": attr.string(
        default = "auto",
        doc = "`latest` for FIPS 140 mode by default, as GOFIPS140, or `off`; `auto` is as `--@rules_go_direct//go/config:gofips140` says. rules_go doesn't have it.",
    ),
    "goos": attr.string(default = "auto", doc = "GOOS to build for, whatever `--platforms` says, together with goarch; `auto` is that of the target platform."),
    "gotags": attr.string_list(doc = "Build tags for the program and all that it needs, as `-tags`."),
    "linkmode": attr.string(
        default = "auto",
        doc = "`normal`, which is what `go build` does; `pie`; `c-archive` and `c-shared` for libraries for C; `plugin`, a file that programs with the package `plugin` open. `auto` is as " +
              "`--@rules_go_direct//go/config:linkmode` says, which is `normal`.",
    ),
    "msan": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "`on` lets the program find reads of memory that nothing was written to, by C code too, which needs `pure = \"off\"` and clang. `auto` is as `--@rules_go_direct//go/config:msan` says."),
    "pgoprofile": attr.label(
        allow_files = True,
        doc = "The CPU profile that guides the compiler's optimisation, of std too, as `-pgo`; by default as `--@rules_go_direct//go/config:pgoprofile` says.",
    ),
    "pure": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "`on` builds all packages without cgo, `off` with it. `auto` is as `--@rules_go_direct//go/config:pure` says, which is without."),
    "race": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "`on` compiles the race detector in, which needs `pure = \"off\"`. `auto` is as `--@rules_go_direct//go/config:race` says."),
    "sdk_name": attr.string(doc = "The SDK that the spec calls so; by default as `--@rules_go_direct//go/toolchain:sdk_name` says."),
    "static": attr.string(default = "auto", values = ["auto", "on", "off"], doc = "`on` links C libraries into the program, as `-ldflags=\"-linkmode=external -extldflags=-static\"` does; without cgo, programs for Linux are static anyway. `auto` is as `--@rules_go_direct//go/config:static` says."),
    "_stamp": attr.label(default = "//go/config:stamp", providers = [GoSettingInfo]),
    "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
}

def _configuration_impl(settings, attr):
    """The configuration of a program: another platform (goos and goarch), with cgo or without (pure), further tags, another SDK and so on."""
    platforms, tags = settings[_PLATFORMS], settings[_TAGS]
    if (attr.goos == "auto") != (attr.goarch == "auto"):
        fail("%s: set both goos and goarch, or neither" % attr.name)
    if attr.goos != "auto":
        goos, goarch = split_port("%s/%s" % (attr.goos, attr.goarch))
        platforms = [Label("//go/toolchain:" + platform_name(goos, goarch))]
    return {
        _ASAN: settings[_ASAN] if attr.asan == "auto" else attr.asan == "on",
        # Only tests are fuzzed.
        _FUZZ: settings[_FUZZ] if getattr(attr, "fuzz", "off") == "auto" else getattr(attr, "fuzz", "off") == "on",
        _GOEXPERIMENT: settings[_GOEXPERIMENT] if attr.goexperiment == "auto" else attr.goexperiment,
        _GOFIPS140: settings[_GOFIPS140] if attr.gofips140 == "auto" else attr.gofips140,
        _LINKMODE: settings[_LINKMODE] if attr.linkmode == "auto" else attr.linkmode,
        _MSAN: settings[_MSAN] if attr.msan == "auto" else attr.msan == "on",
        _PGOPROFILE: attr.pgoprofile or settings[_PGOPROFILE],
        _PLATFORMS: platforms,
        _PURE: settings[_PURE] if attr.pure == "auto" else attr.pure == "on",
        _RACE: settings[_RACE] if attr.race == "auto" else attr.race == "on",
        _SDK_NAME: attr.sdk_name or settings[_SDK_NAME],
        _TAGS: tags + [tag for tag in attr.gotags if tag not in tags],
    }

_CONFIGURED = [_ASAN, _FUZZ, _GOEXPERIMENT, _GOFIPS140, _LINKMODE, _MSAN, _PGOPROFILE, _PLATFORMS, _PURE, _RACE, _SDK_NAME, _TAGS]

configuration = transition(
    implementation = _configuration_impl,
    inputs = _CONFIGURED,
    outputs = _CONFIGURED,
)

def check_modes(ctx, config):
    """Refuses what this version does not have, rather than build something else.

    Args:
      ctx: the rule context, with LINK_ATTRS.
      config: GoConfigInfo.
    """
    if config.linkmode in LIBRARY_MODES + ["plugin"] and not config.cgo and config.goarch != "wasm":
        fail("%s: linkmode = \"%s\" needs cgo: add `pure = \"off\"`" % (ctx.label, config.linkmode))

def default_godebug(ctx, config):
    """The default GODEBUG settings of the program.

    Args:
      ctx: the rule context, with LINK_ATTRS.
      config: GoConfigInfo.

    Returns:
      Settings with commas between, sorted.
    """
    settings = [setting for setting in ctx.attr.default_godebug.split(",") if setting]
    if config.gofips140 != "off" and not any([setting.startswith("fips140=") for setting in settings]):
        settings = sorted(settings + ["fips140=on"])
    return ",".join(settings)

def _links_pie(config):
    """Whether Go's linker makes position independent programs (`InternalLinkPIESupported`)."""
    if config.goos != "linux":
        return config.goos in ("darwin", "windows")
    if config.goarch in ("ppc64", "s390x"):
        return config.minor >= 27
    return config.goarch in ("amd64", "arm64", "loong64", "ppc64le")

def _links_externally(config, flags):
    """Whether the C compiler links whatever is linked (`externalLinkingReason` in cmd/go/internal/load)."""
    if not config.cgo:
        return False
    if config.goos in ("android", "dragonfly", "ios") or config.goarch.startswith("mips") or config.linkmode in ("c-shared", "plugin"):
        return True
    if config.linkmode == "pie" and not _links_pie(config):
        return True
    return "-linkmode=external" in flags or "external" in [b for a, b in zip(flags, flags[1:]) if a == "-linkmode"]

def _is_static(ctx, config):
    return config.cgo and (config.static if ctx.attr.static == "auto" else ctx.attr.static == "on")

def _flags_for_c(c, linkmode, packages, flags):
    """The C compiler that links, if C has to be linked, with the flags of its toolchain before the user's."""
    compiler = c.cxx if any([package.has_cxx for package in packages]) else c.cc
    own = []
    for i, flag in enumerate(flags):
        name, _, value = flag.partition("=")
        if name == "-extldflags":
            # Of several, the last one counts.
            own = [value or flags[i + 1]]
    has_own = any([flag == "-extld" or flag.startswith("-extld=") for flag in flags])
    archiver = ["-extar=" + c.ar] if linkmode == "c-archive" else []
    return archiver + ([] if has_own else ["-extld=" + compiler]) + (["-extldflags=" + " ".join(c.target + own)] if c.target else [])

def _linked_std(ctx, config, std, program, implied):
    """All packages of std that are linked: imported ones, what the linker itself needs, and what they import."""
    linker = ["runtime"] + (["math"] if config.goarch == "arm" else [])
    closure = _std_closure(ctx, config, std, program.std_imports + implied + linker)
    if not config.fuzz:
        return [struct(importmap = path, o = std[path].o) for path in sorted(closure)]
    fuzzed = _std_closure(ctx, config, std, program.fuzzed_std)
    return [struct(importmap = path, o = std[path].o if path in fuzzed else std[path].plain) for path in sorted(closure)]

def _std_closure(ctx, config, std, imports):
    """Packages of std with all that they import: a dict with import paths as keys."""
    needed = {path: True for path in imports}
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
    return needed

def _packagefile(package):
    return "packagefile %s=%s" % (package.importmap, package.o.path)

def unique_packages(ctx, transitive):
    """All packages besides std by what they are compiled as; refuses two that are compiled as one.

    Args:
      ctx: the rule context.
      transitive: the entries of `transitive` of GoPackageInfo, a list.

    Returns:
      A dict of entries.
    """
    packages = {}
    for package in transitive:
        other = packages.get(package.importmap)
        if other and other.o != package.o:
            fail("%s: two packages with the import path %s would be linked: %s and %s; let both importers depend on the same target, or set importmap of one" %
                 (ctx.label, package.importmap, other.label, package.label))
        packages[package.importmap] = package
    return packages

def link(ctx, config, std, program):
    """Declares the link action; follows `ld` in cmd/go/internal/work/gc.go.

    Args:
      ctx: the rule context, with LINK_ATTRS.
      config: GoConfigInfo.
      std: the packages that std has, as in GoStdInfo.
      program: struct of `executable` (File to write), `main` (File: the object
        archive of the main package), `main_cgo` (its C part, or None), `packages` (list of struct(cgo, importmap, o): those of modules),
        `std_imports` (import paths), `fuzzed_std` (those that are made for fuzzing with all that they need, in a configuration with `fuzz`), `info` (the build information's text), `variables` (dict: values of string variables by name), `flags`
        (further flags).
    """
    c = ctx.attr._c[GoCInfo]
    user = ["-linkmode=external", "-extldflags=-static"] if _is_static(ctx, config) else []
    user = config.linkopts + user + ctx.attr.gc_linkopts
    implied = (["runtime/cgo"] if _links_externally(config, user) else []) + (["runtime/" + config.sanitizer] if config.sanitizer else [])
    linked = program.packages + _linked_std(ctx, config, std, program, implied)
    with_c = [package for package in [program.main_cgo] + [package.cgo for package in program.packages] if package]
    importcfg = file_args(ctx, "-importcfg")
    importcfg.add_all(linked, map_each = _packagefile)
    importcfg.add(importcfg_line(program.info))

    args = ctx.actions.args()
    args.add("-o", program.executable)
    godebug = default_godebug(ctx, config)
    if godebug:
        args.add("-X=runtime.godebugDefault=" + godebug)
    args.add("-buildmode=" + config.linkmode).add("-buildid=")
    variables, stamped = stamped_variables(ctx, config, program.variables)
    for name, value in variables.items():
        args.add("-X").add("%s=%s" % (name, value))
    args.add_all(stamped, format_each = "@%s")
    args.add_all(["-" + config.sanitizer] if config.sanitizer else []).add_all(user).add_all(program.flags)
    if config.cgo:
        args.add_all(_flags_for_c(c, config.linkmode, with_c, user))
    main = ctx.actions.args()
    main.add(program.main)
    run_tool(
        ctx,
        config,
        config.sdk.link,
        [importcfg, args, main],
        mnemonic = "GoLink",
        about = str(ctx.label),
        inputs = depset(
            [program.main] + stamped + [package.o for package in linked],
            transitive = [c.files] + [package.libraries for package in with_c],
        ),
        outputs = [program.executable],
        # -trimpath: the binary must not say where GOROOT was.
        env = c.env | {"GOROOT": ""},
        # The C compiler's flags and libraries are named in the packages, too.
        maps_paths = not config.cgo,
    )
