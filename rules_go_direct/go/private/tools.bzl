"""Running the SDK's tools."""

TOOLCHAIN_TYPE = Label("//go:toolchain_type")

# The execution root by a name that is the same in every sandbox and on every machine.
CWD = "/proc/self/cwd"

# Elsewhere the directory is known only when the action runs: a shell puts it in the place of CWD.
_RUN_ELSEWHERE = """tool=$1; shift; exec "$tool" "${@//\\/proc\\/self\\/cwd/$PWD}"
"""

def run_tool(ctx, config, tool, args, mnemonic, about, inputs, outputs, env = {}):
    """Declares an action that runs one of the SDK's tools, with nothing of the machine in its environment.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      tool: the executable, a File.
      args: ctx.actions.args().
      mnemonic: e.g. `GoCompile`.
      about: what the action works on, for the progress message.
      inputs: list of File.
      outputs: list of File.
      env: further environment variables.
    """
    common = {
        "inputs": inputs,
        "mnemonic": mnemonic,
        "outputs": outputs,
        "progress_message": "%s %s [%s_%s]" % (mnemonic, about, config.goos, config.goarch),
        "toolchain": TOOLCHAIN_TYPE,
    }
    if config.sdk.goos == "linux":
        ctx.actions.run(executable = tool, arguments = [args], env = config.env | {"PWD": CWD} | env, **common)
    else:
        ctx.actions.run_shell(
            command = _RUN_ELSEWHERE,
            tools = [tool],
            arguments = [tool.path, args],
            env = config.env | env,
            **common
        )
