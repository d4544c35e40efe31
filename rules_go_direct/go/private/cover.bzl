"""The recipe of counted statements, which `bazel coverage` asks for: Go's cover tool rewrites a package's files before the Go compiler.

It follows `cover` in cmd/go/internal/work/exec.go, as src/plan/cover.rs of godirect does. A program of the ruleset (`cover/main.go`) runs
the tool: it must be told the package's name, which rules can't read.
"""

load(":providers.bzl", "GoCoverInfo")
load(":tools.bzl", "TOOLCHAIN_TYPE")

# What rules that link tests need besides, for Bazel's own script to merge what a test has written.
COVER_TEST_ATTRS = {
    "_lcov_merger": attr.label(
        default = configuration_field(fragment = "coverage", name = "output_generator"),
        executable = True,
        cfg = "exec",
    ),
}

def instrumented_files(ctx, dependencies, counted):
    """Tells Bazel which files are counted, for reports of what no test runs.

    Args:
      ctx: the rule context.
      dependencies: names of attributes with targets that may be instrumented.
      counted: the files whose statements are counted.

    Returns:
      InstrumentedFilesInfo.
    """
    return coverage_common.instrumented_files_info(
        ctx,
        source_attributes = ["srcs"],
        dependency_attributes = dependencies,
        extensions = ["go"],
        # Among sources Bazel has no files that are made, and drops what reports say of files that it doesn't know.
        metadata_files = [file for file in counted if not file.is_source],
    )

def counted_files(ctx, files):
    """Those of the target's own files whose statements are counted.

    Args:
      ctx: the rule context.
      files: list of File.

    Returns:
      A list of File.
    """
    if not ctx.coverage_instrumented():
        return []
    return [file for file in files if file.extension == "go" and not file.basename.endswith("_test.go")]

def cover_imports(config, cover):
    """What a package imports for its counters, after everything else.

    Args:
      config: GoConfigInfo.
      cover: what `cover_package` returned, or None.

    Returns:
      Import paths of packages of std.
    """
    return ["sync/atomic"] if cover and config.cover_mode == "atomic" else []

def cover_package(ctx, config, package):
    """Declares the action that makes a package count its statements.

    Args:
      ctx: the rule context, with STD_ATTRS.
      config: GoConfigInfo.
      package: struct of `outputs` (as of a `go_package`), `importpath`, `module` (GoModuleInfo or None), `go` (its Go files), `counted`
        (the files whose statements are counted) and `mode` (`testmain` for a program's own package, which gets what counters need at run time).

    Returns:
      An immutable struct for `compile_package`, or None if nothing is counted: go (what is compiled in the place of the Go files), variables
      (a further Go file), config (for the compiler), sources (pairs: a file's name in
      profiles, and its path).
    """
    counted = [file for file in package.go if file in package.counted]
    if not counted:
        return None
    base = package.outputs + ".cover/"
    result = ctx.actions.declare_file(base + "config/coveragecfg")
    variables = ctx.actions.declare_file(base + "covervars.go")

    # By the names of the originals: the order of files is part of the output, and cgo names what it makes after them.
    rewritten = {file: ctx.actions.declare_file(base + file.basename) for file in counted}
    args = ctx.actions.args()
    args.add("-tool", config.sdk.cover).add("-mode", package.mode).add("-importpath", package.importpath)
    args.add("-module", package.module.path if package.module else "")
    args.add("-config", result).add("-directory", variables.dirname).add_all(counted)
    ctx.actions.run(
        executable = ctx.attr._cover[GoCoverInfo].program,
        arguments = [args],
        inputs = counted,
        tools = [config.sdk.cover],
        outputs = [result, variables] + rewritten.values(),
        mnemonic = "GoCover",
        progress_message = "GoCover %s [%s_%s]" % (package.importpath, config.goos, config.goarch),
        toolchain = TOOLCHAIN_TYPE,
    )
    return struct(
        config = result,
        go = tuple([rewritten.get(file, file) for file in package.go]),
        sources = tuple([("%s/%s" % (package.importpath, file.basename), file.path) for file in counted]),
        variables = variables,
    )

def _go_cover_tool_impl(ctx):
    return [GoCoverInfo(program = ctx.attr.program[DefaultInfo].files_to_run if ctx.attr.program else None)]

go_cover_tool = rule(
    implementation = _go_cover_tool_impl,
    doc = "The program that runs the SDK's cover tool, or none where nothing is counted: else it would need itself.",
    attrs = {"program": attr.label(executable = True, cfg = "exec", doc = "The program.")},
    provides = [GoCoverInfo],
)
