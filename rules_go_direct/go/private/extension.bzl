"""The module extension `go`: repositories from godirect.lock.json."""

load(":bootstrap_repo.bzl", "go_bootstrap_repo")
load(":module_repo.bzl", "go_hub_repo", "go_module_repo", "package_target")
load(":sdk_repo.bzl", "go_sdk_repo")
load(":toolchain_repo.bzl", "go_toolchain_repo")

_LOCK_VERSION = 2

def _lock_label(mctx):
    """The lock of the root module: there is one for a build, as there is one go.mod that selects versions."""
    for module in mctx.modules:
        if module.is_root:
            if len(module.tags.lock) > 1:
                fail("go.lock is there %d times in MODULE.bazel; keep one" % len(module.tags.lock))
            if module.tags.lock:
                return module.tags.lock[0].file
    fail("MODULE.bazel of the root module has no lock; add `go.lock(file = \"//:godirect.lock.json\")` after use_extension")

def _read_lock(mctx, label):
    path = mctx.path(label)
    if not path.exists:
        fail("%s does not exist; run `godirect lock` to write it" % label)
    lock = json.decode(mctx.read(path), default = None)
    if type(lock) != "dict" or "version" not in lock:
        fail("%s is not a lock of godirect; run `godirect lock` to write it anew" % label)
    if lock["version"] != _LOCK_VERSION:
        fail("%s has format version %s and this rules_go_direct reads version %d; use the rules_go_direct that belongs to your godirect" %
             (label, lock["version"], _LOCK_VERSION))
    return lock

def _bootstrap_repo(bootstrap, platform, declared):
    """Declares the repository of an SDK that compiles another one, once; returns the label of its root package."""
    name = "go_bootstrap_%s_%s" % (bootstrap["version"].replace(".", "_"), platform.replace("/", "_"))
    for download in bootstrap["downloads"]:
        if download["platform"] == platform and name not in declared:
            declared[name] = True
            go_bootstrap_repo(name = name, platform = platform, sha256 = download["sha256"], version = bootstrap["version"])
    return "@%s//" % name

def _sdk_repos(mctx, sdks, root):
    """Declares a repository for each SDK and execution platform; returns what the toolchains need to know of them.

    Args:
      mctx: the module context.
      sdks: those of the lock.
      root: the directory of the lock, where patches are.
    """
    found, declared = [], {}
    for sdk in sdks:
        sdk_name = sdk.get("name", "default")
        for download in sdk["downloads"]:
            name = "go_sdk_%s_%s" % (sdk_name, download["platform"].replace("/", "_"))
            build = sdk.get("build")
            go_sdk_repo(
                name = name,
                bootstrap = _bootstrap_repo(build["bootstrap"], download["platform"], declared) if build else "",
                build = json.encode(build) if build else "",
                experiments = json.encode(sdk["experiments"]),
                packages = json.encode(sdk["packages"]),
                patches = [mctx.read(root.get_child(patch["file"])) for patch in build.get("patches", [])] if build else [],
                platform = download["platform"],
                sdk_name = sdk_name,
                sha256 = download["sha256"],
                source = sdk["source"],
                urls = download.get("urls", []),
                version = sdk["version"],
            )
            found.append({
                "label": "@%s//:sdk" % name,
                "name": sdk_name,
                "platform": download["platform"],
                "version": sdk["version"],
            })
    return found

def _repo_name(module_path, taken):
    """A repository name that reads like the module path, and differs from those taken also where case is folded."""
    base = "go_mod_" + "".join([char if char.isalnum() or char in "-." else "_" for char in module_path.elems()])
    name = base
    for number in range(2, len(taken) + 2):
        if name.lower() not in taken:
            break
        name = "%s_%d" % (base, number)
    taken[name.lower()] = True
    return name

def _local_packages(mctx):
    """The labels of the root module's packages that locked modules import, by import path."""
    tags = [tag for module in mctx.modules if module.is_root for tag in module.tags.local_package]
    return {tag.importpath: str(tag.label) for tag in tags}

def _module_repos(modules, lock, local_packages):
    """Declares a repository for each module; returns the labels of their packages by import path."""
    taken, names, labels = {}, {}, {}
    for module in modules:
        names[module["path"]] = _repo_name(module["path"], taken)
        for dir in module["packages"]:
            importpath = module["path"] + "/" + dir if dir else module["path"]
            labels[importpath] = "@%s//:%s" % (names[module["path"]], package_target(dir))
    known = labels | local_packages
    for module in modules:
        imports = {
            path: True
            for record in module["packages"].values()
            for group in record["groups"]
            for path in group.get("imports", [])
        }

        # Only what it imports, so that another module's change does not fetch this one anew.
        go_module_repo(
            name = names[module["path"]],
            labels = json.encode({path: known[path] for path in sorted(imports) if path in known}),
            # Its directory is that of the repository, which vendored modules come from.
            lock = lock if "directory" in module else None,
            module = json.encode(module),
        )
    return labels

def _go_impl(mctx):
    label = _lock_label(mctx)
    lock = _read_lock(mctx, label)
    go_toolchain_repo(
        name = "go_toolchains",
        platforms = lock["platforms"],
        sdks = json.encode(_sdk_repos(mctx, lock["sdks"], mctx.path(label).dirname)),
    )
    go_hub_repo(
        name = "go_modules",
        packages = _module_repos(lock["modules"] + lock.get("vendored", []), label, _local_packages(mctx)),
    )
    return mctx.extension_metadata(reproducible = True)

go = module_extension(
    implementation = _go_impl,
    doc = "Toolchains (`go_toolchains`) and third-party packages (`go_modules`) from a lock that `godirect lock` wrote.",
    tag_classes = {
        "local_package": tag_class(
            doc = "A package of the root module that locked modules import. `godirect generate` writes these.",
            attrs = {
                "importpath": attr.string(mandatory = True, doc = "The import path of the package."),
                "label": attr.label(mandatory = True, doc = "The `go_library` that it is."),
            },
        ),
        "lock": tag_class(
            doc = "The lock, which `godirect lock` writes. Only that of the root module counts, and it has one: as there is one go.mod that selects versions.",
            attrs = {"file": attr.label(mandatory = True, doc = "The file `godirect.lock.json`.")},
        ),
    },
)
