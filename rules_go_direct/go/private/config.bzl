"""The toolchain: an SDK with the settings of one target platform."""

load(":constraint.bzl", "minor_of", "satisfied_tags")
load(":platforms.bzl", "VARIANTS")
load(":providers.bzl", "GoConfigInfo", "GoSdkInfo")
load(":settings.bzl", "GoSettingInfo")
load(":tools.bzl", "PATH_MAPPING")

# How programs are linked; the first is what `go build` does.
LINK_MODES = ["normal", "pie", "c-archive", "c-shared", "plugin"]

# How statements are counted, and what a test writes of it.
_COVER_MODES = ["set", "count", "atomic"]
_COVER_FORMATS = ["lcov", "go_cover"]

# cmd/go's default build mode on these is pie (internal/platform.DefaultPIE).
_DEFAULT_PIE = ["android", "darwin", "ios", "windows"]

def _defines(goos, goarch, variant):
    """The assembler's `-D` names, as in `asmArgs` of cmd/go/internal/work/gc.go."""
    names = ["GOOS_" + goos, "GOARCH_" + goarch]
    if goarch in ("arm", "ppc64", "ppc64le"):
        # Each version is a superset of those before it.
        values = VARIANTS[goarch].values
        prefix = "GOARM_" if goarch == "arm" else "GOPPC64_"
        names += [prefix + value for value in values[:values.index(variant) + 1]]
    elif goarch == "arm64":
        # LSE atomics came with v8.1.
        names += [] if variant == "v8.0" else ["GOARM64_LSE"]
    elif variant:
        names.append("%s_%s" % (VARIANTS[goarch].variable, variant))
    return names

def _setting(ctx, name):
    return getattr(ctx.attr, "_" + name)[GoSettingInfo].value

# What finds mistakes in the use of memory, by the name of the setting.
_SANITIZERS = ["race", "msan", "asan"]

def _sanitizes(sanitizer, goos, goarch, minor):
    """Whether Go has it there (`RaceDetectorSupported`, `MSanSupported` and `ASanSupported` in internal/platform)."""
    if sanitizer == "msan":
        return (goos == "linux" and goarch in ("amd64", "arm64", "loong64")) or (goos == "freebsd" and goarch == "amd64")
    if sanitizer == "asan":
        return goos == "linux" and goarch in ("amd64", "arm64", "loong64", "ppc64le", "riscv64")
    if goos == "linux":
        return goarch in ("amd64", "arm64", "loong64", "ppc64le", "s390x") or (goarch == "riscv64" and minor >= 26)
    if goos == "darwin":
        return goarch in ("amd64", "arm64")
    return goos in ("freebsd", "netbsd", "windows") and goarch == "amd64"

def _sanitizers(ctx):
    return [name for name in _SANITIZERS if _setting(ctx, name)]

def _codegen(mode, goos, goarch):
    """The flag for position independent code, if that is wanted (`codegenArg` in BuildModeInit of cmd/go/internal/work/init.go)."""
    if mode == "plugin":
        return "-dynlink"
    if mode == "normal":
        is_shared = goos in _DEFAULT_PIE and goos != "windows"
    elif mode == "pie":
        is_shared = goos not in ("aix", "windows")
    elif mode == "c-shared":
        is_shared = goos in ("android", "freebsd", "linux")
    else:
        is_unix = goos in ("dragonfly", "freebsd", "illumos", "linux", "netbsd", "openbsd", "solaris")
        is_shared = is_unix or (goos in ("darwin", "ios") and goarch == "arm64")
    return "-shared" if is_shared else ""

def _has_plugins(goos, goarch):
    """Whether Go makes plugins there (`BuildModeSupported` in internal/platform)."""
    if goos == "linux":
        return goarch in ("386", "amd64", "arm", "arm64", "loong64", "ppc64", "ppc64le", "riscv64", "s390x")
    if goos == "android":
        return goarch in ("386", "amd64")
    return (goos == "darwin" and goarch in ("amd64", "arm64")) or (goos == "freebsd" and goarch == "amd64")

def _goexperiment(ctx, sdk):
    """GOEXPERIMENT of the configuration: what its SDK was built with, or what the flag says."""
    wanted = _setting(ctx, "goexperiment")
    if wanted and sdk.goexperiment:
        fail("goexperiment has %s, and so has the SDK (%s): write all of them into from_source(experiments = ...) of godirect.star, or none" %
             (wanted, sdk.goexperiment))
    return wanted or sdk.goexperiment

def _experiments(known, goexperiment):
    """The experiments that are on, sorted, where these are by default (`ParseGOEXPERIMENT` in internal/buildcfg)."""
    experiments = {name: True for name in known}
    for flag in goexperiment.split(","):
        if flag == "none":
            experiments = {}
        elif flag.startswith("no"):
            experiments.pop(flag.removeprefix("no"), None)
        elif flag:
            experiments[flag] = True
    return sorted(experiments)

def _check_fips140(ctx, goos, goarch, experiments):
    """Refuses what excludes FIPS 140 mode (`fips140.Init` in cmd/go, and internal/fips140 of crypto)."""
    wanted = _setting(ctx, "gofips140")
    if wanted == "off":
        return
    if wanted != "latest":
        fail("this version of rules_go_direct can't build with the FIPS 140 module `%s`: write \"latest\" for that of the SDK itself, or \"off\"" % wanted)
    if goarch == "wasm" or goos in ("aix", "openbsd") or (goos == "windows" and goarch == "386"):
        fail("Go has no FIPS 140 mode for %s/%s: leave gofips140 out" % (goos, goarch))
    if "purego" in _setting(ctx, "tags"):
        fail("gofips140 and the tag `purego` exclude each other: the FIPS 140 module has assembly; leave one of them out")
    if "boringcrypto" in experiments:
        fail("gofips140 and the experiment `boringcrypto` exclude each other: leave one of them out")

def _is_fuzzed(ctx, goos, goarch, minor):
    """Whether packages are made for fuzzing: where Go can't do that, fuzzing works all the same (`FuzzInstrumented` in internal/platform)."""
    since_25 = minor >= 25
    fuzzes = goos in ("darwin", "freebsd", "linux", "windows") or (goos == "openbsd" and since_25)
    has_counters = goarch in ("amd64", "arm64") or (goarch == "loong64" and since_25)
    return fuzzes and has_counters and _setting(ctx, "fuzz")

def _prepare_profile(ctx, sdk, env):
    """Declares the action that turns the profile into what the compiler needs of it, once for all packages."""
    if not ctx.files._pgoprofile:
        return None
    if len(ctx.files._pgoprofile) > 1:
        fail("pgoprofile %s has several files: name one" % ctx.attr._pgoprofile.label)
    if not sdk.preprofile:
        fail("Go %s has no tool for the profile %s: take Go 1.23 or later, or leave pgoprofile out" % (sdk.version, ctx.attr._pgoprofile.label))
    original = ctx.files._pgoprofile[0]
    file = ctx.actions.declare_file(ctx.label.name + ".pgo")
    args = ctx.actions.args()
    args.add("-o", file).add("-i", original)
    ctx.actions.run(
        executable = sdk.preprofile,
        arguments = [args],
        env = env,
        inputs = [original],
        outputs = [file],
        execution_requirements = PATH_MAPPING,
        mnemonic = "GoProfile",
        progress_message = "Preparing the profile %s" % original.short_path,
        # It is in the same configuration as what it belongs to.
        toolchain = None,
    )
    return struct(file = file, name = original.basename)

def _check_settings(ctx):
    """Refuses flags that exclude each other, and those of rules_go that this version does not have, rather than build something else."""
    sanitizers = _sanitizers(ctx)
    if len(sanitizers) > 1:
        fail("a program can't have both %s: build one of them alone" % " and ".join(sanitizers))
    if sanitizers and _setting(ctx, "pure"):
        fail("%s needs cgo: add `pure = \"off\"`, or --@rules_go_direct//go/config:pure=false" % sanitizers[0])
    if _setting(ctx, "linkmode") not in LINK_MODES:
        fail("linkmode %s is not supported by this version of rules_go_direct; it has %s" % (_setting(ctx, "linkmode"), ", ".join(LINK_MODES)))

    for name, values in {"cover_format": _COVER_FORMATS, "cover_mode": _COVER_MODES}.items():
        if _setting(ctx, name) not in values:
            fail("--@rules_go_direct//go/config:%s=%s is not known; it is one of %s" % (name, _setting(ctx, name), ", ".join(values)))

def _go_toolchain_impl(ctx):
    _check_settings(ctx)
    sdk = ctx.attr.sdk[GoSdkInfo]
    name = _setting(ctx, "sdk_name")
    if name not in ("", sdk.name):
        fail("the lock has no SDK `%s`, which sdk_name asks for; add go_sdk(name = \"%s\", ...) to godirect.star, then run `godirect lock`" % (name, name))
    wanted = _setting(ctx, "sdk_version")
    if not name and wanted not in ("", sdk.version):
        fail("the lock has no SDK of version %s, which sdk_version asks for; add it to godirect.star, then run `godirect lock`" % wanted)
    goos, goarch = ctx.attr.goos, ctx.attr.goarch
    table = VARIANTS.get(goarch)
    variant = ctx.attr.variant or (table.default if table else "")
    minor = minor_of(sdk.version)
    goexperiment = _goexperiment(ctx, sdk)
    experiments = sdk.experiments.get("%s/%s" % (goos, goarch), [])
    experiments = experiments if sdk.goexperiment else _experiments(experiments, goexperiment)
    _check_fips140(ctx, goos, goarch, experiments)
    user_tags = _setting(ctx, "tags")
    sanitizer = (_sanitizers(ctx) + [""])[0]
    if sanitizer and not _sanitizes(sanitizer, goos, goarch, minor):
        fail("Go has no %s for %s/%s: leave %s out" % ("race detector" if sanitizer == "race" else sanitizer, goos, goarch, sanitizer))
    cgo = not _setting(ctx, "pure")
    env = {"CGO_ENABLED": "1" if cgo else "0", "GOARCH": goarch, "GOOS": goos}
    if table:
        env[table.variable] = variant
    if _setting(ctx, "goexperiment"):
        env["GOEXPERIMENT"] = goexperiment
    mode = _setting(ctx, "linkmode")
    if mode == "plugin" and not _has_plugins(goos, goarch):
        fail("Go makes no plugins for %s/%s: leave linkmode = \"plugin\" out" % (goos, goarch))
    config = GoConfigInfo(
        buildmode = "exe" if mode == "normal" else mode,
        cgo = cgo,
        codegen = _codegen(mode, goos, goarch),
        cover_format = _setting(ctx, "cover_format"),
        # As `go test -race -cover`: several threads may count at once.
        cover_mode = "atomic" if sanitizer == "race" else _setting(ctx, "cover_mode"),
        defines = _defines(goos, goarch, variant),
        env = env,
        experiments = experiments,
        fuzz = _is_fuzzed(ctx, goos, goarch, minor),
        goarch = goarch,
        goexperiment = goexperiment,
        gofips140 = _setting(ctx, "gofips140"),
        goopts = (["-N", "-l"] if _setting(ctx, "debug") else []) + _setting(ctx, "gc_goopts"),
        goos = goos,
        linkopts = (["-s", "-w"] if _setting(ctx, "strip") else []) + _setting(ctx, "gc_linkopts"),
        linkmode = mode if mode != "normal" else "pie" if goos in _DEFAULT_PIE else "exe",
        minor = minor,
        pgo = _prepare_profile(ctx, sdk, env),
        sanitizer = sanitizer,
        sdk = sdk,
        static = _setting(ctx, "static"),
        tags = satisfied_tags(goos, goarch, variant, minor, experiments, user_tags + ([sanitizer] if sanitizer else []), cgo),
        user_tags = user_tags,
        variant = variant,
        variant_variable = table.variable if table else "",
    )
    return [platform_common.ToolchainInfo(go = config)]

go_toolchain = rule(
    implementation = _go_toolchain_impl,
    doc = "An SDK with the settings of one target platform, for `toolchain(toolchain = ...)`.",
    attrs = {
        "goarch": attr.string(mandatory = True, doc = "GOARCH of the target platform."),
        "goos": attr.string(mandatory = True, doc = "GOOS of the target platform."),
        "sdk": attr.label(mandatory = True, providers = [GoSdkInfo], cfg = "exec", doc = "A `go_sdk` for the execution platform."),
        "variant": attr.string(doc = "The value of GOAMD64 or its like; empty for the default."),
    } | {
        "_" + name: attr.label(default = "//go/config:" + name, providers = [GoSettingInfo])
        for name in [
            "asan",
            "cover_format",
            "cover_mode",
            "debug",
            "fuzz",
            "gc_goopts",
            "gc_linkopts",
            "goexperiment",
            "gofips140",
            "linkmode",
            "msan",
            "pure",
            "race",
            "static",
            "strip",
            "tags",
        ]
    } | {
        "_pgoprofile": attr.label(default = "//go/config:pgoprofile", allow_files = True),
        "_sdk_name": attr.label(default = "//go/toolchain:sdk_name", providers = [GoSettingInfo]),
        "_sdk_version": attr.label(default = "//go/toolchain:sdk_version", providers = [GoSettingInfo]),
    },
)

def _go_missing_toolchain_impl(ctx):
    fail("godirect.lock.json has no toolchain for the platform %s; it has %s: add the platform to godirect.star, then run `godirect lock`" %
         (ctx.fragments.platform.platform, ", ".join(ctx.attr.platforms)))

go_missing_toolchain = rule(
    implementation = _go_missing_toolchain_impl,
    doc = "Stands last among the toolchains: Bazel alone would only say that none matches, not what to do.",
    attrs = {
        "platforms": attr.string_list(mandatory = True, doc = "GOOS/GOARCH pairs that there are toolchains for."),
    },
    fragments = ["platform"],
)
