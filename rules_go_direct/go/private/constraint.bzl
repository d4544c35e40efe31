"""Go's build constraints: which tags are satisfied, what an expression and a file name say.

The syntax is that of `//go:build` lines (go/build/constraint); the tags are those of go/build.Context and internal/buildcfg.
"""

load(":platforms.bzl", "KNOWN_ARCH", "KNOWN_OS", "UNIX_OS", "VARIANTS")

# A tag that is satisfied together with a GOOS (go/build.Context.matchTag).
_IMPLIED_OS = {"android": "linux", "illumos": "solaris", "ios": "darwin"}

def _variant_tags(goarch, variant):
    """The tags of the architecture's feature levels, as cmd/go's `gogoarchTags` in internal/buildcfg."""
    if goarch == "wasm":
        return ["wasm.satconv", "wasm.signext"]
    if goarch not in VARIANTS:
        return []
    values = VARIANTS[goarch].values
    if goarch in ("386", "mips", "mipsle", "mips64", "mips64le"):
        return ["%s.%s" % (goarch, variant)]
    if goarch == "arm64" and variant.startswith("v9."):
        minor = int(variant[len("v9."):])
        return (["arm64.v9.%d" % i for i in range(minor + 1)] +
                ["arm64.v8.%d" % i for i in range(min(minor + 5, 9) + 1)])
    return ["%s.%s" % (goarch, value) for value in values[:values.index(variant) + 1]]

def minor_of(version):
    """The minor version.

    Args:
      version: e.g. `1.27.3`, a candidate `1.28rc1`, a vendor's `1.27.3-custom`.

    Returns:
      N of 1.N, an int.
    """
    digits = version.split(".")[1]
    for i in range(len(digits)):
        if not digits[i].isdigit():
            return int(digits[:i])
    return int(digits)

def satisfied_tags(goos, goarch, variant, go_minor, experiments = [], user_tags = [], cgo = False):
    """The build tags that hold.

    Args:
      goos: GOOS.
      goarch: GOARCH.
      variant: the value of GOAMD64 or its like; empty where the architecture has none.
      go_minor: N of the SDK's version 1.N, an int.
      experiments: GOEXPERIMENT flags that are on.
      user_tags: the tags of `-tags`.
      cgo: whether packages may use cgo.

    Returns:
      A dict with the tags as keys.
    """
    tags = [goos, goarch, "gc"]
    if goos in _IMPLIED_OS:
        tags.append(_IMPLIED_OS[goos])
    if goos in UNIX_OS:
        tags.append("unix")
    tags.extend(["go1.%d" % i for i in range(1, go_minor + 1)])
    tags.extend(["goexperiment." + flag for flag in experiments])
    tags.extend(_variant_tags(goarch, variant))
    tags.extend((["cgo"] if cgo else []) + user_tags)
    return {tag: True for tag in tags}

def _reduce(values, operators, floor):
    """Applies the binary operators on top of the stack that bind as strongly as `floor` or more strongly."""
    for _ in range(len(operators)):
        if operators[-1] == "&&" or (operators[-1] == "||" and floor == "||"):
            right = values.pop()
            left = values.pop()
            values.append((left and right) if operators.pop() == "&&" else (left or right))
        else:
            return

def _negate(values, operators):
    """Applies the `!`s on top of the stack to the operand that was just completed."""
    for _ in range(len(operators)):
        if operators[-1] != "!":
            return
        operators.pop()
        values.append(not values.pop())

def evaluate(expression, tags):
    """Evaluates a build constraint with two stacks, because Starlark has neither recursion nor `while`.

    Args:
      expression: the constraint, e.g. `linux && (amd64 || !cgo)`; empty means always. It must be well-formed.
      tags: the satisfied tags, a dict.

    Returns:
      Whether the constraint holds.
    """
    if not expression:
        return True
    for symbol in ("(", ")", "!", "&&", "||"):
        expression = expression.replace(symbol, " %s " % symbol)
    values = []
    operators = []
    for token in [part for part in expression.split(" ") if part]:
        if token in ("(", "!"):
            operators.append(token)
        elif token == ")":
            _reduce(values, operators, "||")
            operators.pop()
            _negate(values, operators)
        elif token in ("&&", "||"):
            _reduce(values, operators, token)
            operators.append(token)
        else:
            values.append(token in tags)
            _negate(values, operators)
    _reduce(values, operators, "||")
    return values[0]

def file_name_matches(name, tags):
    """Whether a file's name allows it in a build: `_linux`, `_amd64` and `_linux_amd64` before the extension constrain it.

    Args:
      name: the base name, e.g. `open_linux.go`.
      tags: the satisfied tags, a dict.

    Returns:
      Whether the constraint in the name holds, as go/build.Context.goodOSArchFile says.
    """
    stem = name.partition(".")[0]
    if "_" not in stem:
        return True
    parts = stem[stem.index("_"):].split("_")
    if parts[-1] == "test":
        parts.pop()
    if len(parts) >= 2 and parts[-2] in KNOWN_OS and parts[-1] in KNOWN_ARCH:
        return parts[-2] in tags and parts[-1] in tags
    if parts[-1] in KNOWN_OS or parts[-1] in KNOWN_ARCH:
        return parts[-1] in tags
    return True
