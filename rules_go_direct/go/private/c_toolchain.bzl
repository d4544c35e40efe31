"""The C toolchain that packages with cgo are compiled by: the one that Bazel finds for the target platform."""

load("@rules_cc//cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME", "CPP_LINK_STATIC_LIBRARY_ACTION_NAME", "C_COMPILE_ACTION_NAME")
load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load(":providers.bzl", "GoCInfo")

# Where compilers look for the programs that they run.
_PATH = "/bin:/usr/bin:/usr/local/bin"

# Flags of a toolchain that say what is compiled for, and where the system is that is compiled against. They have a value, after `=` or
# as the next word. Everything else is as the go command has it.
_TARGET_FLAGS = ["--gcc-toolchain", "--sysroot", "--target", "-isysroot", "-target"]

def _target_flags(flags):
    """Those of _TARGET_FLAGS with their values."""
    found, is_value = [], False
    for flag in flags:
        name = flag.partition("=")[0]
        if is_value or name in _TARGET_FLAGS:
            found.append(flag)
        is_value = not is_value and flag in _TARGET_FLAGS
    return found

def _cxx_program(program):
    """The driver that links C++, which toolchains don't name: they compile by one program and add libraries themselves."""
    directory, slash, name = program.rpartition("/")
    for c, cxx in [("clang", "clang++"), ("gcc", "g++")]:
        if name == c or name.startswith(c + "-") or name.endswith("-" + c) or "-%s-" % c in name:
            return directory + slash + name.replace(c, cxx)
    return program

def _go_c_toolchain_impl(ctx):
    toolchain = find_cc_toolchain(ctx, mandatory = False)
    if not toolchain:
        fail("pure = \"off\" asks for cgo, but no C toolchain is registered for the platform %s; register one, or leave pure out" %
             ctx.fragments.platform.platform)
    features = cc_common.configure_features(ctx = ctx, cc_toolchain = toolchain)

    def program(action):
        return cc_common.get_tool_for_action(action_name = action, feature_configuration = features)

    variables = cc_common.create_compile_variables(cc_toolchain = toolchain, feature_configuration = features)
    target = _target_flags(cc_common.get_memory_inefficient_command_line(
        action_name = C_COMPILE_ACTION_NAME,
        feature_configuration = features,
        variables = variables,
    ))
    if toolchain.sysroot and not [flag for flag in target if flag.startswith("--sysroot")]:
        target.append("--sysroot=" + toolchain.sysroot)
    cc, cxx = program(C_COMPILE_ACTION_NAME), program(CPP_COMPILE_ACTION_NAME)
    cxx = _cxx_program(cc) if cxx == cc else cxx
    env = {"LC_ALL": "C", "PATH": _PATH, "TERM": "dumb"}
    known = ctx.actions.declare_file(ctx.label.name + ".json")
    args = ctx.actions.args()
    args.add("probe").add(known).add(cc).add(cxx).add_all(target)
    ctx.actions.run(
        executable = ctx.executable._cgo,
        arguments = [args],
        env = env,
        inputs = toolchain.all_files,
        outputs = [known],
        mnemonic = "GoCgoProbe",
        progress_message = "Trying out flags of " + cc,
    )
    return [GoCInfo(
        ar = program(CPP_LINK_STATIC_LIBRARY_ACTION_NAME),
        cc = cc,
        cgo = ctx.attr._cgo[DefaultInfo].files_to_run,
        cxx = cxx,
        env = env,
        features = features,
        files = toolchain.all_files,
        known = known,
        target = target,
        toolchain = toolchain,
    )]

go_c_toolchain = rule(
    implementation = _go_c_toolchain_impl,
    doc = "The C toolchain of Bazel for the target platform, as far as cgo needs to know it.",
    attrs = {"_cgo": attr.label(default = "//go/private/cgo", executable = True, cfg = "exec")},
    fragments = ["cpp", "platform"],
    provides = [GoCInfo],
    toolchains = use_cc_toolchain(mandatory = False),
)

def _go_no_c_toolchain_impl(_ctx):
    return [GoCInfo(
        ar = "",
        cc = "",
        cgo = None,
        cxx = "",
        env = {},
        features = None,
        files = depset(),
        known = None,
        target = [],
        toolchain = None,
    )]

go_no_c_toolchain = rule(
    implementation = _go_no_c_toolchain_impl,
    doc = "Stands for the C toolchain where there is no cgo.",
    provides = [GoCInfo],
)
