"""The rule `go_std`: the standard library, package by package, on demand."""

load(":cgo.bzl", "NO_FLAGS", "cgo_imports", "recorded_roots", "run_cgo")
load(":compile.bzl", "compile_package", "go_package")
load(":providers.bzl", "GoCInfo", "GoStdInfo")
load(":records.bzl", "choose_files")
load(":tools.bzl", "TOOLCHAIN_TYPE")

# A package that imports `simd` is rewritten by the compiler to use this one on some architectures (`hasSimd` in cmd/go).
_SIMD_BRIDGE = "simd/internal/bridge"
_SIMD_ARCH = ["amd64", "arm64", "wasm"]

# Not compiled: the first is documentation, the second is the compiler's own.
_NOT_COMPILED = ["builtin", "unsafe"]

def std_imports(config, imports, packages):
    """Adds what an import of std implies.

    Args:
      config: GoConfigInfo.
      imports: import paths.
      packages: the packages that std has, a dict with import paths as keys.

    Returns:
      The import paths with those that they imply.
    """
    if "simd" in imports and config.goarch in _SIMD_ARCH and _SIMD_BRIDGE in packages and _SIMD_BRIDGE not in imports:
        return imports + [_SIMD_BRIDGE]
    return imports

def importable(packages):
    """The packages of std that code outside std may import.

    Args:
      packages: a dict with import paths as keys.

    Returns:
      The import paths without internal and vendored packages.
    """
    return [path for path in packages if "internal" not in path.split("/") and not path.startswith("vendor/")]

def _topological(chosen):
    """Import paths in an order in which every package comes after those that it imports."""
    order, done = [], {}
    stack = sorted(chosen, reverse = True)
    for _ in range(1000000):
        if not stack:
            break
        path = stack[-1]
        missing = [] if path in done else [dep for dep in chosen[path].deps if dep not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if path not in done:
            done[path] = True
            order.append(path)
    return order

def _choose(config):
    """The packages that this configuration has, each with its files and its resolved imports."""
    files = {path: choose_files(record, config.tags) for path, record in config.sdk.packages.items()}
    files = {path: chosen for path, chosen in files.items() if (chosen.go or chosen.cgo) and path not in _NOT_COMPILED}
    packages = {}
    for path, chosen in files.items():
        implied = [imported for imported in cgo_imports(path, True) if imported not in chosen.imports] if chosen.cgo else []
        import_map = {
            written: "vendor/" + written
            for written in chosen.imports
            if written not in files and "vendor/" + written in files
        }
        deps = [import_map.get(written, written) for written in chosen.imports] + implied
        packages[path] = struct(files = chosen, import_map = import_map, deps = std_imports(config, deps, files))
    return packages

def _run_cgo(ctx, config, path, files, go_asm, imported):
    """The C part of a package. Only runtime/cgo has assembly for Go's assembler and for the C compiler.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      path: import path of the package.
      files: its files.
      go_asm: what Go's assembler has of them.
      imported: the files of packages that it imports, by import path: the race detector's objects are in one of them.
    """
    sources = config.sdk.sources
    go = [sources[path + "/" + name] for name in files.cgo]
    directory = go[0].dirname
    return run_cgo(ctx, config, ctx.attr._c[GoCInfo], struct(
        directory = directory,
        flags = NO_FLAGS,
        go = go,
        headers = [sources[path + "/" + name] for name in files.headers],
        importpath = path,
        included = [],
        outputs = "std/" + path + "_",
        roots = recorded_roots(ctx, config, directory.removesuffix("/src/" + path), "GOROOT"),
        sources = [sources[path + "/" + name] for name in files.c + [name for name in files.asm if name not in go_asm]],
        split = False,
        std = True,
        syso = [sources[of + "/" + name] for of, chosen in ({path: files} | imported).items() for name in chosen.syso],
    ))

def _compile(ctx, config, path, packages, compiled, asm_headers):
    package = packages[path]
    files = package.files
    sources = config.sdk.sources
    go_asm = files.asm if not files.cgo or path == "runtime/cgo" else []
    imported = {dep: packages[dep].files for dep in package.deps}
    cgo = _run_cgo(ctx, config, path, files, go_asm, imported) if files.cgo else None
    compile = lambda outputs, fuzzed: compile_package(
        ctx,
        config,
        go_package(
            outputs = "std/" + path + outputs,
            fuzzed = fuzzed,
            importpath = path,
            path = path,
            new = path,
            lang = "1.%d" % config.minor,
            std = True,
            go = [sources[path + "/" + name] for name in files.go],
            asm = [sources[path + "/" + name] for name in go_asm],
            origins = [sources[path + "/" + name] for name in files.cgo + files.c],
            cgo = cgo,
            headers = [sources[path + "/" + name] for name in files.headers],
            asm_headers = asm_headers,
            syso = [sources[path + "/" + name] for name in files.syso],
            embed_patterns = files.embed,
            embed_files = {name: sources[path + "/" + name] for names in files.embed.values() for name in names},
            import_map = package.import_map,
        ),
        [compiled[dep] for dep in package.deps],
    )
    result = compile("_", True)

    # A package that only the fuzzing itself needs isn't made for it.
    plain = compile("_plain_", False).o if config.fuzz else result.o
    return struct(importmap = path, importpath = path, x = result.x, o = result.o, plain = plain, imports = package.deps)

def _go_std_impl(ctx):
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    packages = _choose(config)
    for path, package in packages.items():
        for dep in package.deps:
            if dep not in packages:
                fail("std's package %s imports %s, which the lock does not have for %s/%s; write the lock anew with `godirect lock`" %
                     (path, dep, config.goos, config.goarch))
    cgo_headers = choose_files(config.sdk.packages.get("runtime/cgo", {"groups": []}), config.tags).headers
    compiled = {}
    for path in _topological(packages):
        asm_headers = [config.sdk.sources["runtime/cgo/" + name] for name in cgo_headers] if path == "runtime" else []
        compiled[path] = _compile(ctx, config, path, packages, compiled, asm_headers)
    return [GoStdInfo(packages = compiled)]

go_std = rule(
    implementation = _go_std_impl,
    doc = "The standard library of the resolved toolchain's SDK for its platform. Building it builds nothing: packages are compiled when needed.",
    attrs = {"_c": attr.label(default = "//go/private/cgo:toolchain", providers = [GoCInfo])},
    toolchains = [TOOLCHAIN_TYPE],
)
