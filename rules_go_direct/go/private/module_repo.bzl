"""Repositories of locked modules, and the hub that gives their packages one place."""

load(":proxy.bzl", "download_module")
load(":records.bzl", "all_files")

_BUILD = """load("@rules_go_direct//go:defs.bzl", "go_locked_package", "go_module")

package(default_visibility = ["//visibility:public"])

go_module(
    name = "go_module",
    go = "{go}",
    path = "{path}",
    replace_path = "{replace_path}",
    replace_sum = "{replace_sum}",
    replace_version = "{replace_version}",
    sum = "{sum}",
    vendored = {vendored},
    version = "{version}",
)
"""

_PACKAGE = """
go_locked_package(
    name = {name},
    srcs = {srcs},
    dir = {dir},
    included = {included},
    importpath = {importpath},
    module = ":go_module",
    record = {record},
    deps = {deps},
)
"""

# What C files include from directories that no Go package is in: of the whole module, since only compilers know.
_INCLUDED = "glob([%s], allow_empty = True)" % ", ".join([
    "\"**/*.%s\"" % extension
    for extension in ["c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "inc", "inl"]
])

# Bazel's files at the root of a module that would change what its repository means.
_ROOT_FILES = [".bazelignore", "MODULE.bazel", "REPO.bazel", "WORKSPACE", "WORKSPACE.bazel", "WORKSPACE.bzlmod"]

def package_target(dir):
    """The name of a package's target in the repository of its module.

    Args:
      dir: its directory in the module; empty for the root.

    Returns:
      A target name.
    """
    return "go_package/" + dir if dir else "go_package"

def _join(dir, name):
    return dir + "/" + name if dir else name

def _remove_build_files(rctx, files):
    """Removes BUILD files on the way to `files`, which would cut the module into Bazel packages of its own."""
    dirs = {"": True}
    for file in files:
        parts = file.split("/")[:-1]
        dirs.update({"/".join(parts[:i + 1]): True for i in range(len(parts))})
    for dir in dirs:
        for name in ("BUILD", "BUILD.bazel"):
            path = rctx.path(_join(dir, name))

            # Where case is folded, it may be the directory `build`.
            if path.exists and not path.is_dir:
                rctx.delete(path)
    for name in _ROOT_FILES:
        rctx.delete(name)

def _link_vendored(rctx, directory, files):
    """Makes the repository's own files of a module appear here, without BUILD files that other rulesets may have put beside them."""
    root = rctx.path(rctx.attr.lock).dirname.get_child(*directory.split("/"))
    for file in files:
        path = root.get_child(*file.split("/"))
        if not path.exists:
            fail("%s/%s isn't there, but godirect.lock.json names it; run `godirect lock`" % (directory, file))
        rctx.symlink(path, file)

def _download(rctx, module, files):
    """Downloads the module, or the archive that stands for it, and applies patches.

    Args:
      rctx: the repository context.
      module: its entry in the lock.
      files: those that the lock names.
    """
    if rctx.attr.urls:
        rctx.download_and_extract(url = rctx.attr.urls, sha256 = rctx.attr.sha256, stripPrefix = rctx.attr.strip_prefix)
    else:
        source = module.get("replace") or module
        download_module(rctx, source["path"], source["version"], module["sha256"])
    for patch in rctx.attr.patches:
        rctx.patch(patch, strip = rctx.attr.patch_strip)
    for file in files if rctx.attr.patches or rctx.attr.urls else []:
        if not rctx.path(file).exists:
            fail("the module %s has no %s as MODULE.bazel overrides it, but godirect.lock.json names it: overrides can't take files away; replace the module in go.mod" %
                 (module["path"], file))

def _go_module_repo_impl(rctx):
    module = json.decode(rctx.attr.module)
    labels = json.decode(rctx.attr.labels)
    replace = module.get("replace")
    directory = module.get("directory")

    # Build information has no hash of what is vendored.
    h1 = "" if directory else module["h1"]
    build = [_BUILD.format(
        path = module["path"],
        version = module["version"],
        go = module.get("go", "1.16"),
        sum = "" if replace else h1,
        vendored = bool(directory),
        replace_path = replace["path"] if replace else "",
        replace_version = replace.get("version", "") if replace else "",
        replace_sum = h1 if replace else "",
    )]
    files = []
    for dir, record in module["packages"].items():
        srcs = [_join(dir, name) for name in all_files(record)]
        files.extend(srcs)
        imports = {path: True for group in record["groups"] for path in group.get("imports", [])}
        build.append(_PACKAGE.format(
            name = repr(package_target(dir)),
            # With a colon, a name that begins with `@` is not taken for a repository.
            srcs = repr([":" + name for name in srcs]),
            dir = repr(dir),
            included = _INCLUDED if any([group.get("cgo") for group in record["groups"]]) else "[]",
            importpath = repr(_join(module["path"], dir) if dir else module["path"]),
            record = repr(json.encode(record)),
            deps = repr([labels[path] for path in sorted(imports) if path in labels]),
        ))
    if directory:
        _link_vendored(rctx, directory, files)
    else:
        _download(rctx, module, files)
        _remove_build_files(rctx, files)
    rctx.file("BUILD.bazel", "".join(build))

go_module_repo = repository_rule(
    implementation = _go_module_repo_impl,
    doc = "Downloads a module, or links its files in the vendor directory, and describes the packages that the lock names.",
    attrs = {
        "labels": attr.string(doc = "JSON: the labels of the packages that this one imports, without those of std, by import path."),
        "lock": attr.label(doc = "godirect.lock.json, for a module in the vendor directory."),
        "module": attr.string(doc = "The module's entry in the lock, as JSON."),
        "patch_strip": attr.int(doc = "How many directories to take from the names in patches."),
        "patches": attr.label_list(doc = "Unified diffs that are applied, in order."),
        "sha256": attr.string(doc = "Of the archive in `urls`."),
        "strip_prefix": attr.string(doc = "The directory in that archive that is the module's root."),
        "urls": attr.string_list(doc = "Where an archive is that stands for the module's zip."),
    },
)

_ALIAS = """alias(
    name = "{name}",
    actual = "{actual}",
    visibility = ["//visibility:public"],
)
"""

def _go_hub_repo_impl(rctx):
    rctx.file("BUILD.bazel", "")
    for importpath, label in rctx.attr.packages.items():
        rctx.file(importpath + "/BUILD.bazel", _ALIAS.format(name = importpath.split("/")[-1], actual = label))

go_hub_repo = repository_rule(
    implementation = _go_hub_repo_impl,
    doc = "Aliases `@go_modules//<import path>` for the packages of all locked modules.",
    attrs = {"packages": attr.string_dict(doc = "Labels by import path.")},
)
