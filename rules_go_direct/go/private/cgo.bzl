"""The recipe of cgo: what becomes of a package's Go files that import "C" and of its C files, before the Go compiler.

It follows runCgo and processCgoOutputs in cmd/go/internal/work/exec.go, as src/plan/cgo.rs of godirect does. A program of the ruleset
(`cgo/main.go`) runs the tools: it reads `#cgo` lines, which rules can't, and knows the name of the action's directory, which C compilers
must not record.
"""

load(":tools.bzl", "CWD", "TOOLCHAIN_TYPE")

_CXX = ["cc", "cpp", "cxx"]

# What C compilers compile or assemble. Without `.s`: Go's assembler has it where there is no cgo.
C_EXTENSIONS = ["c", "m", "S", "sx"] + _CXX

HEADER_EXTENSIONS = ["h", "hh", "hpp", "hxx"]

# What the compiler needs to know of a processor (gccArchArgs), by GOARCH, or by GOOS/GOARCH.
_ARCH_FLAGS = {
    "386": ["-m32"],
    "amd64": ["-m64"],
    "arm": ["-marm"],
    "darwin/amd64": ["-arch", "x86_64", "-m64"],
    "darwin/arm64": ["-arch", "arm64"],
    "mips": ["-mabi=32", "-march=mips32"],
    "mips64": ["-mabi=64"],
    "mips64le": ["-mabi=64"],
    "mipsle": ["-mabi=32", "-march=mips32"],
    "s390x": ["-m64", "-march=z13"],
}

# Flags with a directory, which may be the next word.
_DIRECTORIES = ["-I", "-L", "-idirafter", "-iquote", "-isystem"]

def _arch_flags(config):
    if config.goarch == "loong64":
        return ["-mabi=lp64d"] + (["-mno-relax"] if config.minor >= 27 else [])
    flags = _ARCH_FLAGS.get("%s/%s" % (config.goos, config.goarch), _ARCH_FLAGS.get(config.goarch, []))
    if not config.goarch.startswith("mips"):
        return flags
    if config.variant == "softfloat":
        return flags + ["-msoft-float"]
    return flags + ["-mhard-float"] + ([] if "64" in config.goarch else ["-mfp32", "-mno-odd-spreg"])

def _in_order(config, sources):
    """The files in the order of the archive, which since Go 1.26 begins with assembly."""
    kinds = {"asm": [], "c": [], "cxx": [], "m": []}
    for file in sorted(sources, key = lambda file: file.basename):
        extension = file.extension
        kinds["cxx" if extension in _CXX else extension if extension in ("c", "m") else "asm"].append(file)
    order = ["asm", "c", "m", "cxx"] if config.minor >= 26 else ["c", "asm", "cxx", "m"]
    return [file for kind in order for file in kinds[kind]]

def cgo_imports(importpath, std):
    """What cgo's files import besides what is written.

    Args:
      importpath: of a package with Go files that import "C".
      std: whether it is of std.

    Returns:
      Import paths of packages of std.
    """
    if not std:
        return ["runtime/cgo", "syscall"]
    needs_syscall = importpath not in ("runtime/asan", "runtime/cgo", "runtime/msan", "runtime/race")
    return ([] if importpath == "runtime/cgo" else ["runtime/cgo"]) + (["syscall"] if needs_syscall else [])

def _absolute(flags):
    """The flags of a rule with directories that are right in whichever directory a compiler runs: Bazel's are relative to its own."""
    result, is_directory = [], False
    for flag in flags:
        option = "" if is_directory else [name for name in _DIRECTORIES + [""] if flag.startswith(name)][0]
        directory = flag.removeprefix(option)
        if (is_directory or option) and directory and not directory.startswith("/"):
            directory = "%s/%s" % (CWD, directory)
        result.append(option + directory)
        is_directory = not is_directory and flag in _DIRECTORIES
    return result

def c_flags(source, counts):
    """What attributes and cdeps say, as the go command's flags.

    Args:
      source: struct of copts, cppopts, cxxopts, clinkopts (lists of string) and cdeps (list of CcInfo).
      counts: whether cdeps may count their statements, as they do under `bazel coverage`.

    Returns:
      A struct: cppflags, cflags, cxxflags, ldflags (lists of string), headers and libraries (depsets of File).
    """
    cppflags, ldflags, libraries = [], [], []
    for info in source.cdeps:
        context = info.compilation_context
        cppflags += ["-D" + define for define in context.defines.to_list()]
        for option, directories in [("-I", context.includes), ("-iquote", context.quote_includes), ("-isystem", context.system_includes)]:
            for directory in directories.to_list():
                cppflags += [option, directory]
        for linker_input in info.linking_context.linker_inputs.to_list():
            for library in linker_input.libraries:
                file = library.pic_static_library or library.static_library or library.dynamic_library
                if file:
                    libraries.append(file)
                    ldflags.append(file.path)
            ldflags += linker_input.user_link_flags
    if counts and libraries:
        # The functions that they call for it.
        ldflags.append("--coverage")
    return struct(
        cflags = _absolute(source.copts),
        cppflags = _absolute(cppflags + source.cppopts),
        cxxflags = _absolute(source.cxxopts),
        headers = depset(transitive = [info.compilation_context.headers for info in source.cdeps]),
        ldflags = _absolute(source.clinkopts + ldflags),
        libraries = depset(libraries),
    )

NO_FLAGS = struct(cflags = [], cppflags = [], cxxflags = [], headers = depset(), ldflags = [], libraries = depset())

def recorded_roots(ctx, config, root, recorded):
    """What C compilers record in the place of directories, generated files' too.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      root: the directory that `#cgo` lines are relative to: of the module, or of GOROOT.
      recorded: what stands for it: `module@version`, or `GOROOT`.

    Returns:
      Pairs for `Roots` of cgo/job.go, of which the last one that fits counts.
    """
    to = "\\\\_\\_\\" + recorded.replace("/", "\\") if config.goos == "windows" else "/_/" + recorded
    return [[root, to], ["%s/%s" % (ctx.bin_dir.path, root) if root else ctx.bin_dir.path, to]]

def _run(ctx, config, c, about, mnemonic, arguments, inputs, outputs):
    ctx.actions.run(
        executable = c.cgo,
        arguments = arguments,
        env = config.env | c.env,
        inputs = depset(inputs, transitive = [c.files]),
        outputs = outputs,
        mnemonic = mnemonic,
        progress_message = "%s %s [%s_%s]" % (mnemonic, about, config.goos, config.goarch),
        toolchain = TOOLCHAIN_TYPE,
    )

def _compile(ctx, config, c, package, job, flags, made, headers):
    """Compiles the package's own files, each by an action of its own."""
    objects = []
    for index, source in enumerate(_in_order(config, package.sources)):
        object = ctx.actions.declare_file("%s.cgo/%d_%s.o" % (package.outputs, index, source.basename))
        _run(
            ctx,
            config,
            c,
            "%s (%s)" % (package.importpath, source.basename),
            "GoCc",
            ["compile", job.path, source.path, object.path],
            [job, flags, made, c.known] + headers,
            [object],
        )
        objects.append(object)
    return objects

def run_cgo(ctx, config, c, package):
    """Declares the actions that come before the Go compiler.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      c: GoCInfo.
      package: struct of `outputs` (as of a `go_package`), `importpath`, `std`, `directory` (path of the package), `roots` (see
        `recorded_roots`), `go` (Go files), `split` (whether some of these may not import "C"), `sources` (files for C compilers),
        `headers`, `included` (further files that they may include), `syso` and `flags` (see `c_flags`).

    Returns:
      An immutable struct for `compile_package`: plain (directory of Go files that don't import "C", if these were split), go (what cgo made,
      in the order of compilation), members (the archive's), header (for C, of a main package in a library for C), libraries,
      has_cxx.
    """
    if config.sdk.goos != "linux":
        fail("pure = \"off\" asks for cgo, which this version of rules_go_direct can build on Linux only; leave it out")
    base = package.outputs + ".cgo/"
    made = ctx.actions.declare_directory(base + "made")
    rewritten = ctx.actions.declare_directory(base + "rewritten")
    imported = ctx.actions.declare_directory(base + "imported")
    types = ctx.actions.declare_file(base + "types/_cgo_gotypes.go")
    flags = ctx.actions.declare_file(base + "flags.json")
    members = ctx.actions.declare_file(base + "objects.members")
    plain = ctx.actions.declare_directory(base + "plain") if package.split else None

    # Only a main package exports something, but which one is can be read only in its files.
    header = ctx.actions.declare_file(base + "exported.h") if package.split and config.buildmode in ("c-archive", "c-shared") else None
    job = ctx.actions.declare_file(base + "job.json")
    ctx.actions.write(job, json.encode({
        "Arch": _arch_flags(config),
        "CC": c.cc,
        "CFlags": package.flags.cflags,
        "CPPFlags": package.flags.cppflags,
        "CXX": c.cxx,
        "CXXFlags": package.flags.cxxflags,
        "Cgo": config.sdk.cgo.path,
        "Directory": package.directory,
        "Flags": flags.path,
        "Go": [file.path for file in package.go],
        "Header": header.path if header else "",
        "ImportPath": package.importpath,
        "Imported": imported.path,
        "Known": c.known.path,
        "LDFlags": package.flags.ldflags,
        "Made": made.path,
        "Members": members.path,
        "Minor": config.minor,
        "Plain": plain.path if plain else "",
        "Rewritten": rewritten.path,
        "Roots": package.roots,
        "Sanitizer": config.sanitizer,
        "Sources": [file.path for file in package.sources],
        "Std": package.std,
        "Syso": [file.path for file in package.syso],
        "Tags": config.tags.keys(),
        "Target": c.target,
        "Types": types.path,
    }))

    # C files include others of any name.
    headers = package.headers + package.sources + package.included + package.flags.headers.to_list()
    _run(
        ctx,
        config,
        c,
        package.importpath,
        "GoCgo",
        ["prepare", job.path],
        [job, config.sdk.cgo] + package.go + headers,
        [made, rewritten, types, flags] + [output for output in (plain, header) if output],
    )
    objects = _compile(ctx, config, c, package, job, flags, made, headers)
    _run(
        ctx,
        config,
        c,
        package.importpath,
        "GoCgoLink",
        ["finish", job.path] + [object.path for object in objects],
        [job, flags, made, c.known, config.sdk.cgo] + package.go + objects + package.syso + headers + package.flags.libraries.to_list(),
        [members, imported],
    )
    return struct(
        go = (types, rewritten, imported),
        header = header,
        has_cxx = bool([file for file in package.sources if file.extension in _CXX]),
        libraries = package.flags.libraries,
        members = members,
        plain = plain,
    )
