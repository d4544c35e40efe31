"""The recipe of a package: which compiler and assembler actions make its export data and its object archive.

It follows cmd/go/internal/work/gc.go (`gc`, `asm`, `symabis`, `asmArgs`) of Go 1.27. The tools run without a wrapper: PWD=/proc/self/cwd
makes Linux name the directory of any sandbox by the same path, which `-trimpath` then removes.
"""

load(":tools.bzl", "CWD", "PATH_MAPPING", "file_args", "run_tool")

# Packages of std with declarations that runtime implements, so that the compiler must not expect all bodies.
_INCOMPLETE_STD = {
    path: True
    for path in [
        "bytes",
        "internal/poll",
        "net",
        "os",
        "runtime/metrics",
        "runtime/pprof",
        "runtime/trace",
        "sync",
        "syscall",
        "time",
    ]
}

# Not made for fuzzing: what fuzzing itself runs beside the tested code (`skipInstrumentation` in cmd/go/internal/test/test.go).
_NOT_FUZZED = {
    path: True
    for path in [
        "context",
        "internal/fuzz",
        "internal/runtime/maps",
        "internal/sync",
        "reflect",
        "runtime",
        "sync",
        "sync/atomic",
        "syscall",
        "testing",
        "time",
    ]
}

# Since Go 1.24.
_GODEBUG = "internal/godebug"

# Appends members to a Go archive as `go tool pack r` does: the header's name is cut at 16 bytes, times and owners are zero. A file `.members`
# has such members itself.
_PACK = """set -eu
out=$1; shift
cat "$1" > "$out"; shift
for file; do
  case $file in *.members) cat "$file"; continue ;; esac
  size=$(($(wc -c < "$file")))
  printf '%-16.16s%-12d%-6d%-6d%-8s%-10d`\\n' "${file##*/}" 0 0 0 644 "$size"
  cat "$file"
  [ $((size % 2)) = 0 ] || printf '\\0'
done >> "$out"
"""

def _directory(file):
    """The directory that a file is in, or that it is; `.` for the root. In arguments, since paths are those of the action only there."""
    return file.path if file.is_directory else file.dirname or "."

def _rewrite(rewrite):
    directory = _directory(rewrite.within)
    return "%s=>%s" % (CWD if directory == "." else CWD + "/" + directory, rewrite.new)

def trim_path(scratch, sources, new):
    """The value of `-trimpath`: directories of sources become `new`, scratch directories vanish.

    Args:
      scratch: Files in directories that vanish: of the package's outputs, and of what was made for it.
      sources: the source files, or directories of such; there may be several directories, since generated files are below bazel-out.
      new: what stands for their directories in the output.

    Returns:
      Rewrites for the arguments, of which the first that matches applies; the longer directory comes first.
    """
    directories = {_directory(file): file for file in sources}
    longest_first = sorted(directories, key = lambda directory: 0 if directory == "." else len(directory), reverse = True)
    return ([struct(new = "", within = file) for file in scratch] +
            [struct(new = new, within = directories[directory]) for directory in longest_first])

def _add_trim_path(args, trim):
    args.add_joined("-trimpath", trim, map_each = _rewrite, join_with = ";")

def _packagefile(package):
    return "packagefile %s=%s" % (package.importmap, package.x.path)

def _importcfg(ctx, package, imports):
    """The file of `-importcfg`: what the package may import, and where its export data is."""
    args = file_args(ctx, "-importcfg")
    args.add("# import config")
    args.add_all([
        "importmap %s=%s" % (written, path)
        for written, path in sorted(list(package.import_map) + [
            (imported.importpath, imported.importmap)
            for imported in imports
            if imported.importpath != imported.importmap
        ])
    ])
    args.add_all(imports, map_each = _packagefile)
    return args

def _embedded(embedded):
    return "%s: %s" % (json.encode(embedded.name), json.encode(embedded.file.path))

def _embedcfg(ctx, package):
    """The file of `-embedcfg`: what patterns match, and where the files are; and these files."""
    patterns, files = dict(package.embed_patterns), dict(package.embed_files)
    names = sorted({name: True for matches in patterns.values() for name in matches})
    args = file_args(ctx, "-embedcfg")
    args.add('{"Patterns": %s, "Files": {' % json.encode(patterns))
    args.add_joined([struct(file = files[name], name = name) for name in names], map_each = _embedded, join_with = ", ")
    args.add("}}")
    return args, [files[name] for name in names]

def _generic_headers(ctx, config, package):
    """`x_linux_amd64.h` is also there as `x_GOOS_GOARCH.h` for assembly that is shared by platforms; likewise `_GOARCH`, `_GOOS`."""
    suffixes = [
        ("_%s_%s" % (config.goos, config.goarch), "_GOOS_GOARCH"),
        ("_" + config.goarch, "_GOARCH"),
        ("_" + config.goos, "_GOOS"),
    ]
    copies = []
    for header in package.headers:
        stem = header.basename.removesuffix("." + header.extension)
        for suffix, generic in suffixes:
            if stem.endswith(suffix):
                name = "%s%s.%s" % (stem.removesuffix(suffix), generic, header.extension)
                copy = ctx.actions.declare_file(package.outputs + "/" + name)
                ctx.actions.symlink(output = copy, target_file = header)
                copies.append(copy)
                break
    return copies

def _asm_args(ctx, config, package, included, trim):
    args = ctx.actions.args()
    args.add("-p", package.path)
    _add_trim_path(args, trim)
    includes = list(package.asm) + included + [config.sdk.include[0]]
    args.add_all(includes, before_each = "-I", map_each = _directory, uniquify = True)
    for name in config.defines:
        args.add("-D", name)
    if config.codegen:
        args.add(config.codegen)
    if package.std and config.minor >= 27:
        args.add("-std")
    return args

def _symabis(ctx, config, package, headers, trim):
    """What the assembly defines and references; go_asm.h is empty because the compiler, which writes it, needs this first."""
    empty = ctx.actions.declare_file(package.outputs + "/symabis.d/go_asm.h")
    ctx.actions.write(empty, "")
    file = ctx.actions.declare_file(package.outputs + "/symabis")
    args = _asm_args(ctx, config, package, [empty, file], trim)
    args.add("-gensymabis").add("-o", file).add_all(package.asm)
    run_tool(
        ctx,
        config,
        config.sdk.asm,
        [args],
        mnemonic = "GoSymabis",
        about = package.importpath,
        inputs = list(package.asm) + headers + [empty],
        outputs = [file],
    )
    return file

def _assemble(ctx, config, package, headers, go_asm, trim):
    objects = []
    for source in package.asm:
        file = ctx.actions.declare_file("%s/%s.o" % (package.outputs, source.basename.removesuffix(".s")))
        args = _asm_args(ctx, config, package, [go_asm], trim)
        args.add("-o", file).add(source)
        run_tool(
            ctx,
            config,
            config.sdk.asm,
            [args],
            mnemonic = "GoAsm",
            about = "%s (%s)" % (package.importpath, source.basename),
            inputs = [source, go_asm] + headers,
            outputs = [file],
        )
        objects.append(file)
    return objects

def _pack(ctx, package, archive, members):
    file = ctx.actions.declare_file(package.outputs + "/packed.o")
    args = ctx.actions.args()
    args.add(file).add(archive).add_all(members)
    ctx.actions.run_shell(
        command = _PACK,
        arguments = [args],
        inputs = [archive] + members,
        outputs = [file],
        execution_requirements = PATH_MAPPING,
        mnemonic = "GoPack",
        progress_message = "Packing " + package.importpath,
        toolchain = None,
    )
    return file

def _is_for_fuzzing_itself(config, path):
    return path in _NOT_FUZZED or (path == _GODEBUG and config.minor >= 24)

def _by_name(files):
    return sorted(files, key = lambda file: file.basename)

def _immutable(value):
    """Lists and dictionaries as tuples, so that packages can be in a depset."""
    if type(value) == "list":
        return tuple(value)
    if type(value) == "dict":
        return tuple([(key, tuple(item) if type(item) == "list" else item) for key, item in value.items()])
    return value

# All of a `go_package` but its outputs.
_FIELDS = [
    "asm",
    "asm_headers",
    "cgo",
    "cover",
    "embed_files",
    "embed_patterns",
    "fuzzed",
    "go",
    "goopts",
    "headers",
    "import_map",
    "importpath",
    "lang",
    "new",
    "origins",
    "path",
    "std",
    "syso",
    "tests",
]

def go_package(**fields):
    """A package to compile, with defaults for what most packages don't have.

    Args:
      **fields: `outputs` (directory of its outputs, relative to the Bazel package), `importpath`, `path` (the value of `-p`),
        `new` (what stands for its directory in the output), `lang` (language version, `1.N`), `go` (list of File), and those below.

    Returns:
      An immutable struct for `compile_package`: lists are tuples, dictionaries tuples of pairs.
    """
    defaults = {
        "asm": [],
        # Headers of other packages that its assembly includes.
        "asm_headers": [],
        # What `run_cgo` returned, or None.
        "cgo": None,
        # What `cover_package` returned, or None.
        "cover": None,
        # Name relative to the package's directory to File.
        "embed_files": {},
        # Pattern to the names that it matches.
        "embed_patterns": {},
        # Whether it is made for fuzzing, where the configuration is.
        "fuzzed": True,
        "goopts": [],
        "headers": [],
        # Import path as written to import path as compiled.
        "import_map": {},
        # Files that `run_cgo` and `cover_package` had, besides headers: what they made refers to them.
        "origins": [],
        "std": False,
        "syso": [],
        # A directory of Go files that come after the others, or None.
        "tests": None,
    }
    fields = defaults | fields

    # The order of files is part of the output; Go takes them by name.
    fields |= {"asm": _by_name(fields["asm"]), "go": _by_name(fields["go"])}
    return struct(**{name: _immutable(value) for name, value in fields.items()})

def compiled_again(package, outputs):
    """The same package with other outputs.

    Args:
      package: a `go_package`.
      outputs: directory of its outputs, relative to the Bazel package.

    Returns:
      A struct for `compile_package`.
    """
    return struct(outputs = outputs, **{name: getattr(package, name) for name in _FIELDS})

def compile_package(ctx, config, package, imports, explain = None):
    """Declares the actions that compile a package.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      package: a `go_package`.
      imports: list of struct(importpath, importmap, x): the packages that it imports, without `unsafe`.
      explain: see `run_tool`.

    Returns:
      A struct: x (export data, a File), o (object archive, a File).
    """
    x = ctx.actions.declare_file(package.outputs + "/pkg.x")
    o = ctx.actions.declare_file(package.outputs + "/pkg.o")
    cgo = package.cgo
    cover = package.cover
    made = list(cgo.go) if cgo else []
    variables = [cover.variables] if cover else []
    directories = ([cgo.plain] if cgo and cgo.plain else []) + ([package.tests] if package.tests else [])
    trim = trim_path(made + variables + [x], list(package.go + package.asm + package.origins) + directories, package.new)
    sources = variables + list(package.go) + directories + made
    inputs = sources + [imported.x for imported in imports]
    outputs = [x, o]

    args = ctx.actions.args()
    args.add("-o", x).add("-linkobj", o)
    _add_trim_path(args, trim)
    args.add("-p", package.path).add("-lang=go" + package.lang)
    if package.std:
        args.add("-std")
    if not cgo and not package.asm and not package.syso and not (package.std and package.importpath in _INCOMPLETE_STD):
        args.add("-complete")
    if config.goos == "plan9" or config.goarch == "wasm":
        args.add("-dwarf=false")
    args.add("-goversion", config.sdk.goversion)
    if config.codegen:
        args.add(config.codegen)
    if config.sanitizer:
        args.add("-" + config.sanitizer)
    if config.pgo:
        inputs.append(config.pgo.file)
        args.add(config.pgo.file, format = "-pgoprofile=%s")
    members = ([cgo.members] if cgo else []) + list(package.syso)
    if package.asm:
        headers = list(package.headers + package.asm_headers) + config.sdk.include + _generic_headers(ctx, config, package)
        symabis = _symabis(ctx, config, package, headers, trim)
        go_asm = ctx.actions.declare_file(package.outputs + "/go_asm.h")
        inputs.append(symabis)
        outputs.append(go_asm)
        args.add("-symabis", symabis).add("-asmhdr", go_asm)
        members = _assemble(ctx, config, package, headers, go_asm, trim) + members
    args.add_all([] if package.std else config.goopts).add_all(package.goopts)
    if config.fuzz and package.fuzzed and not _is_for_fuzzing_itself(config, package.importpath):
        args.add("-d=libfuzzer")
    args.add("-nolocalimports")
    if cover:
        inputs.append(cover.config)
        args.add(cover.config, format = "-coveragecfg=%s")
    parts = [args, _importcfg(ctx, package, imports)]
    if package.embed_patterns:
        embedcfg, files = _embedcfg(ctx, package)
        inputs += files
        parts.append(embedcfg)
    last = ctx.actions.args()
    last.add_all(sources)
    run_tool(
        ctx,
        config,
        config.sdk.compile,
        parts + [last],
        mnemonic = "GoCompile",
        about = package.importpath,
        inputs = inputs,
        outputs = outputs,
        explain = explain,
        # What cgo and the cover tool made says where it is.
        maps_paths = not cgo and not cover,
    )

    return struct(x = x, o = _pack(ctx, package, o, members) if members else o)
