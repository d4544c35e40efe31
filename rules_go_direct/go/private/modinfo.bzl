"""The build information of a binary, as `go version -m` prints it: cmd/go/internal/load `setBuildInfo`, runtime/debug `BuildInfo`."""

# The linker expects these bytes around the text (cmd/go/internal/modload/build.go); here as escapes of a Go string literal.
_START = "\\x30\\x77\\xaf\\x0c\\x92\\x74\\x08\\x02\\x41\\xe1\\xc1\\x07\\xe6\\xd6\\x18\\xe6"
_END = "\\xf9\\x32\\x43\\x31\\x86\\x18\\x20\\x72\\x00\\x82\\x42\\x10\\x41\\x16\\xd8\\xf2"

def _quote(text):
    """The content of a Go string literal."""
    for char, escape in [("\\", "\\\\"), ("\"", "\\\""), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")]:
        text = text.replace(char, escape)
    return text

def _value(text):
    for char in [" ", "\t", "\r", "\n", "\"", "`"]:
        if char in text:
            return "\"%s\"" % _quote(text)
    return text

def _module_lines(word, module):
    line = "%s\t%s\t%s\t%s\n"
    version = module.version or "(devel)"
    if not module.replace_path:
        return line % (word, module.path, version, module.sum)

    # A replaced module has no sum of its own, and a blank line follows it.
    return ("%s\t%s\t%s\n" % (word, module.path, version) +
            line % ("=>", module.replace_path, module.replace_version or "(devel)", module.replace_sum) + "\n")

def build_info(config, importpath, main_module, modules, default_godebug, goopts, counts = False, shows_profile = True):
    """The text that a binary carries.

    Args:
      config: GoConfigInfo.
      importpath: of the main package.
      main_module: its GoModuleInfo, or None.
      modules: GoModuleInfos of all packages; those of the main module are skipped.
      default_godebug: the value of DefaultGODEBUG, may be empty.
      goopts: the compiler flags of `-gcflags`.
      shows_profile: whether it says which profile guided optimisation; a program that runs tests of a library doesn't.
      counts: whether it counts statements, as a test does under `go test -cover`.

    Returns:
      The text.
    """
    text = "path\t%s\n" % importpath
    if main_module:
        text += _module_lines("mod", main_module)
    deps = {(module.path, module.version): module for module in modules if not main_module or module.path != main_module.path}
    for key in sorted(deps):
        text += _module_lines("dep", deps[key])
    settings = [
        ("-asan", "true" if config.sanitizer == "asan" else ""),
        ("-buildmode", config.buildmode),
        ("-compiler", "gc"),
        ("-gcflags", " ".join(goopts)),
        ("-cover", "true" if counts else ""),
        ("-msan", "true" if config.sanitizer == "msan" else ""),
        ("-race", "true" if config.sanitizer == "race" else ""),
        ("-tags", ",".join(config.user_tags)),
        ("-trimpath", "true"),
        ("DefaultGODEBUG", default_godebug),
        ("CGO_ENABLED", "1" if config.cgo else "0"),
        ("GOARCH", config.goarch),
        ("GOEXPERIMENT", config.goexperiment),
        ("GOFIPS140", config.gofips140 if config.gofips140 != "off" else ""),
        ("GOOS", config.goos),
        (config.variant_variable, config.variant),
    ]
    if config.pgo and shows_profile:
        # It is added last, and puts all into one order (`setPGOProfilePath`).
        settings = sorted(settings + [("-pgo", config.pgo.name)])
    return text + "".join(["build\t%s=%s\n" % (key, _value(value)) for key, value in settings if value])

def importcfg_line(text):
    """The line of the linker's importcfg that makes it carry `text`.

    Args:
      text: what `build_info` returned.

    Returns:
      The line, without its end.
    """
    return "modinfo \"%s%s%s\"" % (_START, _quote(text), _END)
