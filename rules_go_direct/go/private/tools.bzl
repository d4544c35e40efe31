"""Running the SDK's tools."""

TOOLCHAIN_TYPE = Label("//go:toolchain_type")

# The execution root by a name that is the same in every sandbox and on every machine.
CWD = "/proc/self/cwd"

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
    ctx.actions.run(
        executable = tool,
        arguments = [args],
        inputs = inputs,
        outputs = outputs,
        env = config.env | {"PWD": CWD} | env,
        mnemonic = mnemonic,
        progress_message = "%s %s [%s_%s]" % (mnemonic, about, config.goos, config.goarch),
        toolchain = TOOLCHAIN_TYPE,
    )
