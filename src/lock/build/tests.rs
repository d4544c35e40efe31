//! Patches, on trees of a few files.

use super::*;

/// Applies a patch to a tree with two files; gives the tree's files afterwards, or the error.
fn patched(patch: &str) -> Result<Vec<(String, String)>, String> {
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir_all(tree.path().join("src/fmt")).unwrap();
    fs::write(tree.path().join("VERSION"), "go1.27.3\n").unwrap();
    fs::write(tree.path().join("src/fmt/print.go"), "package fmt\n\nvar a = 1\nvar b = 2\nvar c = 3\n").unwrap();
    let mut sums = BTreeMap::new();
    apply("p.patch", patch.as_bytes(), tree.path(), &mut sums).map_err(|e| e.to_string())?;
    let files = nar::files(tree.path()).unwrap();
    let files: Vec<(String, String)> =
        files.into_iter().map(|f| (f.clone(), fs::read_to_string(tree.path().join(f)).unwrap())).collect();
    for (file, sum) in sums {
        let content = files.iter().find(|(name, _)| *name == file).map(|(_, content)| Sha256::of(content));
        assert_eq!(content, Some(sum), "{file}");
    }
    Ok(files)
}

#[test]
fn patches_change_add_and_remove_files() {
    let patch = "diff --git a/src/fmt/print.go b/src/fmt/print.go\n--- a/src/fmt/print.go\n+++ b/src/fmt/print.go\n\
                 @@ -2,3 +2,4 @@ package fmt\n \n-var a = 1\n+var a = 10\n+var a2 = 11\n var b = 2\n\
                 --- /dev/null\n+++ b/src/new/new.go\n@@ -0,0 +1 @@\n+package new\n";
    let files = patched(patch).unwrap();
    let shown: Vec<(&str, &str)> = files.iter().map(|(f, c)| (f.as_str(), c.as_str())).collect();
    let expected = "package fmt\n\nvar a = 10\nvar a2 = 11\nvar b = 2\nvar c = 3\n";
    assert_eq!(shown, [("VERSION", "go1.27.3\n"), ("src/fmt/print.go", expected), ("src/new/new.go", "package new\n")]);
    let removed =
        "--- a/src/fmt/print.go\n+++ /dev/null\n@@ -1,5 +0,0 @@\n-package fmt\n-\n-var a = 1\n-var b = 2\n-var c = 3\n";
    assert_eq!(patched(removed).unwrap(), [("VERSION".to_owned(), "go1.27.3\n".to_owned())]);
}

#[test]
fn a_patch_that_does_not_fit_says_where() {
    let header = "--- a/src/fmt/print.go\n+++ b/src/fmt/print.go\n";
    for (patch, error) in [
        (
            format!("{header}@@ -3 +3 @@\n-var a = 1\n+var a = 2\n@@ -5 +5 @@\n-var d = 3\n+var d = 4\n"),
            "the patch p.patch doesn't fit: hunk 2 of src/fmt/print.go expects `var d = 3` in line 5, where it is `var c = 3` \
             (make the patch anew for this version of Go)",
        ),
        // It would fit one line above, but then engines could disagree on where.
        (
            format!("{header}@@ -4 +4 @@\n-var a = 1\n+var a = 2\n"),
            "the patch p.patch doesn't fit: hunk 1 of src/fmt/print.go expects `var a = 1` in line 4, where it is `var b = 2` \
             (make the patch anew for this version of Go)",
        ),
        (
            format!("{header}@@ -6 +6 @@\n-var d = 3\n+var d = 4\n"),
            "the patch p.patch doesn't fit: hunk 1 of src/fmt/print.go expects `var d = 3` in line 6, where the file ends \
             (make the patch anew for this version of Go)",
        ),
        (
            "--- a/VERSION\n+++ b/VERSION\n@@ -1 +1 @@\n-go1.27.3\n+go1.27.4\n".to_owned(),
            "the patch p.patch is for VERSION: the version must stay, because it is part of what is pinned",
        ),
        (
            "--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n".to_owned(),
            "the patch p.patch is for ../x: that isn't the name of a file below GOROOT",
        ),
        (
            "hello\n".to_owned(),
            "the patch p.patch can't be read: error parsing patches at byte 0: no valid patches found (\
             write a unified diff, as `git diff` or `diff -u` do)",
        ),
    ] {
        assert_eq!(patched(&patch).unwrap_err(), error);
    }
}

/// With a link in its place, whoever reads the file meanwhile, such as tar, would take it for changed.
#[cfg(unix)]
#[test]
fn patching_leaves_the_files_of_the_cache_alone() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for file in ["VERSION", "bin/go", "pkg/tool/x", "src/fmt/print.go"] {
        let path = from.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    copy_tree(from.path(), to.path()).unwrap();
    assert_eq!(nar::files(to.path()).unwrap(), ["VERSION", "src/fmt/print.go"]);
    let links = std::os::unix::fs::MetadataExt::nlink(&fs::metadata(from.path().join("VERSION")).unwrap());
    assert_eq!(links, 1);
}
