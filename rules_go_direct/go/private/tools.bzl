"""Running the SDK's tools."""

TOOLCHAIN_TYPE = Label("//go:toolchain_type")

# The execution root by a name that is the same in every sandbox and on every machine.
CWD = "/proc/self/cwd"

# For actions whose arguments name all files by Args: under `--experimental_output_paths=strip` the part of paths that says which configuration
# they belong to isn't among the inputs then, and configurations share what is the same for them.
PATH_MAPPING = {"supports-path-mapping": "1"}

# Elsewhere the directory is known only when the action runs: a shell puts it in the place of CWD.
_RUN_ELSEWHERE = """tool=$1; shift; exec "$tool" "${@//\\/proc\\/self\\/cwd/$PWD}"
"""

# Runs the compiler and says what to write when a package is not among those that it may import. The label's own words for an import path
# are those of `godirect generate`.
_EXPLAIN = """
label=$1 module=$2 root=$3 cycle=$4
shift 4
if said=$(PWD=/proc/self/cwd "$@" 2>&1); then status=0; else status=$?; fi
[ -z "$said" ] || printf '%s
' "$said" >&2
[ "$status" != 0 ] || exit 0

name_of() {
  local dir=$root rest=${1#"$module"} base=${1##*/} before=${1%/*}
  rest=${rest#/}
  dir="$dir${dir:+${rest:+/}}$rest"
  if [[ $base =~ ^v[0-9]+$ && $before != "$1" ]]; then base=${before##*/}; fi
  if [ "${dir##*/}" = "$base" ]; then printf '//%s' "$dir"; else printf '//%s:%s' "$dir" "$base"; fi
}

missing='could not import ([^ ]+) \\(open : no such file or directory\\)' told=' '
while IFS= read -r line; do
  [[ $line =~ $missing ]] || continue
  path=${BASH_REMATCH[1]}
  [[ $told != *" $path "* ]] || continue
  told="$told$path "
  generate='or run `godirect generate`'
  if [ "$path" = C ]; then
    echo "$label imports \\"C\\": add \\`cgo = True\\`, and \\`pure = \\"off\\"\\` to programs that need the package"
  elif [[ " $cycle " == *" $path "* ]]; then
    echo "$label imports $path, which needs the tested package: import cycle not allowed in test; move it to an external test (package ..._test)"
  elif [ -n "$module" ] && [[ "$path/" == "$module/"* ]]; then
    echo "$label imports $path, which is not in its deps: add \\"$(name_of "$path")\\" to them, $generate"
  elif [[ ${path%%/*} != *.* ]]; then
    echo "$label imports $path of std, which is not in its std_imports: add \\"$path\\" to them, $generate"
  else
    echo "$label imports $path, which is not in its deps: add \\"@go_modules//$path\\" to them, $generate"
  fi
done <<< "$said" >&2
exit "$status"
"""

def file_args(ctx, flag):
    """Arguments that the tool gets in a file, a line each, which is written as part of the action.

    Args:
      ctx: the rule context.
      flag: the flag that names the file, such as `-importcfg`.

    Returns:
      ctx.actions.args(), for `run_tool`.
    """
    args = ctx.actions.args()
    args.set_param_file_format("multiline")
    args.use_param_file(flag + "=%s", use_always = True)
    return args

def run_tool(ctx, config, tool, arguments, mnemonic, about, inputs, outputs, env = {}, explain = None, maps_paths = True):
    """Declares an action that runs one of the SDK's tools, with nothing of the machine in its environment.

    Args:
      ctx: the rule context.
      config: GoConfigInfo.
      tool: the executable, a File.
      arguments: list of ctx.actions.args().
      mnemonic: e.g. `GoCompile`.
      about: what the action works on, for the progress message.
      inputs: list or depset of File.
      outputs: list of File.
      env: further environment variables.
      explain: for the compiler of a package that a person may have described: struct of label, module (GoModuleInfo or None) and cycle (import
        paths that would make a cycle), so that a missing import is explained.
      maps_paths: whether all paths are in `arguments`, and none in the contents of inputs.
    """
    common = {
        "execution_requirements": PATH_MAPPING if maps_paths else {},
        "inputs": inputs,
        "mnemonic": mnemonic,
        "outputs": outputs,
        "progress_message": "%s %s [%s_%s]" % (mnemonic, about, config.goos, config.goarch),
        "toolchain": TOOLCHAIN_TYPE,
    }
    if config.sdk.goos == "linux" and explain:
        # Without a program of the ruleset, which would have to be compiled first.
        before = ctx.actions.args()
        before.add_all([
            str(explain.label).removeprefix("@@").removeprefix("@"),
            explain.module.path if explain.module else "",
            explain.module.root if explain.module else "",
            " ".join(explain.cycle),
        ]).add(tool)
        ctx.actions.run_shell(command = _EXPLAIN, tools = [tool], arguments = [before] + arguments, env = config.env | env, **common)
    elif config.sdk.goos == "linux":
        ctx.actions.run(executable = tool, arguments = arguments, env = config.env | {"PWD": CWD} | env, **common)
    else:
        before = ctx.actions.args()
        before.add(tool)
        ctx.actions.run_shell(
            command = _RUN_ELSEWHERE,
            tools = [tool],
            arguments = [before] + arguments,
            env = config.env | env,
            **common
        )
