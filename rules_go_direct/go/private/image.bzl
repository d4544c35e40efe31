"""The rule `go_image`."""

load(":tools.bzl", "PATH_MAPPING", "TOOLCHAIN_TYPE")

_PLATFORMS = "//command_line_option:platforms"

def _each_platform_impl(settings, attr):
    if not attr.platforms:
        return {"": {_PLATFORMS: settings[_PLATFORMS]}}
    return {str(platform): {_PLATFORMS: [platform]} for platform in attr.platforms}

_each_platform = transition(
    implementation = _each_platform_impl,
    inputs = [_PLATFORMS],
    outputs = [_PLATFORMS],
)

def _time_zones(ctx):
    zoneinfo = ctx.toolchains[TOOLCHAIN_TYPE].go.sdk.zoneinfo
    if not zoneinfo:
        fail("%s: the SDK has no lib/time/zoneinfo.zip; leave time_zones out" % ctx.label)
    return zoneinfo

def _go_image_impl(ctx):
    inputs = []
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add(out, format = "-out=%s")
    args.add("-name=" + (ctx.attr.reference or ctx.label.name + ":latest"))
    args.add_all(ctx.attr.cmd, format_each = "-arg=%s")
    for name, value in ctx.attr.env.items():
        args.add("-env=%s=%s" % (name, value))
    for name, value in ctx.attr.labels.items():
        args.add("-label=%s=%s" % (name, value))
    for port in ctx.attr.exposed_ports:
        args.add("-port=" + (port if "/" in port else port + "/tcp"))
    if ctx.attr.user:
        args.add("-user=" + ctx.attr.user)
    if ctx.attr.workdir:
        args.add("-workdir=" + ctx.attr.workdir)
    if ctx.file.certificates:
        inputs.append(ctx.file.certificates)
        args.add(ctx.file.certificates, format = "-certificates=%s")
    if ctx.attr.time_zones:
        inputs.append(_time_zones(ctx))
        args.add(inputs[-1], format = "-zoneinfo=%s")
    executables = []
    for target in ctx.split_attr.binary.values():
        executable = target[DefaultInfo].files_to_run.executable
        if not executable:
            fail("%s: target %s has no executable; name a go_binary" % (ctx.label, target.label))
        executables.append(executable)
    args.add("-program=" + (ctx.attr.program or executables[0].basename))
    args.add_all(executables)
    ctx.actions.run(
        executable = ctx.executable._image,
        arguments = [args],
        inputs = inputs + executables,
        outputs = [out],
        execution_requirements = PATH_MAPPING,
        mnemonic = "GoImage",
        progress_message = "Writing the image %{label}",
    )
    return [DefaultInfo(files = depset([out]))]

go_image = rule(
    implementation = _go_image_impl,
    doc = """A container image of a binary: a tar archive with an OCI image layout, for one platform or several.

It has the bytes of the image that godirect itself and its Nix files make of the same `image()`. The binary must be linked statically.""",
    attrs = {
        "binary": attr.label(mandatory = True, cfg = _each_platform, doc = "A `go_binary`."),
        "certificates": attr.label(
            allow_single_file = True,
            doc = "A PEM file of certificate authorities, as `/etc/ssl/certs/ca-certificates.crt`.",
        ),
        "cmd": attr.string_list(doc = "Arguments of the program, which who runs the image can replace."),
        "env": attr.string_dict(doc = "Environment of the program."),
        "exposed_ports": attr.string_list(doc = "Ports that it listens on, such as `8080` and `53/udp`."),
        "labels": attr.string_dict(doc = "Labels of the image, which tools show."),
        "platforms": attr.label_list(doc = "The `platform`s that it is for, all of Linux, e.g. `@rules_go_direct//go/toolchain:linux_arm64`; by default the one of `--platforms`."),
        "program": attr.string(doc = "The name of the program, which is `/bin/<program>`; by default the binary's file name."),
        "reference": attr.string(doc = "`[registry/]repository:tag` for tools that load it; by default `<name>:latest`."),
        "time_zones": attr.bool(doc = "Whether it has the SDK's time zones, as `/usr/share/zoneinfo`."),
        "user": attr.string(doc = "`UID` or `UID:GID`; by default root."),
        "workdir": attr.string(doc = "The directory that the program runs in; by default `/`."),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
        "_image": attr.label(default = "//go/private/image", executable = True, cfg = "exec"),
    },
    toolchains = [TOOLCHAIN_TYPE],
)
