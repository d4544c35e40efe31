"""Providers that the rules hand to each other."""

GoSdkInfo = provider(
    doc = "An unpacked Go SDK whose tools run on one execution platform.",
    fields = {
        "asm": "File: the assembler.",
        "cgo": "File: the tool that reads C code of Go files.",
        "compile": "File: the compiler.",
        "cover": "File: the tool that makes a package count its statements.",
        "experiments": "dict: GOOS/GOARCH to the list of GOEXPERIMENT flags that are on by default.",
        "goexperiment": "string: GOEXPERIMENT that it was built with; empty for a release.",
        "goos": "string: GOOS of the platform that its tools run on.",
        "goversion": "string: what its tools call their version, e.g. `go1.27.3`.",
        "include": "list of File: GOROOT/pkg/include.",
        "link": "File: the linker.",
        "name": "string: the name that the spec gives it; `default` without one.",
        "packages": "dict: import path of each package of std to its record in the lock.",
        "preprofile": "File: the tool that prepares profiles for the compiler; None before Go 1.23, whose compiler reads them itself.",
        "sources": "dict: path below GOROOT/src to File, for all files in the records.",
        "version": "string: its version, e.g. `1.27.3`.",
        "zoneinfo": "File: lib/time/zoneinfo.zip; None without it.",
    },
)

GoConfigInfo = provider(
    doc = "How packages are built for one target platform; the toolchain's `go` field.",
    fields = {
        "buildmode": "string: what build information calls the mode of the link.",
        "cgo": "bool: whether packages may use cgo.",
        "codegen": "string: the flag for position-independent code, `-shared` or `-dynlink`, or nothing.",
        "cover_format": "string: what a test writes under `bazel coverage`: `lcov` or `go_cover`.",
        "cover_mode": "string: how statements are counted under `bazel coverage`: `set`, `count` or `atomic`.",
        "defines": "list of string: the assembler's `-D` names.",
        "env": "dict: the whole environment of the tools, besides PWD.",
        "experiments": "list of string: GOEXPERIMENT flags that are on.",
        "fuzz": "bool: whether packages are compiled so that fuzzing sees which code an input reaches.",
        "goarch": "string: GOARCH of the target platform.",
        "goexperiment": "string: GOEXPERIMENT, as build information has it.",
        "gofips140": "string: GOFIPS140; `off` for none.",
        "goopts": "list of string: the compiler's flags for all packages besides std.",
        "goos": "string: GOOS of the target platform.",
        "linkmode": "string: the linker's `-buildmode`: `exe`, `pie`, `c-archive`, `c-shared` or `plugin`.",
        "linkopts": "list of string: the linker's flags.",
        "minor": "int: N of the SDK's version 1.N.",
        "pgo": "struct of file (File: the profile that guides optimisation, as the compiler reads it) and name (that of the original); None without one.",
        "sanitizer": "string: what is compiled in to find mistakes in the use of memory: `race`, `msan`, `asan`, or nothing.",
        "sdk": "GoSdkInfo: the SDK that builds.",
        "static": "bool: whether C libraries are linked into programs.",
        "tags": "dict: the satisfied build tags.",
        "user_tags": "list of string: those of `-tags`, as modinfo has them.",
        "variant": "string: value of GOAMD64 or its like; empty where the architecture has none.",
        "variant_variable": "string: GOAMD64 or its like; empty where the architecture has none.",
    },
)

GoCInfo = provider(
    doc = "The C toolchain of a configuration with cgo.",
    fields = {
        "ar": "string: what makes static libraries.",
        "cc": "string: the C compiler; empty in a configuration without cgo.",
        "cgo": "FilesToRunProvider: the ruleset's program that does for C code what the go command does.",
        "cxx": "string: the C++ compiler.",
        "env": "dict: the environment of what runs compilers, besides that of Go's tools.",
        "features": "FeatureConfiguration of the toolchain.",
        "files": "depset of File: what compilers and linkers need.",
        "known": "File: which flags the compilers know, for that program.",
        "target": "list of string: flags that say what is compiled for.",
        "toolchain": "CcToolchainInfo; None in a configuration without cgo.",
    },
)

GoCoverInfo = provider(
    doc = "What makes packages count their statements.",
    fields = {
        "program": "FilesToRunProvider: the ruleset's program that runs the SDK's cover tool; None but under `bazel coverage`.",
    },
)

GoStdInfo = provider(
    doc = "The compiled packages of the standard library; nothing is built until it is needed.",
    fields = {
        "packages": "dict: import path to struct(importmap, importpath, x, o, plain, imports), for the packages that this configuration has; plain is the object archive that " +
                    "isn't made for fuzzing.",
    },
)

GoModuleInfo = provider(
    doc = "What a Go module is called in a binary's build information.",
    fields = {
        "go": "string: the go line of its go.mod; `1.16` if there is none.",
        "path": "string: its path, by which packages are imported.",
        "replace_path": "string: path of the module that replaces it; empty without one.",
        "replace_sum": "string: h1 hash of the replacement; empty for a directory.",
        "replace_version": "string: version of the replacement; empty for a directory.",
        "root": "string: the Bazel package of its root directory.",
        "sum": "string: h1 hash as in go.sum; empty for a main module.",
        "vendored": "bool: whether its files are in the vendor directory.",
        "version": "string: its version; empty for a main module.",
    },
)

GoPackageInfo = provider(
    doc = "A Go package, compiled or with the reason why it can't be.",
    fields = {
        "cgo": "struct: what `run_cgo` returned; None without C code.",
        "compiled": "depset of struct(importmap, importpath, package, x): how the package and all that it needs besides std were compiled, with " +
                    "export data; for tests, which compile some again.",
        "cover": "struct: what `cover_package` returned; None where its statements aren't counted.",
        "error": "string: why the package can't be built in this configuration; empty if it can. Matters only to who imports it.",
        "importmap": "string: what it is compiled as, and linked by: the import path, if no rule says otherwise.",
        "importpath": "string: import path, as importers write it.",
        "needs_cgo": "bool: whether the error is that this configuration has no cgo, which the package or one that it imports needs.",
        "o": "File: object archive, for the linker.",
        "source": "struct of what `embed` merges: srcs, embedded (those that came by `embed`), constraints, counted (those whose statements are counted), embedsrcs (name to File), embed_patterns, deps, " +
                  "std_imports, goopts, runfiles, module, x_defs, and for C code cgo, copts, cppopts, cxxopts, clinkopts, cdeps. None for packages of locked modules, which can't be embedded.",
        "transitive": "depset of struct(cgo, counted, deps, importmap, label, o, module, std_imports, variables): the package and all that it needs besides " +
                      "std; counted are the files whose statements are counted, as pairs of the name in profiles and the path, " +
                      "deps the importmaps of those that it imports itself, variables what the linker sets, as pairs.",
        "x": "File: export data, for dependents.",
    },
)
