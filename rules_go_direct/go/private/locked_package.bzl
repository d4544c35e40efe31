"""The rule `go_locked_package`: a package of a locked module, built from its record in the lock."""

load(":compile.bzl", "compile_package", "go_package")
load(":packages.bzl", "STD_ATTRS", "broken_package", "language", "package_info", "trimmed_directory")
load(":providers.bzl", "GoModuleInfo", "GoPackageInfo", "GoStdInfo")
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

def _fault(config, chosen):
    """Why Go would refuse to build these files without cgo, or nothing."""
    if not chosen.go:
        return "build constraints exclude all its Go files for %s/%s without cgo" % (config.goos, config.goarch)
    if chosen.c:
        return "it has C sources (%s), and this version of rules_go_direct does not support cgo" % ", ".join(chosen.c)
    return ""

def _go_locked_package_impl(ctx):
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    importpath = ctx.attr.importpath
    chosen = choose_files(json.decode(ctx.attr.record), config.tags)
    error = _fault(config, chosen)
    deps, from_std = None, None
    if not error:
        deps, from_std, error = _resolve(ctx, config, chosen.imports)
    if error:
        return [DefaultInfo(), broken_package(importpath, "package %s can't be built: %s" % (importpath, error))]

    module = ctx.attr.module[GoModuleInfo]
    std = ctx.attr._std[GoStdInfo].packages
    prefix = ctx.attr.dir + "/" if ctx.attr.dir else ""
    files = {file.short_path.partition(ctx.label.repo_name + "/")[2]: file for file in ctx.files.srcs}
    package = go_package(
        outputs = ctx.label.name + "_",
        importpath = importpath,
        path = importpath,
        new = trimmed_directory(importpath, module),
        lang = language(config, module),
        go = [files[prefix + name] for name in chosen.go],
        asm = [files[prefix + name] for name in chosen.asm],
        headers = [files[prefix + name] for name in chosen.headers],
        syso = [files[prefix + name] for name in chosen.syso],
        embed_patterns = chosen.embed,
        embed_files = {name: files[prefix + name] for names in chosen.embed.values() for name in names},
    )
    archive = compile_package(ctx, config, package, deps + [std[path] for path in from_std])
    return [
        DefaultInfo(files = depset([archive.x, archive.o])),
        package_info(ctx, package, archive, module, deps, from_std),
    ]

go_locked_package = rule(
    implementation = _go_locked_package_impl,
    doc = """A package of a locked module. Its record says which files and imports a platform chooses.

All files and dependencies of all platforms are given; what the configuration does not choose is not built.""",
    attrs = STD_ATTRS | {
        "deps": attr.label_list(providers = [GoPackageInfo], doc = "Packages that it imports on some platform, without std."),
        "dir": attr.string(doc = "Its directory in the module; empty for the root."),
        "importpath": attr.string(mandatory = True, doc = "Import path."),
        "module": attr.label(mandatory = True, providers = [GoModuleInfo], doc = "Its `go_module`."),
        "record": attr.string(mandatory = True, doc = "Its package record in the lock, as JSON."),
        "srcs": attr.label_list(allow_files = True, doc = "All files that the record names."),
    },
    provides = [GoPackageInfo],
    toolchains = [TOOLCHAIN_TYPE],
)
