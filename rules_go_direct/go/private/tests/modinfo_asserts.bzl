"""Asserts about build information; the expectations are what `go version -m` of Go 1.27 reads from a binary."""

load("//go/private:modinfo.bzl", "build_info", "importcfg_line")
load("//go/private:providers.bzl", "GoModuleInfo")

def _module(path, version = "", sum = "", replace_path = "", replace_version = "", replace_sum = ""):
    return GoModuleInfo(
        path = path,
        version = version,
        sum = sum,
        go = "1.27",
        replace_path = replace_path,
        replace_version = replace_version,
        replace_sum = replace_sum,
    )

_WANT = """path\texample.com/m/cmd
mod\texample.com/m\t(devel)\t
dep\ta.org/a\tv1.0.0\th1:a=
dep\ta.org/b\tv1.2.0
=>\ta.org/fork\tv1.3.0\th1:f=

dep\ta.org/c\tv0.0.0
=>\t./c\t(devel)\t

build\t-buildmode=exe
build\t-compiler=gc
build\t-gcflags="-N -l"
build\t-msan=true
build\t-tags=netgo,purego
build\t-trimpath=true
build\tDefaultGODEBUG=panicnil=1
build\tCGO_ENABLED=0
build\tGOARCH=amd64
build\tGOEXPERIMENT=arenas,nodwarf5
build\tGOOS=linux
build\tGOAMD64=v1
"""

def _modinfo_asserts_impl(_ctx):
    main = _module("example.com/m")
    modules = [
        _module("a.org/c", "v0.0.0", replace_path = "./c"),
        _module("a.org/b", "v1.2.0", replace_path = "a.org/fork", replace_version = "v1.3.0", replace_sum = "h1:f="),
        main,
        _module("a.org/a", "v1.0.0", "h1:a="),
        _module("a.org/a", "v1.0.0", "h1:a="),
    ]
    config = struct(
        buildmode = "exe",
        cgo = False,
        goarch = "amd64",
        goexperiment = "arenas,nodwarf5",
        gofips140 = "off",
        goos = "linux",
        sanitizer = "msan",
        pgo = None,
        user_tags = ["netgo", "purego"],
        variant = "v1",
        variant_variable = "GOAMD64",
    )
    got = build_info(config, "example.com/m/cmd", main, modules, "panicnil=1", ["-N", "-l"])
    if got != _WANT:
        fail("build_info gave\n%s" % got)
    line = importcfg_line("a\t\"b\"\n")
    if not line.startswith("modinfo \"\\x30\\x77") or "\\xe6a\\t\\\"b\\\"\\n\\xf9" not in line or "\n" in line:
        fail("importcfg_line gave %s" % line)

modinfo_asserts = rule(
    implementation = _modinfo_asserts_impl,
    doc = "Fails when build information differs from cmd/go's.",
)
