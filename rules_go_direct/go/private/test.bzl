"""The rule `go_test`.

It follows `TestPackagesAndErrors` and `recompileForTest` in cmd/go/internal/load/test.go. A test program has the bytes of `go test -c`; what
Bazel expects of a test is the matter of the program in test_runner.
"""

load(":compile.bzl", "compile_package", "compiled_again", "go_package")
load(":cover.bzl", "COVER_TEST_ATTRS", "cover_imports", "cover_package", "instrumented_files")
load(
    ":library.bzl",
    "LACKS_CGO",
    "SOURCE_ATTRS",
    "SOURCE_DEPENDENCIES",
    "choose_sources",
    "collect_source",
    "direct_deps",
    "embed_matches",
    "importmap_of",
    "lacks_cgo",
    "prepare_source",
    "source_std_imports",
    "variables_of",
)
load(":link.bzl", "LIBRARY_MODES", "LINK_ATTRS", "check_modes", "configuration", "default_godebug", "link", "unique_packages")
load(":modinfo.bzl", "build_info")
load(":packages.bzl", "ANY", "language", "trimmed_directory")
load(":providers.bzl", "GoPackageInfo", "GoStdInfo")
load(":std.bzl", "std_imports")
load(":tools.bzl", "PATH_MAPPING", "TOOLCHAIN_TYPE")

# What the source of a test program imports (`TestMainDeps`).
_MAIN_IMPORTS = ["os", "reflect", "testing", "testing/internal/testdeps"]

# What it imports besides where statements are counted: what is written, and what the cover tool adds.
_COUNTED_MAIN_IMPORTS = ["internal/coverage/cfile", "runtime/coverage"]

def _is_test_file(file):
    return file.basename.endswith("_test.go")

def _base_name(importpath):
    """The name of the program: the last element of the import path that isn't a version (`load.DefaultExecName`)."""
    elements = importpath.split("/")
    last = elements[-1]
    is_version = len(last) > 1 and last[0] == "v" and last[1:].isdigit() and last[1] != "0" and last != "v1"
    return elements[-2] if len(elements) > 1 and is_version else last

def _write_counted(ctx, cover, tested, transitive):
    """Writes which files have counters, by their names in Go's profiles; without any there is no such file.

    Args:
      ctx: the rule context.
      cover: what `cover_package` returned for the tested package, or None.
      tested: what `_tested` returned.
      transitive: the entries of all that the tests need.

    Returns:
      A File with lines of a name, a tab and a path, or None.
    """
    pairs = list(cover.sources) if cover else []
    pairs += [pair for entry in transitive if entry.importmap != tested.importmap for pair in entry.counted]
    if not pairs:
        return None
    file = ctx.actions.declare_file("%s_/%s.counted" % (ctx.label.name, ctx.label.name))
    lines = ctx.actions.args()
    lines.set_param_file_format("multiline")
    lines.add_all(["%s\t%s" % pair for pair in sorted(pairs)])
    ctx.actions.write(file, lines)
    return file

def _write_main(ctx, config, tested, test_files, has_package, counted):
    """Declares the action that writes the program's source, and sorts the test files by their package."""
    prefix = ctx.label.name + "_/"
    internal = ctx.actions.declare_directory(prefix + "internal")
    external = ctx.actions.declare_directory(prefix + "external")
    source = ctx.actions.declare_file(prefix + "main/_testmain.go")
    setup = ctx.actions.declare_file(prefix + ctx.label.name + ".run")
    args = ctx.actions.args()
    args.add("-importpath", tested.importpath).add("-module", tested.module.path if tested.module else "")
    args.add("-go", str(config.minor)).add("-main", source).add("-run", setup)
    args.add_all("-internal", [internal], expand_directories = False)
    args.add_all("-external", [external], expand_directories = False)
    args.add("-setting", "program " + tested.program)
    args.add("-setting", "directory " + _directory(ctx))
    args.add("-setting", "package " + tested.importpath)
    if not ctx.label.repo_name:
        args.add("-setting", "source " + ctx.label.package)
    if counted:
        args.add("-counted", counted).add("-cover-mode", config.cover_mode)
        args.add("-setting", "coverage " + config.cover_format)
    args.add("-expect", ",".join(ctx.attr.external_srcs))
    if has_package:
        args.add("-has-package")
    args.add_all(test_files)
    ctx.actions.run(
        executable = ctx.executable._test_main,
        arguments = [args],
        inputs = test_files + ([counted] if counted else []),
        outputs = [internal, external, source, setup],
        execution_requirements = PATH_MAPPING,
        mnemonic = "GoTestMain",
        progress_message = "Writing the test program of " + tested.importpath,
    )
    return struct(external = external, internal = internal, setup = setup, source = source)

def _directory(ctx):
    """Where the test runs, relative to the root of the runfiles."""
    repository = ctx.label.workspace_name or ctx.workspace_name
    directory = ctx.attr.rundir or ctx.label.package
    return repository if directory in ("", ".") else repository + "/" + directory

def _needs_tested(importmap, transitive):
    """The importmaps of packages that need the tested one, itself among them; in `transitive` each comes after what it needs."""
    affected = {importmap: True}
    for package in transitive:
        for dep in package.deps:
            if dep in affected:
                affected[package.importmap] = True
                break
    return affected

def _compile_again(ctx, config, std, deps, internal, affected):
    """Compiles what stands between the test and the package, since it must see the package with its tests.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      std: the packages that std has.
      deps: GoPackageInfos of what the tests import.
      internal: the package with its tests.
      affected: the entries of packages that need the tested one, each after what it needs.

    Returns:
      A dict of struct(importmap, importpath, o, x) by importmap, with `internal`.
    """
    compiled = {}
    if affected:
        compiled = {package.importmap: package for package in depset(transitive = [dep.compiled for dep in deps]).to_list()}
    again = {internal.importmap: internal}
    for entry in affected:
        importmap = entry.importmap
        if importmap == internal.importmap:
            continue
        imports = [again.get(dep) or compiled[dep] for dep in entry.deps] + [std[path] for path in entry.std_imports]
        package = compiled_again(compiled[importmap].package, "%s_/again/%s" % (ctx.label.name, importmap))
        archive = compile_package(ctx, config, package, imports)
        again[importmap] = struct(cgo = package.cgo, importmap = importmap, importpath = package.importpath, o = archive.o, x = archive.x)
    return again

def _tested(ctx, source, embedded):
    """What all parts of the test have to know of the package."""
    importpath = ctx.attr.importpath or embedded.importpath or "%s/%s" % (ctx.label.package, ctx.label.name)
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    suffix = ".exe" if config.goos == "windows" else ""
    return struct(
        importmap = importmap_of(ctx, embedded) or importpath,
        importpath = importpath,
        module = source.module,
        program = _base_name(importpath) + ".test" + suffix,
    )

def _package(ctx, config, source, tested, outputs, **fields):
    """A part of the test as a `go_package`."""
    return go_package(
        outputs = ctx.label.name + "_/" + outputs,
        new = trimmed_directory(tested.importpath, tested.importmap, tested.module),
        lang = language(config, tested.module),
        goopts = source.goopts,
        **fields
    )

def _sort_sources(ctx, config, source):
    """The sources that this platform takes: test files, and those of the package itself by kind."""
    embedded = choose_sources(ctx, config, source.embedded, source)
    own = choose_sources(ctx, config, ctx.files.srcs, source)
    others = {kind: [file for file in files if not _is_test_file(file)] for kind, files in own.items()}
    test_files = [file for file in own["go"] if _is_test_file(file)]
    external = {name: True for name in ctx.attr.external_srcs}
    return struct(
        kinds = {kind: embedded[kind] + others[kind] for kind in embedded},
        # Whether the package is the embedded library as it is, since all tests are in the package `…_test`.
        only_embeds = (
            len(ctx.attr.embed) == 1 and
            not ctx.attr.embed[0][GoPackageInfo].error and
            not any(others.values()) and
            not ctx.attr.gc_goopts and
            all([file.basename in external for file in test_files])
        ),
        test_files = test_files,
    )

def _compile_internal(ctx, config, source, tested, prepared, test_directory, imports, cycle):
    """Compiles the package with the tests in it."""
    package = _package(
        ctx,
        config,
        source,
        tested,
        "package",
        importpath = tested.importpath,
        path = tested.importmap,
        embed_files = source.embedsrcs,
        embed_patterns = embed_matches(ctx, source),
        tests = test_directory,
        **prepared
    )
    archive = compile_package(ctx, config, package, imports, struct(label = ctx.label, module = tested.module, cycle = cycle))
    return struct(cgo = package.cgo, importmap = tested.importmap, importpath = tested.importpath, o = archive.o, x = archive.x)

def _compile_external(ctx, config, source, tested, test_directory, imports):
    """Compiles the package `…_test`."""
    importmap, importpath = tested.importmap + "_test", tested.importpath + "_test"
    package = _package(
        ctx,
        config,
        source,
        tested,
        "external_package",
        importpath = importpath,
        path = importmap,
        go = [],
        embed_files = source.embedsrcs,
        embed_patterns = embed_matches(ctx, source),
        fuzzed = False,
        tests = test_directory,
    )
    archive = compile_package(ctx, config, package, imports, struct(label = ctx.label, module = tested.module, cycle = []))
    return struct(cgo = None, importmap = importmap, importpath = importpath, o = archive.o, x = archive.x)

def _compile_main(ctx, config, std, source, tested, written, counted, parts):
    """Compiles the program's own package; returns its object archive and the packages of std that it imports."""
    path = tested.importpath + ".test"
    cover = cover_package(ctx, config, struct(
        counted = [written.source],
        go = [written.source],
        importpath = path,
        mode = "testmain",
        module = tested.module,
        outputs = ctx.label.name + "_/main",
    )) if counted else None
    imports = std_imports(config, _MAIN_IMPORTS, std) + (_COUNTED_MAIN_IMPORTS if counted else []) + cover_imports(config, cover)
    go = cover.go if cover else [written.source]
    package = _package(ctx, config, source, tested, "main", importpath = path, path = "main", cover = cover, fuzzed = False, go = go)
    return compile_package(ctx, config, package, parts + [std[path] for path in imports]).o, imports

def _compile_tests(ctx, config, std, source, tested):
    """Compiles all packages of the test; returns the program's object archive, all that is linked, and the files for the runner."""
    sources = _sort_sources(ctx, config, source)
    prepared = None
    if not sources.only_embeds:
        outputs = ctx.label.name + "_/package"
        prepared = prepare_source(ctx, config, source, sources.kinds, tested.importmap, outputs, counts = True)
    cover = prepared["cover"] if prepared else ctx.attr.embed[0][GoPackageInfo].cover
    deps = [dep for dep in direct_deps(ctx, source) if dep.importmap != tested.importmap]
    transitive = depset(transitive = [dep.transitive for dep in deps], order = "postorder").to_list()
    counted = _write_counted(ctx, cover, tested, transitive)
    written = _write_main(ctx, config, tested, sources.test_files, bool(sources.kinds["go"]), counted)
    std_paths = source_std_imports(config, source, std, cover)
    from_std = [std[path] for path in std_paths]

    again = {}
    if not prepared:
        internal = ctx.attr.embed[0][GoPackageInfo]
    else:
        affected = _needs_tested(tested.importmap, transitive)
        imports = [dep for dep in deps if dep.importmap not in affected] + from_std
        internal = _compile_internal(ctx, config, source, tested, prepared, written.internal, imports, affected.keys())
        again = _compile_again(ctx, config, std, deps, internal, [entry for entry in transitive if entry.importmap in affected])
    parts = [internal]
    if ctx.attr.external_srcs:
        imports = [again.get(dep.importmap) or dep for dep in deps] + [internal] + from_std
        parts.append(_compile_external(ctx, config, source, tested, written.external, imports))

    main, main_std = _compile_main(ctx, config, std, source, tested, written, counted, parts)
    packages = unique_packages(ctx, transitive)
    packages.pop(tested.importmap, None)
    paths_of_std = [std_paths] + [entry.std_imports for entry in transitive]
    tested_std = {path: True for paths in paths_of_std for path in paths}.keys()
    return struct(
        counts = bool(counted),
        main = main,
        packages = parts + [again.get(path) or entry for path, entry in packages.items()],
        settings = [written.setup] + ([counted] if counted else []),
        fuzzed_std = tested_std,
        std_imports = {path: True for path in main_std + tested_std}.keys(),
        transitive = transitive,
        variables = {name: value for entry in transitive for name, value in entry.variables} | variables_of(source, tested.importmap),
    )

def _link_program(ctx, config, std, tested, compiled):
    """Declares the link of the test program."""
    program = ctx.actions.declare_file("%s_/%s" % (ctx.label.name, tested.program))

    # Before Go 1.27 they don't show the modules of what they import (`TestPackagesAndErrors` in cmd/go/internal/load).
    modules = [entry.module for entry in compiled.transitive if entry.module] if config.minor >= 27 else []
    path = tested.importpath + ".test"
    info = build_info(
        config,
        path,
        tested.module,
        modules,
        default_godebug(ctx, config),
        ctx.attr.gc_goopts,
        compiled.counts,
        shows_profile = False,
    )
    link(ctx, config, std, struct(
        executable = program,
        main = compiled.main,
        main_cgo = None,
        packages = compiled.packages,
        fuzzed_std = compiled.fuzzed_std,
        std_imports = compiled.std_imports,
        info = info,
        variables = compiled.variables,
        # What `testing.Testing` says.
        flags = ["-X", "testing.testBinary=1"],
    ))
    return program

def _go_test_impl(ctx):
    config = ctx.toolchains[TOOLCHAIN_TYPE].go
    check_modes(ctx, config)
    std = ctx.attr._std[GoStdInfo].packages
    if config.linkmode in LIBRARY_MODES:
        fail("%s: a test can't be a library for C; leave linkmode out" % ctx.label)
    source, embedded = collect_source(ctx)
    if lacks_cgo(config, source):
        fail(LACKS_CGO % ctx.label)
    tested = _tested(ctx, source, embedded)
    compiled = _compile_tests(ctx, config, std, source, tested)
    program = _link_program(ctx, config, std, tested, compiled)
    suffix = ".exe" if config.goos == "windows" else ""
    executable = ctx.actions.declare_file("%s_/%s%s" % (ctx.label.name, ctx.label.name, suffix))
    ctx.actions.symlink(output = executable, target_file = ctx.executable._runner, is_executable = True)
    files = [executable, program] + compiled.settings
    return [
        DefaultInfo(
            executable = executable,
            files = depset(files),
            runfiles = ctx.runfiles(files).merge_all([source.runfiles, ctx.attr._runner[DefaultInfo].default_runfiles]),
        ),
        OutputGroupInfo(go_test_program = depset([program])),
        RunEnvironmentInfo(
            environment = {name: ctx.expand_location(value, ctx.attr.data) for name, value in ctx.attr.env.items()},
            inherited_environment = ctx.attr.env_inherit,
        ),
        instrumented_files(ctx, SOURCE_DEPENDENCIES, source.counted),
    ]

go_test = rule(
    implementation = _go_test_impl,
    doc = """The tests of a package.

The program beside the test, `<name>_/<package>.test`, has the bytes of `go test -c -trimpath -buildvcs=false -ldflags=-buildid=`, with cgo if `pure = "off"`.

* `srcs` are test files, of the package itself and of the package with `_test` after its name: what a file belongs to is read from its package clause when the test is built.
* `embed` is the tested library, whose sources are compiled together with the internal tests.
* `importpath` is that of the tested package; by default that of the embedded library.""",
    attrs = SOURCE_ATTRS | LINK_ATTRS | COVER_TEST_ATTRS | {
        "env": attr.string_dict(doc = "Environment of the test; values may have `$(location ...)` of data."),
        "env_inherit": attr.string_list(doc = "Variables that the test takes from the environment of Bazel's client."),
        "external_srcs": attr.string_list(
            default = [ANY],
            doc = "Base names of the srcs in the package with `_test` after its name. Without the attribute the package is compiled again for its tests " +
                  "in any case; with it only where there are internal tests. `[]` means none.",
        ),
        "fuzz": attr.string(
            default = "auto",
            values = ["auto", "on", "off"],
            doc = "Whether packages are compiled so that fuzzing sees which code an input reaches; `auto` is as `--@rules_go_direct//go/config:fuzz` says. rules_go doesn't have it.",
        ),
        "rundir": attr.string(doc = "Directory to run in, relative to the root of the repository, which is `.`; by default the package's, as `go test` does."),
        "_runner": attr.label(default = "//go/private/test_runner", executable = True, cfg = "target"),
        "_test_main": attr.label(default = "//go/private/test_main", executable = True, cfg = "exec"),
    },
    cfg = configuration,
    fragments = ["coverage"],
    test = True,
    toolchains = [TOOLCHAIN_TYPE],
)
