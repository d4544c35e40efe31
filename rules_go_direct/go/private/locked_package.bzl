"""The rule `go_locked_package`: a package of a locked module, built from its record in the lock."""

load(":cgo.bzl", "C_EXTENSIONS", "NO_FLAGS", "cgo_imports", "recorded_roots", "run_cgo")
load(":compile.bzl", "compile_package", "go_package")
load(":cover.bzl", "counted_files", "cover_imports", "cover_package", "instrumented_files")
load(":packages.bzl", "STD_ATTRS", "broken_package", "language", "package_info", "recorded_module", "trimmed_directory")
load(":providers.bzl", "GoCInfo", "GoModuleInfo", "GoPackageInfo", "GoStdInfo")
load(":records.bzl", "choose_files")
load(":std.bzl", "std_imports")
load(":tools.bzl", "TOOLCHAIN_TYPE")

def _resolve(ctx, config, imports):
    """Sorts imports into packages of modules and of std, or says which can't be resolved."""
    known = {dep[GoPackageInfo].importpath: dep[GoPackageInfo] for dep in ctx.attr.deps}
    std = ctx.attr._std[GoStdInfo].packages
    deps, from_std = [], []
    for path in imports:
        if path in known:
            if known[path].error:
                return None, None, "it imports %s: %s" % (path, known[path].error)
            deps.append(known[path])
        elif path in std:
            from_std.append(path)
        else:
            return None, None, ("it imports %s, which is neither in the lock nor in std for %s/%s; run `godirect lock`" %
                                (path, config.goos, config.goarch))
    return deps, std_imports(config, from_std, std), ""

def _has_cgo(record):
    return any([group.get("cgo") for group in record["groups"]])

def _fault(config, chosen):
    """Why Go would refuse to build these files, or nothing."""
    if not chosen.go and not chosen.cgo:
        without = "" if config.cgo else " without cgo"
        return "build constraints exclude all its Go files for %s/%s%s" % (config.goos, config.goarch, without)
    if not chosen.cgo:
        # Without cgo, Go passes over these, as it always does over `.S`.
        alone = [name for name in chosen.c if config.cgo and name.rpartition(".")[2] not in ("S", "sx")]
        return "C source files not allowed when not using cgo or SWIG: %s" % " ".join(alone) if alone else ""
    other = [name for name in chosen.c if name.rpartition(".")[2] not in C_EXTENSIONS]
    if other:
        return "this version of rules_go_direct can't compile %s" % ", ".join(other)
    return ""

def _cover(ctx, config, chosen, files, module):
    """Makes the package count its statements, if it is to; returns what stands for each Go file, too."""
    go = [files[name] for name in chosen.go + chosen.cgo]
    cover = cover_package(ctx, config, struct(
        counted = counted_files(ctx, go),
        go = go,
        importpath = ctx.attr.importpath,
        mode = config.cover_mode,
        module = module,
        outputs = ctx.label.name + "_",
    ))
    return cover, files | ({file.basename: file for file in cover.go} if cover else {})

def _run_cgo(ctx, config, chosen, files, go, module):
    """The C part of the package; `go` has what stands for Go files."""
    directory = files[chosen.cgo[0]].dirname
    root, recorded = recorded_module(module, directory, ctx.attr.importpath)
    return run_cgo(ctx, config, ctx.attr._c[GoCInfo], struct(
        directory = directory,
        flags = NO_FLAGS,
        go = [go[name] for name in chosen.cgo],
        headers = [files[name] for name in chosen.headers],
        importpath = ctx.attr.importpath,
        included = ctx.files.included,
        outputs = ctx.label.name + "_",
        roots = recorded_roots(ctx, config, root, recorded),
        sources = [files[name] for name in chosen.c + chosen.asm],
        split = False,
        std = False,
        syso = [files[name] for name in chosen.syso],
    ))

def _go_locked_package_impl(ctx):
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    importpath = ctx.attr.importpath
    record = json.decode(ctx.attr.record)
    chosen = choose_files(record, config.tags)
    error = _fault(config, chosen)
    deps, from_std = None, None
    if not error:
        implied = cgo_imports(importpath, False) if chosen.cgo else []
        deps, from_std, error = _resolve(ctx, config, chosen.imports + [path for path in implied if path not in chosen.imports])
    if error:
        needs_cgo = not config.cgo and (_has_cgo(record) or any([dep[GoPackageInfo].needs_cgo for dep in ctx.attr.deps]))
        return [
            DefaultInfo(),
            broken_package(importpath, "package %s can't be built: %s" % (importpath, error), needs_cgo = needs_cgo),
            instrumented_files(ctx, ["deps"], []),
        ]

    module = ctx.attr.module[GoModuleInfo]
    std = ctx.attr._std[GoStdInfo].packages
    prefix = ctx.attr.dir + "/" if ctx.attr.dir else ""
    files = {file.short_path.partition(ctx.label.repo_name + "/" + prefix)[2]: file for file in ctx.files.srcs}
    cover, go = _cover(ctx, config, chosen, files, module)
    cgo = _run_cgo(ctx, config, chosen, files, go, module) if chosen.cgo else None
    from_std = from_std + [path for path in cover_imports(config, cover) if path not in from_std]
    package = go_package(
        outputs = ctx.label.name + "_",
        importpath = importpath,
        path = importpath,
        new = trimmed_directory(importpath, importpath, module),
        lang = language(config, module),
        go = [go[name] for name in chosen.go],
        asm = [] if cgo else [files[name] for name in chosen.asm],
        headers = [files[name] for name in chosen.headers],
        syso = [files[name] for name in chosen.syso],
        origins = [files[name] for name in chosen.go + chosen.cgo + chosen.c + (chosen.asm if cgo else [])],
        cgo = cgo,
        cover = cover,
        embed_patterns = chosen.embed,
        embed_files = {name: files[name] for names in chosen.embed.values() for name in names},
    )
    archive = compile_package(ctx, config, package, deps + [std[path] for path in from_std])
    return [
        DefaultInfo(files = depset([archive.x, archive.o])),
        package_info(ctx, package, archive, module, deps, from_std),
        instrumented_files(ctx, ["deps"], []),
    ]

go_locked_package = rule(
    implementation = _go_locked_package_impl,
    doc = """A package of a locked module, which the repositories of `go.lock` consist of. Its record says which files and imports a platform chooses.

All files and dependencies of all platforms are given; what the configuration does not choose is not built.""",
    attrs = STD_ATTRS | {
        "deps": attr.label_list(providers = [GoPackageInfo], doc = "Packages that it imports on some platform, without std."),
        "dir": attr.string(doc = "Its directory in the module; empty for the root."),
        "included": attr.label_list(allow_files = True, doc = "Files of the module that C files may include from other directories."),
        "importpath": attr.string(mandatory = True, doc = "The import path."),
        "module": attr.label(mandatory = True, providers = [GoModuleInfo], doc = "Its `go_module`."),
        "record": attr.string(mandatory = True, doc = "Its package record in the lock, as JSON."),
        "srcs": attr.label_list(allow_files = True, doc = "All files that the record names."),
    },
    provides = [GoPackageInfo],
    toolchains = [TOOLCHAIN_TYPE],
)
