//! Modules that the root module changes: by patches, and by an archive in the place of the proxy's zip.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::engines::{self, bazel_output, repository, succeeded};
use super::modules::copy;

pub const MODULE: &str = "github.com/cespare/xxhash/v2";
const TARGET: &str = "//cmd/checksum";

/// A copy of the example whose program needs the module.
pub fn workspace(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&workspace);
    copy(&repository("examples/02-modules"), &workspace);
    workspace
}

/// Writes its MODULE.bazel with more lines.
pub fn write_module(workspace: &Path, lines: &str) {
    let module = fs::read_to_string(repository("examples/02-modules/MODULE.bazel")).unwrap();
    let module = module.replace("../../rules_go_direct", &repository("rules_go_direct").display().to_string());
    fs::write(workspace.join("MODULE.bazel"), format!("{module}\n{lines}\n")).unwrap();
}

/// The go command with a cache of modules of its own, whose files can be changed: it looks at hashes only when it unpacks.
pub fn go(workspace: &Path, arguments: &[&str]) -> String {
    let cache = workspace.join("modules");
    let cache = cache.to_str().unwrap();
    let mut command = engines::go_command(&engines::GOROOT, workspace, &[]);
    command.envs([("GOMODCACHE", cache), ("GOFLAGS", "-modcacherw")]).args(arguments);
    succeeded("go", &command.output().unwrap())
}

/// The directory of the module in that cache.
fn module_directory(workspace: &Path) -> PathBuf {
    let printed: serde_json::Value = serde_json::from_str(&go(workspace, &["mod", "download", "-json", MODULE])).unwrap();
    PathBuf::from(printed["Dir"].as_str().unwrap())
}

/// The program's bytes.
pub fn by_go(workspace: &Path) -> Vec<u8> {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("program");
    go(
        workspace,
        &["build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o", file.to_str().unwrap(), "./cmd/checksum"],
    );
    fs::read(file).unwrap()
}

fn by_bazel(workspace: &Path, lines: &str) -> Vec<u8> {
    write_module(workspace, lines);
    fs::read(engines::bazel_build(workspace, "linux_amd64", TARGET)).unwrap()
}

fn refused(workspace: &Path, lines: &str) -> String {
    write_module(workspace, lines);
    let output = bazel_output(workspace, &["build", TARGET]);
    assert!(!output.status.success(), "{lines} is accepted");
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    printed.lines().find_map(|line| line.strip_prefix("Error in fail: ")).unwrap_or(&printed).to_owned()
}

/// Changes the module in Go's cache, and writes the patch that does the same.
fn patch(workspace: &Path, directory: &Path) {
    let (file, original) = (directory.join("xxhash.go"), workspace.join("original.go.txt"));
    fs::copy(&file, &original).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("prime5 uint64 = ", "prime5 uint64 = 1 + ")).unwrap();
    let mut diff = Command::new("diff");
    diff.args(["-u", "--label", "a/xxhash.go", "--label", "b/xxhash.go"]).args([&original, &file]);
    fs::write(workspace.join("xxhash.patch"), diff.output().unwrap().stdout).unwrap();
}

/// An archive of the module, and how a tag names it.
fn archive(workspace: &Path, directory: &Path) -> String {
    let archive = workspace.join("xxhash.tar.gz");
    let name = directory.file_name().unwrap().to_str().unwrap();
    let mut tar = Command::new("tar");
    succeeded("tar", &tar.arg("-C").arg(directory.parent().unwrap()).arg("-czf").arg(&archive).arg(name).output().unwrap());
    let sum = succeeded("sha256sum", &Command::new("sha256sum").arg(&archive).output().unwrap());
    let (sum, url) = (&sum[..64], format!("file://{}", archive.display()));
    format!("path = \"{MODULE}\", sha256 = \"{sum}\", strip_prefix = \"{name}\", urls = [\"{url}\"]")
}

#[test]
fn modules_are_patched_and_come_from_archives() {
    let workspace = workspace("overrides");
    let directory = module_directory(&workspace);
    let plain = by_go(&workspace);
    let from_archive = archive(&workspace, &directory);
    assert!(
        by_bazel(&workspace, &format!("go.archive_override({from_archive})")) == plain,
        "the program of an archive differs"
    );

    patch(&workspace, &directory);
    let patched = by_go(&workspace);
    assert!(plain != patched);
    let patches = "patches = [\"//:xxhash.patch\"]";
    let patch = format!("go.module_override(path = \"{MODULE}\", {patches})");
    assert!(by_bazel(&workspace, &patch) == patched, "the patched program differs from that of go build");
    let both = format!("go.archive_override({patches}, {from_archive})");
    assert!(by_bazel(&workspace, &both) == patched, "the program of a patched archive differs");

    assert_eq!(
        refused(&workspace, &format!("{patch}\n{both}")),
        format!("MODULE.bazel overrides the module {MODULE} twice; keep one of the tags")
    );
    assert_eq!(
        refused(&workspace, "go.module_override(path = \"a.example/no\", patches = [])"),
        "MODULE.bazel overrides the module a.example/no, which isn't in the lock; correct the path, or remove the tag"
    );
    let removes = "--- a/xxhash.go\n+++ /dev/null\n";
    let lines: Vec<String> =
        fs::read_to_string(workspace.join("original.go.txt")).unwrap().lines().map(|line| format!("-{line}\n")).collect();
    let whole = format!("{removes}@@ -1,{} +0,0 @@\n{}", lines.len(), lines.concat());
    fs::write(workspace.join("xxhash.patch"), whole).unwrap();
    assert_eq!(
        refused(&workspace, &patch),
        format!(
            "the module {MODULE} has no xxhash.go as MODULE.bazel overrides it, but godirect.lock.json names it: overrides can't take files away; replace the module in go.mod"
        )
    );
    engines::end_bazel(&workspace);
}
