"""The targets of //go/toolchain, //go/platform and //go/constraints. Their labels are those of rules_go."""

load(
    ":platforms.bzl",
    "OWN_ARCH",
    "OWN_OS",
    "PORTS",
    "VARIANTS",
    "arch_constraint",
    "os_constraint",
    "platform_name",
    "split_port",
    "variant_constraint",
)

def _constraints(goos, goarch, variant):
    return [os_constraint(goos), arch_constraint(goarch)] + ([variant_constraint(goarch, variant)] if variant else [])

def _platforms():
    """Name and constraints of each port, and of each of its variants but the default, which is the port itself."""
    found = {}
    for port in PORTS:
        goos, goarch = split_port(port)
        table = VARIANTS.get(goarch)
        for variant in [None] + [value for value in (table.values if table else []) if value != table.default]:
            found[platform_name(goos, goarch, variant)] = _constraints(goos, goarch, variant)
    return found

def _parts():
    """The constraints of each GOOS and each GOARCH."""
    oses, arches = {}, {}
    for port in PORTS:
        goos, goarch = split_port(port)
        oses[goos] = os_constraint(goos)
        arches[goarch] = arch_constraint(goarch)
    return oses, arches

def declare_platforms(name):
    """Declares a `platform` for each port and variant, and a constraint value for each GOOS and GOARCH.

    Args:
      name: unused; the names of the targets follow from the table.
    """
    _ = name  # @unused
    oses, arches = _parts()
    for goos, constraint in oses.items():
        if goos in OWN_OS:
            native.constraint_value(name = goos, constraint_setting = "@platforms//os:os")
        else:
            native.alias(name = goos, actual = constraint)
    for goarch, constraint in arches.items():
        if goarch in OWN_ARCH:
            native.constraint_value(name = goarch, constraint_setting = "@platforms//cpu:cpu")
        else:
            native.alias(name = goarch, actual = constraint)
    for platform, constraints in _platforms().items():
        native.platform(name = platform, constraint_values = constraints)

def declare_config_settings(name):
    """Declares a `config_setting` for each GOOS, GOARCH, port and variant.

    Where several hold, `select` takes the one with more constraints: `linux_amd64_v3` before `linux_amd64` before `linux`.

    Args:
      name: unused; the names of the targets follow from the table.
    """
    _ = name  # @unused
    oses, arches = _parts()
    for part, constraint in (oses | arches).items():
        native.config_setting(name = part, constraint_values = [constraint])
    for platform, constraints in _platforms().items():
        native.config_setting(name = platform, constraint_values = constraints)

def declare_variants(name):
    """Declares the constraint setting of an architecture's variants, with its values.

    Args:
      name: GOARCH, which is also the name of the setting.
    """
    native.constraint_setting(name = name)
    for value in VARIANTS[name].values:
        native.constraint_value(name = value, constraint_setting = ":" + name)
