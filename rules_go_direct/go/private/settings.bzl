"""Build settings: the flags `--@rules_go_direct//go/config:…`."""

GoSettingInfo = provider(
    doc = "The value of a build setting.",
    fields = {"value": "The value: a string, a list of strings, or a bool."},
)

def _setting_impl(ctx):
    return [GoSettingInfo(value = ctx.build_setting_value)]

def _list_impl(ctx):
    # `--…:tags=` gives one empty item.
    return [GoSettingInfo(value = [item for item in ctx.build_setting_value if item])]

def _value_impl(ctx):
    return [GoSettingInfo(value = ctx.attr.value)]

go_value = rule(
    implementation = _value_impl,
    doc = "What follows from Bazel's own flags, by `select`.",
    attrs = {"value": attr.bool(mandatory = True, doc = "The value.")},
)

go_string_setting = rule(
    implementation = _setting_impl,
    doc = "A string that can be set on the command line.",
    build_setting = config.string(flag = True),
)

go_bool_setting = rule(
    implementation = _setting_impl,
    doc = "Yes or no, which can be set on the command line.",
    build_setting = config.bool(flag = True),
)

go_list_setting = rule(
    implementation = _list_impl,
    doc = "A list that can be set on the command line, with commas between.",
    build_setting = config.string_list(flag = True),
)
