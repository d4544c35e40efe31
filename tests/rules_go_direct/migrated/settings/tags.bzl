"""A rule with a transition on rules_go's flags."""

_TAGS = "@rules_go//go/config:tags"
_PURE = "@rules_go//go/config:pure"

def _tagged_impl(_settings, _attr):
    return {_PURE: True, _TAGS: ["tagged"]}

_tagged = transition(
    implementation = _tagged_impl,
    inputs = [],
    outputs = [_PURE, _TAGS],
)

def _tagged_file_impl(ctx):
    return [DefaultInfo(files = depset(ctx.files.target))]

tagged_file = rule(
    implementation = _tagged_file_impl,
    doc = "The files of a target that is built with the tag `tagged`.",
    attrs = {
        "target": attr.label(cfg = _tagged, doc = "The target."),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
    },
)
