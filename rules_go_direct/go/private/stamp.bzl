"""Stamping: string variables with values that Bazel knows when it builds (https://bazel.build/docs/user-manual#workspace-status).

The linker reads them from a file of arguments, so that no program has to stand between Bazel and the linker.
"""

load(":settings.bzl", "GoSettingInfo")
load(":tools.bzl", "PATH_MAPPING")

# Bazel's own keys of what doesn't change from build to build.
_STABLE = ["BUILD_EMBED_LABEL", "BUILD_HOST", "BUILD_USER"]

# Writes `-X` for each variable whose keys all have values, in the encoding of the linker's argument files: `lines` is that of `DecodeArg` in
# cmd/internal/objabi, `quotes` that of `ParseArgs`, which came with Go 1.27.
_STAMP = """set -eu
shopt -u patsub_replacement 2>/dev/null || :
out=$1 encoding=$2 files=()
shift 2
while [ "$1" != -- ]; do files+=("$1"); shift; done
shift
find() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    if [ "${line%% *}" = "$1" ]; then
      found=
      case $line in *" "*) found=${line#* } ;; esac
      return 0
    fi
  done < <(cat "${files[@]}")
  return 1
}
for variable; do
  result='' rest=$variable known=1
  while [[ $rest =~ \\{([A-Z0-9_]+)\\} ]]; do
    key=${BASH_REMATCH[1]}
    find "$key" || { known=; break; }
    result=$result${rest%%"{$key}"*}$found
    rest=${rest#*"{$key}"}
  done
  [ -n "$known" ] || continue
  result=$result$rest
  result=${result//\\\\/\\\\\\\\}
  if [ "$encoding" = quotes ]; then
    for special in \\" \\$ \\`; do result=${result//"$special"/\\\\$special}; done
    result=\\"$result\\"
  fi
  printf -- '-X\n%s\n' "$result"
done > "$out"
"""

def keys_of(value):
    """The keys of Bazel's workspace status in a value.

    Args:
      value: text with keys in braces, e.g. `{STABLE_GIT_COMMIT}`.

    Returns:
      A list of keys.
    """
    keys = []
    for part in value.split("{")[1:]:
        key, brace, _ = part.partition("}")
        if brace and key and all([char.isdigit() or char.isupper() or char == "_" for char in key.elems()]):
            keys.append(key)
    return keys

def stamped_variables(ctx, config, variables):
    """Declares the action that finds the values of string variables with keys in them.

    Args:
      ctx: the rule context, with LINK_ATTRS.
      config: GoConfigInfo.
      variables: values by the variables' names.

    Returns:
      The variables without keys, and a list of the files with the linker's arguments for the others. These keep what the program itself says
      if nothing is stamped, or if a key has no value.
    """
    keys = {name: keys_of(value) for name, value in variables.items()}
    plain = {name: value for name, value in variables.items() if not keys[name]}
    if len(plain) == len(variables) or not ctx.attr._stamp[GoSettingInfo].value:
        return plain, []

    # Bazel doesn't build again when the other file changes.
    is_stable = lambda key: key.startswith("STABLE_") or key in _STABLE
    files = [ctx.info_file] + ([] if all([is_stable(key) for some in keys.values() for key in some]) else [ctx.version_file])
    file = ctx.actions.declare_file(ctx.label.name + "_/stamp")
    args = ctx.actions.args()
    args.add(file).add("quotes" if config.minor >= 27 else "lines").add_all(files).add("--").add_all(["%s=%s" % (name, value) for name, value in variables.items() if keys[name]])
    ctx.actions.run_shell(
        command = _STAMP,
        arguments = [args],
        inputs = files,
        outputs = [file],
        execution_requirements = PATH_MAPPING,
        mnemonic = "GoStamp",
        progress_message = "Stamping %s" % ctx.label,
        toolchain = None,
    )
    return plain, [file]
