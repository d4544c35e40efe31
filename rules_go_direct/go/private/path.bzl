"""The rule `go_path`: the sources of packages with all that they need, for tools outside of Bazel."""

load(":providers.bzl", "GoPackageInfo")

_COPY = """set -eu
while IFS='	' read -r name file; do
  mkdir -p "$1/$(dirname "$name")"
  cp "$file" "$1/$name"
done < "$2"
"""

def _sources(package):
    """The files of a `go_package` by their path in its directory."""
    files = {file.basename: file for file in package.go + package.origins + package.asm + package.headers + package.syso}
    return files | dict(package.embed_files)

def _go_path_impl(ctx):
    for dep in ctx.attr.deps:
        if dep[GoPackageInfo].error:
            fail("%s: %s" % (ctx.label, dep[GoPackageInfo].error))
    packages = depset(transitive = [dep[GoPackageInfo].compiled for dep in ctx.attr.deps]).to_list()
    files = {
        "src/%s/%s" % (package.importmap, name): file
        for package in packages
        for name, file in _sources(package.package).items()
    }
    directory = ctx.actions.declare_directory(ctx.label.name)
    names = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(names, "".join(["%s\t%s\n" % (name, file.path) for name, file in sorted(files.items())]))
    ctx.actions.run_shell(
        command = _COPY,
        arguments = [directory.path, names.path],
        inputs = files.values() + [names],
        outputs = [directory],
        mnemonic = "GoPath",
        progress_message = "Copying sources to %s" % ctx.label,
        toolchain = None,
    )
    return [DefaultInfo(files = depset([directory]), runfiles = ctx.runfiles([directory]))]

go_path = rule(
    implementation = _go_path_impl,
    doc = """A directory with the sources of packages and of all that they need besides std, as in a GOPATH: `src/<import path>/...`.

It has the files that the target platform chooses.""",
    attrs = {
        "deps": attr.label_list(mandatory = True, providers = [GoPackageInfo], doc = "The packages."),
        "mode": attr.string(default = "copy", values = ["copy"], doc = "How files get there; only by copying."),
    },
)
