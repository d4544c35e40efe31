"""The rule `go_cross_binary`."""

_PLATFORMS = "//command_line_option:platforms"
_SDK_VERSION = "//go/toolchain:sdk_version"

def _other_platform_impl(settings, attr):
    return {
        _PLATFORMS: [attr.platform] if attr.platform else settings[_PLATFORMS],
        _SDK_VERSION: attr.sdk_version or settings[_SDK_VERSION],
    }

_other_platform = transition(
    implementation = _other_platform_impl,
    inputs = [_PLATFORMS, _SDK_VERSION],
    outputs = [_PLATFORMS, _SDK_VERSION],
)

def _go_cross_binary_impl(ctx):
    # A transition makes a list of it.
    target = ctx.attr.target[0]
    built = target[DefaultInfo].files_to_run.executable
    if not built:
        fail("%s: target %s has no executable; name a go_binary" % (ctx.label, target.label))
    suffix = ".exe" if built.basename.endswith(".exe") else ""
    executable = ctx.actions.declare_file(ctx.label.name + suffix)
    ctx.actions.symlink(output = executable, target_file = built, is_executable = True)
    runfiles = ctx.runfiles([executable]).merge(target[DefaultInfo].default_runfiles)
    return [
        DefaultInfo(executable = executable, files = depset([executable]), runfiles = runfiles),
        coverage_common.instrumented_files_info(ctx, dependency_attributes = ["target"]),
    ]

go_cross_binary = rule(
    implementation = _go_cross_binary_impl,
    doc = "The `go_binary` of another target, built for another platform or by another SDK than that target's own.",
    attrs = {
        "platform": attr.label(doc = "The `platform` to build for; by default as `--platforms` says."),
        "sdk_version": attr.string(doc = "The version of the SDK, which the lock must have; by default as `--@rules_go_direct//go/toolchain:sdk_version` says."),
        "target": attr.label(mandatory = True, cfg = _other_platform, doc = "A `go_binary`."),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
    },
    executable = True,
)
