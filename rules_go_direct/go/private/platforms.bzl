"""The platforms of Go: ports, architecture variants, and the Bazel constraints that stand for them.

The tables follow internal/platform/zosarch.go, internal/syslist and internal/buildcfg/cfg.go of Go 1.27.
"""

# Every GOOS/GOARCH pair that Go has a port to.
PORTS = [
    "aix/ppc64",
    "android/386",
    "android/amd64",
    "android/arm",
    "android/arm64",
    "darwin/amd64",
    "darwin/arm64",
    "dragonfly/amd64",
    "freebsd/386",
    "freebsd/amd64",
    "freebsd/arm",
    "freebsd/arm64",
    "freebsd/riscv64",
    "illumos/amd64",
    "ios/amd64",
    "ios/arm64",
    "js/wasm",
    "linux/386",
    "linux/amd64",
    "linux/arm",
    "linux/arm64",
    "linux/loong64",
    "linux/mips",
    "linux/mips64",
    "linux/mips64le",
    "linux/mipsle",
    "linux/ppc64",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
    "netbsd/386",
    "netbsd/amd64",
    "netbsd/arm",
    "netbsd/arm64",
    "openbsd/386",
    "openbsd/amd64",
    "openbsd/arm",
    "openbsd/arm64",
    "openbsd/ppc64",
    "openbsd/riscv64",
    "plan9/386",
    "plan9/amd64",
    "plan9/arm",
    "solaris/amd64",
    "wasip1/wasm",
    "windows/386",
    "windows/amd64",
    "windows/arm64",
]

# Names that constrain a file when they end its stem: reserved ones too, so that no file changes its meaning with a new port.
KNOWN_OS = {
    "aix": True,
    "android": True,
    "darwin": True,
    "dragonfly": True,
    "freebsd": True,
    "hurd": True,
    "illumos": True,
    "ios": True,
    "js": True,
    "linux": True,
    "nacl": True,
    "netbsd": True,
    "openbsd": True,
    "plan9": True,
    "solaris": True,
    "wasip1": True,
    "windows": True,
    "zos": True,
}

KNOWN_ARCH = {
    "386": True,
    "amd64": True,
    "amd64p32": True,
    "arm": True,
    "armbe": True,
    "arm64": True,
    "arm64be": True,
    "loong64": True,
    "mips": True,
    "mipsle": True,
    "mips64": True,
    "mips64le": True,
    "mips64p32": True,
    "mips64p32le": True,
    "ppc": True,
    "ppc64": True,
    "ppc64le": True,
    "riscv": True,
    "riscv64": True,
    "s390": True,
    "s390x": True,
    "sparc": True,
    "sparc64": True,
    "wasm": True,
}

# Operating systems that satisfy the tag `unix`.
UNIX_OS = {
    "aix": True,
    "android": True,
    "darwin": True,
    "dragonfly": True,
    "freebsd": True,
    "hurd": True,
    "illumos": True,
    "ios": True,
    "linux": True,
    "netbsd": True,
    "openbsd": True,
    "solaris": True,
}

def _variants(variable, default, values):
    return struct(variable = variable, default = default, values = values)

_MIPS = ["hardfloat", "softfloat"]
_POWER = ["power8", "power9", "power10"]

# By GOARCH: the variable that selects a variant, its default, and its values from the least to the most capable.
VARIANTS = {
    "386": _variants("GO386", "sse2", ["sse2", "softfloat"]),
    "amd64": _variants("GOAMD64", "v1", ["v1", "v2", "v3", "v4"]),
    "arm": _variants("GOARM", "7", ["5", "6", "7"]),
    "arm64": _variants("GOARM64", "v8.0", ["v8.%d" % i for i in range(10)] + ["v9.%d" % i for i in range(6)]),
    "mips": _variants("GOMIPS", "hardfloat", _MIPS),
    "mips64": _variants("GOMIPS64", "hardfloat", _MIPS),
    "mips64le": _variants("GOMIPS64", "hardfloat", _MIPS),
    "mipsle": _variants("GOMIPS", "hardfloat", _MIPS),
    "ppc64": _variants("GOPPC64", "power8", _POWER),
    "ppc64le": _variants("GOPPC64", "power8", _POWER),
    "riscv64": _variants("GORISCV64", "rva20u64", ["rva20u64", "rva22u64", "rva23u64"]),
}

# GOOS values that the `platforms` module has no constraint value for; //go/toolchain declares them.
OWN_OS = ["aix", "dragonfly", "illumos", "js", "plan9", "solaris"]

# GOARCH values likewise.
OWN_ARCH = ["loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64"]

_OS = {
    "darwin": "macos",
    "wasip1": "wasi",
}

_ARCH = {
    "386": "x86_32",
    "amd64": "x86_64",
    "arm": "armv7",
    "wasm": "wasm32",
}

def os_constraint(goos):
    """The label of the constraint value for a GOOS.

    Args:
      goos: GOOS.

    Returns:
      A string that is a label in this module's repositories.
    """
    if goos in OWN_OS:
        return "@rules_go_direct//go/toolchain:" + goos
    return "@platforms//os:" + _OS.get(goos, goos)

def arch_constraint(goarch):
    """The label of the constraint value for a GOARCH.

    Args:
      goarch: GOARCH.

    Returns:
      A string that is a label in this module's repositories.
    """
    if goarch in OWN_ARCH:
        return "@rules_go_direct//go/toolchain:" + goarch
    return "@platforms//cpu:" + _ARCH.get(goarch, "aarch64" if goarch == "arm64" else goarch)

def variant_constraint(goarch, variant):
    """The label of the constraint value for an architecture's variant.

    Args:
      goarch: GOARCH.
      variant: e.g. `v3`.

    Returns:
      A string that is a label in this module's repositories, e.g. `@rules_go_direct//go/constraints/amd64:v3`.
    """
    return "@rules_go_direct//go/constraints/%s:%s" % (goarch, variant)

def platform_name(goos, goarch, variant = None):
    """The name of a platform, e.g. `linux_amd64`, `linux_amd64_v3`, `linux_arm64_v8_2`.

    Args:
      goos: GOOS.
      goarch: GOARCH.
      variant: the variant; None and the default give the same name.

    Returns:
      The name.
    """
    name = "%s_%s" % (goos, goarch)
    if variant and variant != VARIANTS[goarch].default:
        name += "_" + variant.replace(".", "_")
    return name

def split_port(port):
    """Splits `linux/amd64`, refusing what Go has no port to.

    Args:
      port: GOOS/GOARCH.

    Returns:
      GOOS and GOARCH.
    """
    if port not in PORTS:
        fail("go has no port to `%s`; it has %s" % (port, ", ".join(PORTS)))
    goos, _, goarch = port.partition("/")
    return goos, goarch
