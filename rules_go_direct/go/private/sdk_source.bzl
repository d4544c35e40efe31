"""The rule `go_sdk_from_source`: an SDK that an action builds."""

load(":constraint.bzl", "minor_of")
load(":providers.bzl", "GoSdkInfo")

_TOOLS = ["asm", "cgo", "compile", "cover", "link"]

# That it has since Go 1.23.
_PREPROFILE = "preprofile"

# Files of std that cmd/dist writes (gentab in cmd/dist/build.go, and bootstrapBuildTools).
_GENERATED = [
    "internal/buildcfg/zbootstrap.go",
    "internal/runtime/sys/zversion.go",
    "time/tzdata/zzipdata.go",
]

def _go_sdk_from_source_impl(ctx):
    # The outputs are single files, so that an action has exactly those that it needs; what the build leaves alone is taken from the source.
    directory = "pkg/tool/%s_%s/" % (ctx.attr.goos, ctx.attr.goarch)
    root = ctx.label.repo_name + "/"
    below = {file.short_path.partition(root)[2]: file for file in ctx.files.srcs}
    wanted = json.decode(ctx.attr.sources)
    changed = {"src/" + name: True for name in _GENERATED} | {name: True for name in ctx.attr.patched}
    tools = _TOOLS + ([_PREPROFILE] if minor_of(ctx.attr.version) >= 23 else [])
    built = {
        name: ctx.actions.declare_file(name)
        for name in [directory + tool for tool in tools] +
                    [name for name in below if name.startswith("pkg/include/")] +
                    [name for name in wanted if name in changed]
    }
    args = ctx.actions.args()
    args.add("-source", below["VERSION"].dirname)
    args.add("-bootstrap", ctx.file.bootstrap_version.dirname)

    # Relative to the directory of the action, which is empty but for what is declared, and goes away with it.
    args.add("-out", "go_sdk_out").add("-scratch", "go_sdk_scratch")
    args.add("-experiment", ",".join(ctx.attr.go_experiments))
    for patch in ctx.files.patches:
        args.add("-patch", patch)
    for name, sha256 in ctx.attr.patched.items():
        args.add("-patched", "%s=%s" % (sha256, name))
    for name, file in built.items():
        args.add("-copy", file, format = name.replace("%", "%%") + "=%s")
    ctx.actions.run(
        executable = ctx.executable.program,
        arguments = [args],
        inputs = depset(ctx.files.srcs + ctx.files.patches + ctx.files.bootstrap + [ctx.file.bootstrap_version]),
        outputs = built.values(),
        mnemonic = "GoSdk",
        progress_message = "Building Go %s from source" % ctx.attr.version,
        # It uses all cores for minutes.
        resource_set = _all_cores,
    )
    sources = {name: built.get(name) or below[name] for name in wanted}
    return [GoSdkInfo(
        asm = built[directory + "asm"],
        cgo = built[directory + "cgo"],
        compile = built[directory + "compile"],
        cover = built[directory + "cover"],
        experiments = json.decode(ctx.attr.experiments),
        goexperiment = ",".join(ctx.attr.go_experiments),
        goos = ctx.attr.goos,
        goversion = ctx.attr.goversion,
        include = [file for name, file in built.items() if name.startswith("pkg/include/")],
        link = built[directory + "link"],
        name = ctx.attr.sdk_name,
        packages = json.decode(ctx.attr.packages),
        preprofile = built.get(directory + _PREPROFILE),
        sources = {name.removeprefix("src/"): file for name, file in sources.items()},
        version = ctx.attr.version,
        zoneinfo = below.get("lib/time/zoneinfo.zip"),
    )]

# What programs set for themselves: an SDK is the same for all of them, and takes minutes to build.
_PROGRAM_SETTINGS = {
    "//go/config:asan": False,
    "//go/config:fuzz": False,
    "//go/config:goexperiment": "",
    "//go/config:gofips140": "off",
    "//go/config:linkmode": "normal",
    "//go/config:msan": False,
    "//go/config:pgoprofile": Label("//go/config:no_profile"),
    "//go/config:pure": True,
    "//go/config:race": False,
    "//go/config:tags": [],
    "//go/toolchain:sdk_name": "",
}

_for_all_programs = transition(
    implementation = lambda _settings, _attr: _PROGRAM_SETTINGS,
    inputs = [],
    outputs = _PROGRAM_SETTINGS.keys(),
)

def _all_cores(_os, _inputs):
    return {"cpu": 1000, "memory": 2048}

go_sdk_from_source = rule(
    implementation = _go_sdk_from_source_impl,
    doc = "A Go SDK that is built from the source in the root package of its repository, by another SDK.",
    attrs = {
        "bootstrap": attr.label(mandatory = True, allow_files = True, doc = "The files of the SDK that compiles it."),
        "bootstrap_version": attr.label(mandatory = True, allow_single_file = True, doc = "VERSION in the GOROOT of that SDK."),
        "experiments": attr.string(default = "{}", doc = "`experiments` of the lock, as JSON."),
        "go_experiments": attr.string_list(doc = "`build.experiments` of the lock."),
        "goarch": attr.string(mandatory = True, doc = "GOARCH of the platform that its tools run on."),
        "goos": attr.string(mandatory = True, doc = "GOOS of the platform that its tools run on."),
        "goversion": attr.string(mandatory = True, doc = "`build.goversion` of the lock."),
        "packages": attr.string(mandatory = True, doc = "`packages` of the lock, as JSON."),
        "patched": attr.string_dict(doc = "`build.patched` of the lock."),
        "patches": attr.label_list(allow_files = True, doc = "Unified diffs, in order."),
        "program": attr.label(mandatory = True, executable = True, cfg = "exec", allow_files = True, doc = "The program that builds."),
        "sdk_name": attr.string(default = "default", doc = "The name that the spec gives it."),
        "sources": attr.string(mandatory = True, doc = "JSON: the files that `packages` names, below GOROOT."),
        "srcs": attr.label_list(mandatory = True, allow_files = True, doc = "The release: its source, and the names of its programs."),
        "version": attr.string(mandatory = True, doc = "Its version, e.g. `1.27.3`."),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
    },
    cfg = _for_all_programs,
    provides = [GoSdkInfo],
)
