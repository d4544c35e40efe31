"""Package records of the lock: choosing the files of a configuration. See docs/lockfile.md of godirect."""

load(":constraint.bzl", "evaluate")

_FILE_LISTS = ["go", "cgo", "asm", "c", "headers", "syso"]

def choose_files(record, tags):
    """Chooses the groups of a package record whose constraint holds.

    Without cgo no tags choose files that import "C": their groups' constraints say `cgo`.

    Args:
      record: the record, a dict.
      tags: the satisfied tags, a dict.

    Returns:
      A struct: go, cgo, asm, c, headers, syso (sorted lists of names), imports (sorted list), embed (pattern to names).
    """
    chosen = {kind: [] for kind in _FILE_LISTS}
    imports, embed = {}, {}
    for group in record["groups"]:
        if not evaluate(group.get("if", ""), tags):
            continue
        for kind in _FILE_LISTS:
            chosen[kind].extend(group.get(kind, []))
        imports.update({path: True for path in group.get("imports", [])})
        embed.update(group.get("embed", {}))
    return struct(
        embed = embed,
        imports = sorted([path for path in imports if path not in ("C", "unsafe")]),
        **{kind: sorted(chosen[kind]) for kind in _FILE_LISTS}
    )

def all_files(record):
    """Every file of a package record.

    Args:
      record: the record, a dict.

    Returns:
      A sorted list of paths relative to the package's directory.
    """
    files = {}
    for group in record["groups"]:
        for kind in _FILE_LISTS:
            files.update({name: True for name in group.get(kind, [])})
        for names in group.get("embed", {}).values():
            files.update({name: True for name in names})
    return sorted(files)
