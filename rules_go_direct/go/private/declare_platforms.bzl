"""The targets of //go/platform."""

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
    "variant_name",
)

def declare_platforms(name):
    """Declares constraint values, `platform`s and `config_setting`s for all ports and variants of Go.

    Args:
      name: unused; the names of the targets follow from the table.
    """
    _ = name  # @unused
    for goos in OWN_OS:
        native.constraint_value(name = "os_" + goos, constraint_setting = "@platforms//os:os")
    for goarch in OWN_ARCH:
        native.constraint_value(name = "cpu_" + goarch, constraint_setting = "@platforms//cpu:cpu")
    for goarch, table in VARIANTS.items():
        native.constraint_setting(name = "go" + goarch)
        for value in table.values:
            native.constraint_value(name = variant_name(goarch, value), constraint_setting = ":go" + goarch)

    oses, arches = {}, {}
    for port in PORTS:
        goos, goarch = split_port(port)
        oses[goos], arches[goarch] = True, True
        base = [os_constraint(goos), arch_constraint(goarch)]
        native.platform(name = platform_name(goos, goarch), constraint_values = base)
        native.config_setting(name = "is_" + platform_name(goos, goarch), constraint_values = base)
        table = VARIANTS.get(goarch)
        for value in table.values if table else []:
            if value != table.default:
                native.platform(
                    name = platform_name(goos, goarch, value),
                    constraint_values = base + [variant_constraint(goarch, value)],
                )
    for goos in oses:
        native.config_setting(name = "is_" + goos, constraint_values = [os_constraint(goos)])
    for goarch in arches:
        native.config_setting(name = "is_" + goarch, constraint_values = [arch_constraint(goarch)])
