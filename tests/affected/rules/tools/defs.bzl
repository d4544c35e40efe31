"""A rule of the repository's own."""

def _loud_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".out")
    ctx.actions.run_shell(
        inputs = [ctx.file.src],
        tools = [ctx.executable._tool],
        outputs = [out],
        command = "%s %s > %s" % (ctx.executable._tool.path, ctx.file.src.path, out.path),
    )
    return [DefaultInfo(files = depset([out]))]

loud = rule(
    implementation = _loud_impl,
    attrs = {
        "src": attr.label(allow_single_file = True),
        "_tool": attr.label(
            default = "//tools:gen",
            cfg = "exec",
            executable = True,
        ),
    },
)
