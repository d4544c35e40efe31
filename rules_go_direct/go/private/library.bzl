"""The rule `go_library`, and what it shares with `go_binary`."""

load(":compile.bzl", "compile_package", "go_package")
load(":constraint.bzl", "evaluate", "file_name_matches")
load(":packages.bzl", "ANY", "STD_ATTRS", "broken_package", "language", "module_of", "package_info", "trimmed_directory")
load(":providers.bzl", "GoModuleInfo", "GoPackageInfo", "GoStdInfo")
load(":std.bzl", "importable", "std_imports")
load(":tools.bzl", "TOOLCHAIN_TYPE")

_C_EXTENSIONS = ["c", "cc", "cpp", "cxx", "m", "S", "f", "F", "for", "f90", "swig", "swigcxx"]

# What rules_go has for C code, which without cgo means nothing there either.
_C_ATTRS = {
    name: attr.string_list(doc = "For cgo, which is not supported by this version; without it, it means nothing.")
    for name in ["clinkopts", "copts", "cppopts", "cxxopts"]
}

SOURCE_ATTRS = STD_ATTRS | _C_ATTRS | {
    "cdeps": attr.label_list(doc = "For cgo, which is not supported by this version; without it, it means nothing."),
    "cgo": attr.bool(doc = "Not supported by this version; here so that the message is clear."),
    "constraints": attr.string_dict(
        doc = "The `//go:build` expression of files that have one, by base name, e.g. `{\"a.go\": \"!linux || purego\"}`. Files that it " +
              "excludes are skipped.",
    ),
    "data": attr.label_list(allow_files = True, doc = "Files that the program opens when it runs."),
    "deps": attr.label_list(providers = [GoPackageInfo], doc = "Packages that srcs import, without std."),
    "embed": attr.label_list(providers = [GoPackageInfo], doc = "Libraries whose srcs, deps and settings become part of this package."),
    "embed_patterns": attr.string_list_dict(
        doc = "Each `//go:embed` pattern with the files that it matches, relative to the package. A pattern that is the name of a file " +
              "in embedsrcs needs no entry.",
    ),
    "embedsrcs": attr.label_list(allow_files = True, doc = "Files for `//go:embed`."),
    "gc_goopts": attr.string_list(doc = "Compiler flags, as `-gcflags`."),
    "importpath": attr.string(doc = "Import path."),
    "module": attr.label(providers = [GoModuleInfo], doc = "The `go_module` that it belongs to."),
    "srcs": attr.label_list(
        allow_files = [".go", ".s", ".h", ".syso"] + ["." + extension for extension in _C_EXTENSIONS],
        doc = "Sources. Those whose name excludes the platform (`x_windows.go`) are skipped, as Go does.",
    ),
    "x_defs": attr.string_dict(
        doc = "String variables to set, as the linker's `-X`; a name without a dot is one of this package. In what embeds the library, too.",
    ),
    "std_imports": attr.string_list(
        default = [ANY],
        doc = "The packages of std that srcs import. Without it, every package of std that the platform has is an input.",
    ),
}

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
      The `source` of GoPackageInfo, and the import path of the first embedded library (or an empty string).
    """
    if ctx.attr.cgo:
        fail("%s: cgo is not supported by this version of rules_go_direct; build the package without cgo, or with another ruleset" % ctx.label)
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
        constraints = constraints,
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
    )
    return merged, (embeds[0].importpath if embeds else "")

def choose_sources(ctx, config, srcs, constraints):
    """The sources that this platform takes, by kind.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      srcs: list of File.
      constraints: build constraints by base name.

    Returns:
      A dict of lists of File: go, h, s, syso.
    """
    kinds = {"go": [], "h": [], "s": [], "syso": []}
    for file in srcs:
        if file.extension in _C_EXTENSIONS:
            fail("%s: %s needs cgo, which this version of rules_go_direct does not support; build the package without it, or with another ruleset" %
                 (ctx.label, file.short_path))
        matches = file_name_matches(file.basename, config.tags) and evaluate(constraints.get(file.basename, ""), config.tags)
        if file.extension == "h" or matches:
            kinds[file.extension].append(file)
    return kinds

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

def source_std_imports(config, source, std):
    """The packages of std that sources import.

    Args:
      config: GoConfigInfo.
      source: what `collect_source` returned.
      std: the packages that std has, a dict with import paths as keys.

    Returns:
      A list of import paths.
    """

    # `select` is by platform and srcs may be by tag, so imports may be here that this configuration does not have.
    chosen = importable(std) if ANY in source.std_imports else [path for path in source.std_imports if path in std]
    return std_imports(config, chosen, std)

def variables_of(source, path):
    """The string variables that `x_defs` sets.

    Args:
      source: what `collect_source` returned.
      path: the package path that symbols have: the import path, or `main`.

    Returns:
      A dict of values by name, in full.
    """
    return {name if "." in name else "%s.%s" % (path, name): value for name, value in source.x_defs.items()}

def compile_source(ctx, source, importpath, path):
    """Compiles what `collect_source` returned.

    Args:
      ctx: the rule context.
      source: the sources.
      importpath: of the package.
      path: the value of `-p`: the import path, or `main`.

    Returns:
      A GoPackageInfo.
    """
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    std = ctx.attr._std[GoStdInfo].packages
    if not importpath:
        fail("%s: importpath is missing; set it to what Go files write to import this package" % ctx.label)
    files = choose_sources(ctx, config, source.srcs, source.constraints)
    if not files["go"]:
        # Another platform's package: `bazel build //...` must not fail on it.
        return broken_package(importpath, "%s has no Go files for %s/%s" % (ctx.label, config.goos, config.goarch), source)
    deps = direct_deps(ctx, source)
    for dep in deps:
        if dep.importpath == importpath:
            fail("%s has the import path %s, and so has one of its deps: import cycle not allowed; correct the importpath of one of them" %
                 (ctx.label, importpath))
    from_std = source_std_imports(config, source, std)
    package = go_package(
        outputs = ctx.label.name + "_",
        importpath = importpath,
        path = path,
        new = trimmed_directory(importpath, source.module),
        lang = language(config, source.module),
        go = files["go"],
        asm = files["s"],
        headers = files["h"],
        syso = files["syso"],
        goopts = source.goopts,
        embed_patterns = embed_matches(ctx, source),
        embed_files = source.embedsrcs,
    )
    explain = struct(label = ctx.label, module = source.module, cycle = [])
    archive = compile_package(ctx, config, package, deps + [std[imported] for imported in from_std], explain)
    return package_info(ctx, package, archive, source.module, deps, from_std, source, variables_of(source, path))

def _go_library_impl(ctx):
    source, embedded = collect_source(ctx)
    importpath = ctx.attr.importpath or embedded
    info = compile_source(ctx, source, importpath, path = importpath)
    files = [] if info.error else [info.x, info.o]
    return [DefaultInfo(files = depset(files), runfiles = source.runfiles), info]

go_library = rule(
    implementation = _go_library_impl,
    doc = "A Go package.",
    attrs = SOURCE_ATTRS,
    provides = [GoPackageInfo],
    toolchains = [TOOLCHAIN_TYPE],
)
