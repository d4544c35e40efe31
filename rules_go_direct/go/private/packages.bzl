"""What rules that compile packages share: resolving imports, the result's provider, the toolchain's std."""

load(":providers.bzl", "GoCInfo", "GoCoverInfo", "GoModuleInfo", "GoPackageInfo", "GoStdInfo")

# Attributes of rules that compile packages.
STD_ATTRS = {
    "_c": attr.label(default = "//go/private/cgo:toolchain", providers = [GoCInfo]),
    "_cover": attr.label(default = "//go/private/cover", providers = [GoCoverInfo]),
    "_std": attr.label(default = "//go:std", providers = [GoStdInfo]),
}

# Stands in `std_imports` for all of std.
ANY = "*"

def language(config, module):
    """The value of `-lang`, without `go`.

    Args:
      config: GoConfigInfo.
      module: GoModuleInfo, or None, which means the SDK's own version.

    Returns:
      `1.N`.
    """
    return ".".join(module.go.split(".")[:2]) if module else "1.%d" % config.minor

def trimmed_directory(importpath, importmap, module):
    """What stands for a package's directory in its object file: the path in the module, with the version if there is one.

    Args:
      importpath: of the package.
      importmap: what it is compiled as.
      module: GoModuleInfo, or None.

    Returns:
      A slash-separated path.
    """
    if importmap != importpath:
        return importmap
    if module and module.version and importpath.startswith(module.path):
        return "%s@%s%s" % (module.path, module.version, importpath[len(module.path):])
    return importpath

def recorded_module(module, directory, importpath):
    """The directory that C compilers record a name for.

    Args:
      module: GoModuleInfo, or None.
      directory: path of the package.
      importpath: of the package.

    Returns:
      The path of the module's root directory, and what stands for it; without a module these are of the package.
    """
    inside = importpath[len(module.path):] if module and importpath.startswith(module.path) else None
    rooted = "/" + directory
    if inside == None or not rooted.endswith(inside):
        return directory, importpath
    root = rooted[:len(rooted) - len(inside)].removeprefix("/")
    if module.vendored:
        return root, "vendor/" + module.path
    return root, module.path + ("@" + module.version if module.version else "")

def package_info(ctx, package, archive, module, deps, std_imports, source = None, variables = {}):
    """The provider of a compiled package.

    Args:
      ctx: the rule context.
      package: the `go_package` that was compiled.
      archive: what `compile_package` returned.
      module: GoModuleInfo, or None.
      deps: GoPackageInfos of the packages that it imports, without std.
      std_imports: import paths of the packages of std that it imports.
      source: see GoPackageInfo.
      variables: values of string variables that the linker sets, by name.

    Returns:
      A GoPackageInfo.
    """

    # Each program's own package is called main.
    importmap = package.importpath if package.path == "main" else package.path
    entry = struct(
        cgo = package.cgo,
        counted = package.cover.sources if package.cover else (),
        deps = tuple([dep.importmap for dep in deps]),
        importmap = importmap,
        label = ctx.label,
        module = module,
        o = archive.o,
        std_imports = tuple(std_imports),
        variables = tuple(variables.items()),
    )
    compiled = struct(importmap = importmap, importpath = package.importpath, package = package, x = archive.x)
    return GoPackageInfo(
        cgo = package.cgo,
        compiled = depset([compiled], transitive = [dep.compiled for dep in deps]),
        cover = package.cover,
        error = "",
        importmap = importmap,
        importpath = package.importpath,
        needs_cgo = False,
        o = archive.o,
        source = source,
        transitive = depset([entry], transitive = [dep.transitive for dep in deps]),
        x = archive.x,
    )

def broken_package(importpath, error, source = None, needs_cgo = False):
    """The provider of a package that can't be built in this configuration, which is an error only for who imports it.

    Args:
      importpath: of the package.
      error: the reason.
      source: see GoPackageInfo.
      needs_cgo: see GoPackageInfo.

    Returns:
      A GoPackageInfo.
    """
    return GoPackageInfo(
        cgo = None,
        compiled = depset(),
        cover = None,
        error = error,
        importmap = importpath,
        importpath = importpath,
        needs_cgo = needs_cgo,
        o = None,
        source = source,
        transitive = depset(),
        x = None,
    )

def module_of(target):
    """The GoModuleInfo of an optional attribute's target.

    Args:
      target: the target, or None.

    Returns:
      GoModuleInfo, or None.
    """
    return target[GoModuleInfo] if target else None
