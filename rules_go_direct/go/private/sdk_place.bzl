"""SDKs that are there already: on the machine, or in another repository. The lock still says which release it is and what it consists of."""

def _host_root(rctx):
    """GOROOT of the Go that is installed: the variable says where, or the go command on PATH."""
    goroot = rctx.getenv("GOROOT")
    if goroot:
        return rctx.path(goroot)
    command = rctx.which("go")
    if not command:
        fail("go.host_sdk takes the Go of this machine, but there is no GOROOT in the environment and no `go` on PATH; install Go, or name its directory by go.local_sdk")
    return command.realpath.dirname.dirname

def _local_root(rctx):
    path = rctx.attr.place_path
    return rctx.path(path) if path.startswith("/") or path[1:2] == ":" else rctx.workspace_root.get_child(*path.split("/"))

def placed_root(rctx, directory):
    """Where an SDK is that a tag of the root module names.

    Args:
      rctx: the repository context, with PLACE_ATTRS.
      directory: that of the tools for this execution platform, below GOROOT.

    Returns:
      The path of its GOROOT; None without a tag, or if it has no tools for this platform, so that it is downloaded.
    """
    place = rctx.attr.place
    if not place:
        return None
    if place == "host":
        root = _host_root(rctx)
    elif place == "local":
        root = _local_root(rctx)
    else:
        root = rctx.path(rctx.attr.place_file).dirname
    if not root.get_child("VERSION").exists:
        fail("%s has no file VERSION, so it is no GOROOT; correct go.%s_sdk in MODULE.bazel" % (root, place))
    return root if root.get_child(*(directory + "/compile").split("/")).exists else None

def _check_version(rctx, root):
    found = rctx.read(root.get_child("VERSION")).split("\n")[0].strip()
    if found != "go" + rctx.attr.version:
        fail("%s is %s, and the lock has go%s: take that version, or write it into godirect.star and run `godirect lock`" %
             (root, found, rctx.attr.version))

def _link_tools(rctx, root, directory, tools):
    paths = {}
    for tool in tools:
        source = root.get_child(*(directory + "/" + tool).split("/"))
        paths[tool] = "tool/" + tool
        if not source.exists:
            fail("%s has no %s/%s; install a whole Go there" % (root, directory, tool))
        rctx.symlink(source, paths[tool])
    return paths

def link_sdk(rctx, root, directory, tools, srcs):
    """Makes the files of an SDK appear in the repository.

    Args:
      rctx: the repository context, with PLACE_ATTRS.
      root: what `placed_root` returned.
      directory: that of its tools, below GOROOT.
      tools: their names.
      srcs: the files of std that the lock names, below GOROOT.

    Returns:
      The paths of the tools in the repository, by name.
    """
    _check_version(rctx, root)
    for name in srcs:
        if not root.get_child(*name.split("/")).exists:
            fail("%s has no %s, which the release go%s has; install a whole Go there" % (root, name, rctx.attr.version))
    for name in ["lib", "pkg/include", "src"]:
        source = root.get_child(*name.split("/"))
        if source.exists:
            rctx.symlink(source, name)
    return _link_tools(rctx, root, directory, tools)

PLACE_ATTRS = {
    "place": attr.string(values = ["", "host", "local", "wrap"], doc = "Where the SDK is: empty to download it."),
    "place_file": attr.label(doc = "For `wrap`: a file in its root directory."),
    "place_path": attr.string(doc = "For `local`: its GOROOT."),
}
