"""Build settings: the flags `--@rules_go_direct//go/config:…`."""

GoSettingInfo = provider(
    doc = "The value of a build setting.",
    fields = {"value": "The value: a string, or a list of strings."},
)

def _setting_impl(ctx):
    return [GoSettingInfo(value = ctx.build_setting_value)]

def _tags_impl(ctx):
    # `--…:tags=` gives one empty tag.
    return [GoSettingInfo(value = [tag for tag in ctx.build_setting_value if tag])]

go_string_setting = rule(
    implementation = _setting_impl,
    doc = "A string that can be set on the command line.",
    build_setting = config.string(flag = True),
)

go_tags_setting = rule(
    implementation = _tags_impl,
    doc = "A comma-separated list of build tags that can be set on the command line.",
    build_setting = config.string_list(flag = True),
)
