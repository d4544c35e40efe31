"""The repository of toolchains. Declaring them loads no SDK; resolving one loads that SDK only."""

load(":platforms.bzl", "VARIANTS", "arch_constraint", "os_constraint", "platform_name", "split_port", "variant_constraint")

_TOOLCHAIN = """
toolchain(
    name = "{rank}_{name}",
    exec_compatible_with = {exec_constraints},
    target_compatible_with = {target_constraints},
    target_settings = {settings},
    toolchain = "//toolchains:{name}",
    toolchain_type = "@rules_go_direct//go:toolchain_type",
)
"""

_IMPLEMENTATION = """
go_toolchain(
    name = "{name}",
    goarch = "{goarch}",
    goos = "{goos}",
    sdk = "{sdk}",
    variant = "{variant}",
    visibility = ["//visibility:public"],
)
"""

_MISSING = """
go_missing_toolchain(
    name = "{name}",
    platforms = {platforms},
    visibility = ["//visibility:public"],
)
"""

# An SDK that isn't the default one: by name, or by version where no name is given.
_SETTINGS = """
config_setting(
    name = "name_{name}",
    flag_values = {{"@rules_go_direct//go/toolchain:sdk_name": "{name}"}},
)

config_setting(
    name = "version_of_{name}",
    flag_values = {{
        "@rules_go_direct//go/toolchain:sdk_name": "",
        "@rules_go_direct//go/toolchain:sdk_version": "{version}",
    }},
)
"""

def _constraints(port):
    goos, goarch = split_port(port)
    return [os_constraint(goos), arch_constraint(goarch)]

def _variants(goarch):
    """The variants of an architecture that need a toolchain of their own, then None for the default."""
    table = VARIANTS.get(goarch)
    return [value for value in table.values if value != table.default] + [None] if table else [None]

def _go_toolchain_repo_impl(rctx):
    settings, declarations = {}, []
    implementations = ["load(\"@rules_go_direct//go:toolchain.bzl\", \"go_missing_toolchain\", \"go_toolchain\")\n"]
    for sdk in json.decode(rctx.attr.sdks):
        # Bazel takes the first that matches, in the order of names: an SDK that was asked for by flag, then the default one;
        # a variant before the plain architecture, whose constraints the variant satisfies as well.
        default = sdk["name"] == "default"
        if not default:
            settings[sdk["name"]] = _SETTINGS.format(**sdk)
        asked = [None] if default else ["name_" + sdk["name"], "version_of_" + sdk["name"]]
        for port in rctx.attr.platforms:
            goos, goarch = split_port(port)
            for variant in _variants(goarch):
                name = "%s_%s_on_%s" % (platform_name(goos, goarch, variant), sdk["name"], sdk["platform"].replace("/", "_"))
                for setting in asked:
                    declarations.append(_TOOLCHAIN.format(
                        rank = "%d%s" % ((2 if default else 0) + (0 if variant else 1), "_" + setting if setting else ""),
                        name = name,
                        exec_constraints = _constraints(sdk["platform"]),
                        target_constraints = _constraints(port) + ([variant_constraint(goarch, variant)] if variant else []),
                        settings = [":" + setting] if setting else [],
                    ))
                implementations.append(_IMPLEMENTATION.format(
                    name = name,
                    goarch = goarch,
                    goos = goos,
                    sdk = sdk["label"],
                    variant = variant or "",
                ))

    # For any target, but only where an SDK runs: else it could win over a toolchain on another execution platform.
    for platform in {sdk["platform"]: True for sdk in json.decode(rctx.attr.sdks)}:
        name = "missing_on_" + platform.replace("/", "_")
        declarations.append(_TOOLCHAIN.format(
            rank = 9,
            name = name,
            exec_constraints = _constraints(platform),
            target_constraints = [],
            settings = [],
        ))
        implementations.append(_MISSING.format(name = name, platforms = rctx.attr.platforms))
    rctx.file("BUILD.bazel", "".join(settings.values() + declarations))
    rctx.file("toolchains/BUILD.bazel", "".join(implementations))

go_toolchain_repo = repository_rule(
    implementation = _go_toolchain_repo_impl,
    doc = "Declares a toolchain for each SDK, execution platform and target platform of the lock.",
    attrs = {
        "platforms": attr.string_list(doc = "GOOS/GOARCH pairs to build for."),
        "sdks": attr.string(doc = "JSON: name, version, platform (GOOS/GOARCH of the tools) and label of each `go_sdk`."),
    },
)
