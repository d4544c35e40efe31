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

def _sdk_tags(mctx, sdks):
    """What the root module says of where SDKs come from.

    Returns:
      Two dictionaries: attributes of `go_sdk_repo` by the SDK's name, and for archives by name and platform.
    """
    known = {sdk.get("name", "default"): sdk for sdk in sdks}
    placed, archives = {}, {}
    for tag, add in [(tag, add) for module in mctx.modules if module.is_root for tag, add in _tags_of(module)]:
        sdk = known.get(tag.name)
        if not sdk:
            fail("MODULE.bazel says where the SDK `%s` comes from, but the lock has only %s; correct the name, or add it to godirect.star" %
                 (tag.name, ", ".join(known)))
        if sdk.get("build"):
            fail("MODULE.bazel says where the SDK `%s` comes from, but godirect.star says that it is built from source; remove one of them" % tag.name)
        key = (tag.name, tag.platform) if "platform" in add else tag.name
        table = archives if "platform" in add else placed
        if key in table or tag.name in placed:
            fail("MODULE.bazel says twice where the SDK `%s` comes from; keep one of the tags" % tag.name)
        table[key] = {name: value for name, value in add.items() if name != "platform"}
    return placed, archives

def _tags_of(module):
    """The tags that say where SDKs come from, each with the attributes of `go_sdk_repo` that it means."""
    tags = module.tags
    place = [(tag, {"place": "host"}) for tag in tags.host_sdk]
    place += [(tag, {"place": "local", "place_path": tag.path}) for tag in tags.local_sdk]
    place += [(tag, {"place": "wrap", "place_file": tag.root_file}) for tag in tags.wrap_sdk]
    return place + [
        (tag, {"platform": tag.platform, "sha256": tag.sha256, "source": "archive", "strip_prefix": tag.strip_prefix, "urls": tag.urls})
        for tag in tags.download_sdk
    ]

def _sdk_repos(mctx, sdks, root):
    """Declares a repository for each SDK and execution platform; returns what the toolchains need to know of them.

    Args:
      mctx: the module context.
      sdks: those of the lock.
      root: the directory of the lock, where patches are.
    """
    placed, archives = _sdk_tags(mctx, sdks)
    found, declared = [], {}
    for sdk in sdks:
        sdk_name = sdk.get("name", "default")
        build = sdk.get("build")
        for download in sdk["downloads"]:
            name = "go_sdk_%s_%s" % (sdk_name, download["platform"].replace("/", "_"))
            source = {"sha256": download["sha256"], "source": sdk["source"], "urls": download.get("urls", [])}
            source |= placed.get(sdk_name, {}) | archives.pop((sdk_name, download["platform"]), {})
            go_sdk_repo(
                name = name,
                bootstrap = _bootstrap_repo(build["bootstrap"], download["platform"], declared) if build else "",
                build = json.encode(build) if build else "",
                experiments = json.encode(sdk["experiments"]),
                packages = json.encode(sdk["packages"]),
                patches = [mctx.read(root.get_child(patch["file"])) for patch in build.get("patches", [])] if build else [],
                platform = download["platform"],
                sdk_name = sdk_name,
                version = sdk["version"],
                **source
            )
            found.append({
                "label": "@%s//:sdk" % name,
                "name": sdk_name,
                "platform": download["platform"],
                "version": sdk["version"],
            })
    for name, platform in archives:
        fail("go.download_sdk names %s, which the SDK `%s` has no entry for in the lock; add it to exec_platforms in godirect.star" % (platform, name))
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

def _overrides(mctx, modules):
    """What the root module says of where modules come from and what is changed in them: attributes of `go_module_repo` by module path."""
    known = {module["path"]: module for module in modules}
    overrides = {}
    for tag, names in [
        (tag, names)
        for module in mctx.modules
        if module.is_root
        for tags, names in [
            (module.tags.module_override, ["patches", "patch_strip"]),
            (module.tags.archive_override, ["patches", "patch_strip", "sha256", "strip_prefix", "urls"]),
        ]
        for tag in tags
    ]:
        if tag.path not in known:
            fail("MODULE.bazel overrides the module %s, which isn't in the lock; correct the path, or remove the tag" % tag.path)
        if "directory" in known[tag.path]:
            fail("MODULE.bazel overrides the module %s, which is in the vendor directory; change it there, or remove the tag" % tag.path)
        if tag.path in overrides:
            fail("MODULE.bazel overrides the module %s twice; keep one of the tags" % tag.path)
        overrides[tag.path] = {name: getattr(tag, name) for name in names}
    return overrides

def _module_repos(modules, lock, local_packages, overrides):
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
            **overrides.get(module["path"], {})
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
    modules = lock["modules"] + lock.get("vendored", [])
    go_hub_repo(
        name = "go_modules",
        packages = _module_repos(modules, label, _local_packages(mctx), _overrides(mctx, modules)),
    )
    return mctx.extension_metadata(reproducible = True)

# Attributes of tags that say where an SDK is.
_SDK_NAME = {"name": attr.string(default = "default", doc = "The SDK's name in the spec.")}

# Attributes of tags that change modules.
_OVERRIDE = {
    "patch_strip": attr.int(default = 1, doc = "How many directories to take from the names in patches: 1 for what `git diff` writes."),
    "path": attr.string(mandatory = True, doc = "The module's path."),
}

go = module_extension(
    implementation = _go_impl,
    doc = "Toolchains (`go_toolchains`) and third-party packages (`go_modules`) from a lock that `godirect lock` wrote.",
    tag_classes = {
        "archive_override": tag_class(
            doc = "A module of the lock comes from this archive, which must have the files and imports that the lock names. In build information it is " +
                  "what the lock says.",
            attrs = _OVERRIDE | {
                "patches": attr.label_list(doc = "Unified diffs that are applied then, in order."),
                "sha256": attr.string(mandatory = True, doc = "Of the archive, hexadecimal."),
                "strip_prefix": attr.string(doc = "The directory in the archive that is the module's root."),
                "urls": attr.string_list(mandatory = True, doc = "Where the archive is."),
            },
        ),
        "download_sdk": tag_class(
            doc = "An SDK of the lock comes from this archive, e.g. one of your own mirror; a tag for each execution platform.",
            attrs = _SDK_NAME | {
                "platform": attr.string(mandatory = True, doc = "GOOS/GOARCH that its tools run on."),
                "sha256": attr.string(mandatory = True, doc = "Of the archive, hexadecimal."),
                "strip_prefix": attr.string(default = "go", doc = "The directory in the archive that is GOROOT."),
                "urls": attr.string_list(mandatory = True, doc = "Where the archive is."),
            },
        ),
        "host_sdk": tag_class(
            doc = "An SDK of the lock is the one that is installed: in GOROOT, if the environment has that, or that of the go command on PATH. " +
                  "It must have the lock's version. Other execution platforms download theirs.",
            attrs = _SDK_NAME,
        ),
        "local_sdk": tag_class(
            doc = "An SDK of the lock is in a directory of the machine. It must have the lock's version. Execution platforms that it has no tools for " +
                  "download theirs.",
            attrs = _SDK_NAME | {
                "path": attr.string(mandatory = True, doc = "Its GOROOT, absolute or relative to the root module's directory."),
            },
        ),
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
        "module_override": tag_class(
            doc = "Patches for a module of the lock, which may change files, but not add or remove any, nor imports: for that, replace the module in go.mod. " +
                  "Only Bazel applies them.",
            attrs = _OVERRIDE | {
                "patches": attr.label_list(mandatory = True, doc = "Unified diffs that are applied, in order."),
            },
        ),
        "wrap_sdk": tag_class(
            doc = "An SDK of the lock is in another repository, or in the root module. It must have the lock's version. Execution platforms that it has " +
                  "no tools for download theirs.",
            attrs = _SDK_NAME | {
                "root_file": attr.label(mandatory = True, allow_single_file = True, doc = "A file in its root directory, e.g. `@my_go//:VERSION`."),
            },
        ),
    },
)
