"""The rule `go_library`, and what it shares with `go_binary`."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load(":cgo.bzl", "C_EXTENSIONS", "HEADER_EXTENSIONS", "c_flags", "cgo_imports", "recorded_roots", "run_cgo")
load(":compile.bzl", "compile_package", "go_package")
load(":constraint.bzl", "evaluate", "file_name_matches")
load(":cover.bzl", "counted_files", "cover_imports", "cover_package", "instrumented_files")
load(":packages.bzl", "ANY", "STD_ATTRS", "broken_package", "language", "module_of", "package_info", "recorded_module", "trimmed_directory")
load(":providers.bzl", "GoCInfo", "GoModuleInfo", "GoPackageInfo", "GoStdInfo")
load(":std.bzl", "importable", "std_imports")
load(":tools.bzl", "TOOLCHAIN_TYPE")

# What this version can't compile.
_OTHER_EXTENSIONS = ["f", "F", "for", "f90", "swig", "swigcxx"]

# Flags for C code, which without cgo mean nothing.
_C_FLAGS = {
    "clinkopts": "the linker",
    "copts": "the C compiler",
    "cppopts": "the preprocessor",
    "cxxopts": "the C++ compiler",
}

SOURCE_ATTRS = STD_ATTRS | {
    name: attr.string_list(doc = "With `cgo`, flags for %s after those of `#cgo` lines; they may have `$(location ...)`." % what)
    for name, what in _C_FLAGS.items()
} | {
    "cdeps": attr.label_list(providers = [CcInfo], doc = "With `cgo`, C libraries: `cc_library` and other rules with CcInfo."),
    "cgo": attr.bool(doc = "Whether some srcs import \"C\", on some platform. C and C++ files are among the srcs then."),
    "constraints": attr.string_dict(
        doc = "The `//go:build` expression of each file that has one, by base name, e.g. `{\"a.go\": \"!linux || purego\"}`, since a rule " +
              "reads file names, but no files. Those that it excludes are skipped.",
    ),
    "data": attr.label_list(allow_files = True, doc = "Files that the program opens when it runs."),
    "deps": attr.label_list(providers = [GoPackageInfo], doc = "Packages that srcs import, without std; with `select` where that depends on the platform, so that nothing is linked in vain."),
    "embed": attr.label_list(providers = [GoPackageInfo], doc = "Libraries whose srcs, deps and settings become part of this package."),
    "embed_patterns": attr.string_list_dict(
        doc = "Each `//go:embed` pattern with the files that it matches, relative to the package. A pattern that is the name of a file " +
              "in embedsrcs needs no entry.",
    ),
    "embedsrcs": attr.label_list(allow_files = True, doc = "Files for `//go:embed`."),
    "gc_goopts": attr.string_list(doc = "Compiler flags, as `-gcflags`."),
    "importmap": attr.string(
        doc = "What the package is compiled and linked as, where a program has two of one import path, e.g. a vendored one; by default importpath.",
    ),
    "importpath": attr.string(doc = "Import path; mandatory unless a library is embedded."),
    "module": attr.label(providers = [GoModuleInfo], doc = "Its `go_module`. Without one, the language version is that of the SDK, and build information has no `mod` line."),
    "srcs": attr.label_list(
        allow_files = ["." + extension for extension in ["go", "s", "syso"] + HEADER_EXTENSIONS + C_EXTENSIONS + _OTHER_EXTENSIONS],
        doc = "`.go`, `.s`, `.h`, `.syso`, and with `cgo` C and C++ files, of all platforms: those that the platform or the tags exclude are " +
              "skipped, as Go does.",
    ),
    "x_defs": attr.string_dict(
        doc = "String variables to set, as the linker's `-X`; a name without a dot is one of this package. In what embeds the library, too.",
    ),
    "std_imports": attr.string_list(
        default = [ANY],
        doc = "Packages of std that srcs import; those that the platform does not have are skipped. Without the attribute every package of std " +
              "is an input, and gets compiled; `[]` means none.",
    ),
}

# Attributes with targets that may be instrumented.
SOURCE_DEPENDENCIES = ["cdeps", "data", "deps", "embed"]

LACKS_CGO = "%s has C code, and this configuration has no cgo: build with `pure = \"off\"` on the program, or " + \
            "--@rules_go_direct//go/config:pure=false"

def _embed_name(ctx, file):
    """The file's path relative to the Bazel package, as `//go:embed` writes it."""
    package = ctx.label.package
    path = file.short_path
    if path.startswith("../"):
        path = path.split("/", 2)[2]
    return path.removeprefix(package + "/") if package else path

def collect_source(ctx):
    """The rule's own sources and those that `embed` merges.

    Args:
      ctx: the rule context, with SOURCE_ATTRS.

    Returns:
      The `source` of GoPackageInfo, and a struct of the first embedded library's importpath and importmap (empty strings without one).
    """
    embeds = []
    for target in ctx.attr.embed:
        info = target[GoPackageInfo]
        if not info.source:
            fail("%s: embed takes a go_library; %s is a package of a locked module" % (ctx.label, target.label))
        embeds.append(info)
    sources = [info.source for info in embeds]
    module = module_of(ctx.attr.module)
    std = {path: True for path in ctx.attr.std_imports if ctx.files.srcs}
    embedsrcs = {_embed_name(ctx, file): file for file in ctx.files.embedsrcs}
    patterns = dict(ctx.attr.embed_patterns)
    constraints = dict(ctx.attr.constraints)
    variables = {}
    for source in sources:
        module = module or source.module
        std.update({path: True for path in source.std_imports})
        embedsrcs.update(source.embedsrcs)
        patterns.update(source.embed_patterns)
        constraints.update(source.constraints)
        variables.update(source.x_defs)
    embedded = [file for source in sources for file in source.srcs]
    merged = struct(
        cdeps = [dep for source in sources for dep in source.cdeps] + [dep[CcInfo] for dep in ctx.attr.cdeps],
        cgo = ctx.attr.cgo or any([source.cgo for source in sources]),
        constraints = constraints,
        counted = counted_files(ctx, ctx.files.srcs) + [file for source in sources for file in source.counted],
        embedded = embedded,
        srcs = ctx.files.srcs + embedded,
        deps = ctx.attr.deps + [dep for source in sources for dep in source.deps],
        embedsrcs = embedsrcs,
        embed_patterns = patterns,
        goopts = [flag for source in sources for flag in source.goopts] + ctx.attr.gc_goopts,
        module = module,
        runfiles = ctx.runfiles(ctx.files.data).merge_all(
            [target[DefaultInfo].default_runfiles for target in ctx.attr.data + ctx.attr.deps + ctx.attr.embed],
        ),
        std_imports = sorted(std),
        x_defs = variables | ctx.attr.x_defs,
        **{
            name: [flag for source in sources for flag in getattr(source, name)] +
                  [ctx.expand_location(flag, ctx.attr.cdeps + ctx.attr.data) for flag in getattr(ctx.attr, name)]
            for name in _C_FLAGS
        }
    )
    first = embeds[0] if embeds else None
    return merged, struct(importmap = first.importmap if first else "", importpath = first.importpath if first else "")

def choose_sources(ctx, config, srcs, source):
    """The sources that this platform takes, by kind.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      srcs: list of File.
      source: what `collect_source` returned.

    Returns:
      A dict of lists of File: c, go, h, s, syso.
    """
    kinds = {"c": [], "go": [], "h": [], "s": [], "syso": []}
    for file in srcs:
        if file.extension in _OTHER_EXTENSIONS:
            fail("%s: this version of rules_go_direct can't compile %s; leave it out" % (ctx.label, file.short_path))
        is_c = file.extension in C_EXTENSIONS
        if is_c and not source.cgo:
            fail("%s: %s needs cgo: add `cgo = True`, and `pure = \"off\"` to programs that need the package" % (ctx.label, file.short_path))
        is_header = file.extension in HEADER_EXTENSIONS
        constraint = source.constraints.get(file.basename, "")
        if is_header or (file_name_matches(file.basename, config.tags) and evaluate(constraint, config.tags)):
            kinds["c" if is_c else "h" if is_header else file.extension].append(file)
    if not config.cgo:
        # Go says nothing about these where no file imports "C".
        kinds["c"] = []
    return kinds

def lacks_cgo(config, source):
    """Whether a package needs a configuration with cgo: it has C code, and doesn't say which of its Go files it can do without.

    Args:
      config: GoConfigInfo.
      source: what `collect_source` returned.

    Returns:
      A bool.
    """
    return source.cgo and not config.cgo and not any(["cgo" in constraint for constraint in source.constraints.values()])

def _run_source_cgo(ctx, config, source, files, go, importpath, outputs):
    """The C part of a package.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      source: what `collect_source` returned.
      files: what `choose_sources` returned.
      go: the Go files, or what stands for them.
      importpath: of the package.
      outputs: directory of the package's outputs, relative to the Bazel package.

    Returns:
      What `run_cgo` returns, and the files that take part as they are for a `go_package`: a dict with go and asm.
    """
    if not (source.cgo and config.cgo):
        return None, {"asm": files["s"], "go": go}
    directory = "/".join([part for part in (ctx.label.workspace_root, ctx.label.package) if part])
    root, recorded = recorded_module(source.module, directory, importpath)
    cgo = run_cgo(ctx, config, ctx.attr._c[GoCInfo], struct(
        directory = directory,
        flags = c_flags(source, ctx.configuration.coverage_enabled),
        go = go,
        headers = files["h"],
        importpath = importpath,
        included = [],
        outputs = outputs,
        roots = recorded_roots(ctx, config, root, recorded),
        sources = files["c"] + files["s"],
        split = True,
        std = False,
        syso = files["syso"],
    ))
    return cgo, {"asm": [], "go": []}

def _embedded(ctx):
    """The embedded library, if there is no other part of the package: what was done with its files needn't be done once more."""
    own = [file for file in ctx.files.srcs if not file.basename.endswith("_test.go")]
    if len(ctx.attr.embed) != 1 or own or ctx.attr.importpath not in ("", ctx.attr.embed[0][GoPackageInfo].importpath):
        return None
    if ctx.attr.cdeps or any([getattr(ctx.attr, name) for name in _C_FLAGS]):
        return None
    return ctx.attr.embed[0][GoPackageInfo]

def prepare_source(ctx, config, source, files, importpath, outputs, counts):
    """Declares what comes before the Go compiler: statements get counters, then cgo runs.

    Args:
      ctx: the rule context, with SOURCE_ATTRS.
      config: GoConfigInfo.
      source: what `collect_source` returned.
      files: what `choose_sources` returned.
      importpath: what the package is compiled as.
      outputs: directory of the package's outputs, relative to the Bazel package.
      counts: whether statements may be counted.

    Returns:
      The fields of a `go_package` that say what is compiled: a dict with asm, cgo, cover, go, headers, origins and syso.
    """
    fields = {
        "headers": files["h"],
        "origins": files["go"] + (files["c"] + files["s"] if source.cgo and config.cgo else []),
        "syso": files["syso"],
    }
    embedded = _embedded(ctx)
    if embedded and embedded.cgo and (counts or not embedded.cover):
        return fields | {"cgo": embedded.cgo, "cover": embedded.cover, "go": []}
    cover = cover_package(ctx, config, struct(
        counted = source.counted,
        go = files["go"],
        importpath = importpath,
        mode = config.cover_mode,
        module = source.module,
        outputs = outputs,
    )) if counts else None
    cgo, kinds = _run_source_cgo(ctx, config, source, files, list(cover.go) if cover else files["go"], importpath, outputs)
    return fields | kinds | {"cgo": cgo, "cover": cover}

def embed_matches(ctx, source):
    """The patterns with their matches; a file that no pattern mentions stands for itself.

    Args:
      ctx: the rule context.
      source: what `collect_source` returned.

    Returns:
      A dict of lists of names by pattern.
    """
    mentioned = {name: True for names in source.embed_patterns.values() for name in names}
    for name in mentioned:
        if name not in source.embedsrcs:
            fail("%s: embed_patterns mentions `%s`, which is not in embedsrcs (%s)" % (ctx.label, name, ", ".join(sorted(source.embedsrcs))))
    return source.embed_patterns | {name: [name] for name in source.embedsrcs if name not in mentioned}

def direct_deps(ctx, source):
    """The packages that sources import, without std.

    Args:
      ctx: the rule context.
      source: what `collect_source` returned.

    Returns:
      A list of GoPackageInfo.
    """
    deps = {}
    for target in source.deps:
        info = target[GoPackageInfo]
        if info.error:
            fail("%s: %s" % (ctx.label, info.error))
        other = deps.get(info.importpath)
        if other and other[GoPackageInfo].o != info.o:
            fail("%s: two deps have the import path %s: %s and %s; keep one of them" % (ctx.label, info.importpath, other.label, target.label))
        deps[info.importpath] = target
    return [target[GoPackageInfo] for target in deps.values()]

def source_std_imports(config, source, std, cover):
    """The packages of std that sources import.

    Args:
      config: GoConfigInfo.
      source: what `collect_source` returned.
      std: the packages that std has, a dict with import paths as keys.
      cover: what `cover_package` returned, or None.

    Returns:
      A list of import paths.
    """

    # `select` is by platform and srcs may be by tag, so imports may be here that this configuration does not have.
    chosen = importable(std) if ANY in source.std_imports else [path for path in source.std_imports if path in std]
    if source.cgo and config.cgo:
        chosen = chosen + [path for path in cgo_imports("", False) if path not in chosen]
    chosen = chosen + [path for path in cover_imports(config, cover) if path not in chosen]
    return std_imports(config, chosen, std)

def variables_of(source, path):
    """The string variables that `x_defs` sets.

    Args:
      source: what `collect_source` returned.
      path: the package path that symbols have: the importmap, or `main`.

    Returns:
      A dict of values by name, in full.
    """
    return {name if "." in name else "%s.%s" % (path, name): value for name, value in source.x_defs.items()}

def importmap_of(ctx, embedded):
    """What the package is called in programs.

    Args:
      ctx: the rule context, with SOURCE_ATTRS.
      embedded: the second of what `collect_source` returned.

    Returns:
      A path; empty if no rule has said anything.
    """
    if ctx.attr.importmap:
        return ctx.attr.importmap
    return embedded.importmap if embedded.importmap != embedded.importpath else ctx.attr.importpath or embedded.importpath

def compile_source(ctx, source, importpath, path, counts = True):
    """Compiles what `collect_source` returned.

    Args:
      ctx: the rule context.
      source: the sources.
      importpath: of the package.
      path: the value of `-p`: the importmap, or `main`.
      counts: whether it may count its statements.

    Returns:
      A GoPackageInfo.
    """
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    std = ctx.attr._std[GoStdInfo].packages
    if not importpath:
        fail("%s: importpath is missing; set it to what Go files write to import this package" % ctx.label)
    files = choose_sources(ctx, config, source.srcs, source)
    only_cgo = source.cgo and not config.cgo and not files["go"]
    if only_cgo or lacks_cgo(config, source):
        return broken_package(importpath, LACKS_CGO % ctx.label, source, needs_cgo = True)
    for dep in source.deps:
        if dep[GoPackageInfo].needs_cgo:
            # `bazel build //...` builds libraries without cgo, too.
            return broken_package(importpath, "%s: %s" % (ctx.label, dep[GoPackageInfo].error), source, needs_cgo = True)
    if not files["go"]:
        # Another platform's package: `bazel build //...` must not fail on it.
        return broken_package(importpath, "%s has no Go files for %s/%s" % (ctx.label, config.goos, config.goarch), source)
    deps = direct_deps(ctx, source)
    importmap = importpath if path == "main" else path
    for dep in deps:
        if dep.importmap == importmap:
            fail("%s has the import path %s, and so has one of its deps: import cycle not allowed; correct the importpath of one of them" %
                 (ctx.label, importpath))
    prepared = prepare_source(ctx, config, source, files, importmap, ctx.label.name + "_", counts = counts)
    from_std = source_std_imports(config, source, std, prepared["cover"])
    package = go_package(
        outputs = ctx.label.name + "_",
        importpath = importpath,
        path = path,
        new = trimmed_directory(importpath, importmap, source.module),
        lang = language(config, source.module),
        goopts = source.goopts,
        embed_patterns = embed_matches(ctx, source),
        embed_files = source.embedsrcs,
        **prepared
    )
    explain = struct(label = ctx.label, module = source.module, cycle = [])
    archive = compile_package(ctx, config, package, deps + [std[imported] for imported in from_std], explain)
    return package_info(ctx, package, archive, source.module, deps, from_std, source, variables_of(source, path))

def _go_library_impl(ctx):
    source, embedded = collect_source(ctx)
    importpath = ctx.attr.importpath or embedded.importpath
    info = compile_source(ctx, source, importpath, path = importmap_of(ctx, embedded) or importpath)
    files = [] if info.error else [info.x, info.o]
    return [
        DefaultInfo(files = depset(files), runfiles = source.runfiles),
        info,
        instrumented_files(ctx, SOURCE_DEPENDENCIES, source.counted),
    ]

go_library = rule(
    implementation = _go_library_impl,
    doc = "A Go package, compiled for whoever depends on it.",
    attrs = SOURCE_ATTRS,
    provides = [GoPackageInfo],
    toolchains = [TOOLCHAIN_TYPE],
)
