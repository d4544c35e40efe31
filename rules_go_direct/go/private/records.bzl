"""Package records of the lock: choosing the files of a configuration. See docs/lockfile.md of godirect."""

load(":constraint.bzl", "evaluate")

_FILE_LISTS = ["go", "asm", "c", "headers", "syso"]

def choose_files(record, tags):
    """Chooses the groups of a package record whose constraint holds.

    Files that import "C" are left out, as Go does without cgo.

    Args:
      record: the record, a dict.
      tags: the satisfied tags, a dict.

    Returns:
      A struct: go, asm, c, headers, syso (sorted lists of names), imports (sorted list), embed (pattern to names).
    """
    chosen = {kind: [] for kind in _FILE_LISTS}
    imports, embed = {}, {}
    for group in record["groups"]:
        if not evaluate(group.get("if", ""), tags):
            continue
        for kind in _FILE_LISTS:
            chosen[kind].extend(group.get(kind, []))
        if group.get("go") or not group.get("cgo"):
            imports.update({path: True for path in group.get("imports", [])})
            embed.update(group.get("embed", {}))
    return struct(
        embed = embed,
        imports = sorted([path for path in imports if path not in ("C", "unsafe")]),
        **{kind: sorted(chosen[kind]) for kind in _FILE_LISTS}
    )

def all_files(record):
    """Every file of a package record that a build without cgo could need.

    Args:
      record: the record, a dict.

    Returns:
      A sorted list of paths relative to the package's directory.
    """
    files = {}
    for group in record["groups"]:
        for kind in ["go", "asm", "headers", "syso"]:
            files.update({name: True for name in group.get(kind, [])})
        for names in group.get("embed", {}).values():
            files.update({name: True for name in names})
    return sorted(files)
