"""A program in Bazel's own shell, without the rules for that."""

def _script_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(file, ctx.attr.content, is_executable = True)
    return [DefaultInfo(executable = file, files = depset([file]))]

script = rule(
    implementation = _script_impl,
    doc = "A shell script.",
    attrs = {"content": attr.string(mandatory = True, doc = "Its text.")},
    executable = True,
)
