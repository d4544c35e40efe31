"""Asserts about build constraints; the expectations are go/build's."""

load("//go/private:constraint.bzl", "evaluate", "file_name_matches", "minor_of", "satisfied_tags")
load("//go/private:records.bzl", "choose_files")

_LINUX = satisfied_tags("linux", "amd64", "v2", 27, ["regabiargs"], ["netgo"])

# Expression to what it is on linux/amd64, GOAMD64=v2, Go 1.27, with -tags=netgo.
_EXPRESSIONS = {
    "": True,
    "!!linux": True,
    "!(linux && amd64)": False,
    "!cgo": True,
    "!cgo && !linux || amd64": True,
    "!linux || !(arm64 || amd64 && v)": True,
    "!windows && (linux && !(arm64 || (amd64 && cgo)))": True,
    "(((linux)))": True,
    "amd64.v2": True,
    "amd64.v3": False,
    "arm64 || amd64 && !linux": False,
    "arm64||amd64&&linux": True,
    "gc && go1.27": True,
    "go1.28": False,
    "goexperiment.regabiargs && !goexperiment.arenas": True,
    "linux": True,
    "netgo": True,
    "unix": True,
    "windows && linux || amd64": True,
    "windows && (linux || amd64)": False,
    "windows || linux && amd64 || darwin": True,
}

_NAMES = {
    "a.go": True,
    "a_amd64.s": True,
    "a_linux.go": True,
    "a_linux.v2_windows.go": True,
    "a_linux_amd64.go": True,
    "a_linux_arm64.go": False,
    "a_linux_test.go": True,
    "a_unix.go": True,
    "a_windows.go": False,
    "a_windows_amd64.go": False,
    "a_windows_test.go": False,
    "a_zos.go": False,
    "linux.go": True,
    "windows.go": True,
    "windows_linux.go": True,
}

# Platform to some tags with whether they are satisfied.
_TAGS = {
    ("android", "arm64", "v9.1"): {"android": True, "arm64.v8.6": True, "arm64.v8.7": False, "arm64.v9.1": True, "linux": True, "unix": True},
    ("illumos", "amd64", "v1"): {"amd64.v1": True, "amd64.v2": False, "solaris": True},
    ("ios", "arm64", "v8.0"): {"arm64.v8.0": True, "arm64.v8.1": False, "darwin": True, "ios": True},
    ("js", "wasm", ""): {"unix": False, "wasm.satconv": True, "wasm.signext": True},
    ("linux", "386", "softfloat"): {"386.sse2": False, "386.softfloat": True},
    ("linux", "arm", "6"): {"arm.5": True, "arm.6": True, "arm.7": False},
    ("linux", "loong64", ""): {"linux": True, "loong64": True},
    ("linux", "ppc64le", "power9"): {"ppc64le.power10": False, "ppc64le.power8": True, "ppc64le.power9": True},
    ("linux", "riscv64", "rva22u64"): {"riscv64.rva20u64": True, "riscv64.rva22u64": True, "riscv64.rva23u64": False},
    ("windows", "amd64", "v1"): {"unix": False, "windows": True},
}

_RECORD = {
    "groups": [
        {"embed": {"t/*": ["t/a"]}, "go": ["b.go", "a.go"], "imports": ["C", "fmt", "unsafe"]},
        {"asm": ["a.s"], "go": ["l.go"], "headers": ["a.h"], "if": "linux && !purego", "imports": ["fmt", "os"]},
        {"c": ["x.c"], "cgo": ["c.go"], "if": "cgo", "imports": ["net"]},
        {"c": ["c.c"], "go": ["w.go"], "if": "windows", "imports": ["syscall"]},
    ],
    "name": "a",
}

_CHOSEN = struct(
    asm = ["a.s"],
    c = [],
    cgo = [],
    embed = {"t/*": ["t/a"]},
    go = ["a.go", "b.go", "l.go"],
    headers = ["a.h"],
    imports = ["fmt", "os"],
    syso = [],
)

_CHOSEN_WITH_CGO = struct(
    asm = ["a.s"],
    c = ["x.c"],
    cgo = ["c.go"],
    embed = {"t/*": ["t/a"]},
    go = ["a.go", "b.go", "l.go"],
    headers = ["a.h"],
    imports = ["fmt", "net", "os"],
    syso = [],
)

def _constraint_asserts_impl(_ctx):
    wrong = []
    for expression, want in _EXPRESSIONS.items():
        if evaluate(expression, _LINUX) != want:
            wrong.append("evaluate(%r) is not %s" % (expression, want))
    for name, want in _NAMES.items():
        if file_name_matches(name, _LINUX) != want:
            wrong.append("file_name_matches(%r) is not %s" % (name, want))
    for (goos, goarch, variant), tags in _TAGS.items():
        satisfied = satisfied_tags(goos, goarch, variant, 27)
        wrong.extend(["%s/%s/%s: tag %s is not %s" % (goos, goarch, variant, tag, want) for tag, want in tags.items() if (tag in satisfied) != want])
    for version, want in {"1.20": 20, "1.27.3": 27, "1.27.3-custom": 27, "1.28rc1": 28}.items():
        if minor_of(version) != want:
            wrong.append("minor_of(%r) is not %d" % (version, want))
    for tags, want in [(_LINUX, _CHOSEN), (_LINUX | {"cgo": True}, _CHOSEN_WITH_CGO)]:
        if choose_files(_RECORD, tags) != want:
            wrong.append("choose_files gave %s" % choose_files(_RECORD, tags))
    if wrong:
        fail("\n".join(wrong))

constraint_asserts = rule(
    implementation = _constraint_asserts_impl,
    doc = "Fails when a build constraint is evaluated otherwise than go/build does.",
)
