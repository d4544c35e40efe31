//! std on demand, as the rules have it, beside all of std as one action, as rules_go has it.

use std::fs;
use std::path::Path;

use super::cost::{medians, milliseconds};
use super::{Bench, engines};
use crate::programs::write;

/// One action that compiles all packages of std, as `go install std` does it into a GOROOT.
const RULE: &str = r#"def _impl(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        outputs = [out],
        mnemonic = "GoStdInOne",
        execution_requirements = {"no-sandbox": "1"},
        arguments = [out.path, ctx.attr.goroot],
        command = """
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir "$work/root" "$work/root/pkg"
for name in bin src go.env VERSION lib; do ln -s "$2/$name" "$work/root/$name"; done
for name in tool include; do ln -s "$2/pkg/$name" "$work/root/pkg/$name"; done
env -i GOROOT="$work/root" GOCACHE="$work/cache" GOPATH="$work/path" GODEBUG=installgoroot=all CGO_ENABLED=0 GOENV=off \\
  GOTOOLCHAIN=local GOFLAGS= PATH=/usr/bin:/bin HOME="$work" "$2/bin/go" install -trimpath std
cp -r "$work"/root/pkg/*_* "$1/"
""",
    )
    return [DefaultInfo(files = depset([out]))]

std_in_one = rule(implementation = _impl, attrs = {"goroot": attr.string()})
"#;

/// Prints the table: the whole hello on demand beside only the action that it would wait for.
pub fn compare(rounds: usize, hello: &Bench) {
    let root = hello.workspace.root();
    write(root, "one/std.bzl", RULE);
    let goroot = engines::GOROOT.display();
    write(
        root,
        "one/BUILD.bazel",
        &format!("load(\":std.bzl\", \"std_in_one\")\n\nstd_in_one(\n    name = \"one\",\n    goroot = \"{goroot}\",\n)\n"),
    );
    let cache = tempfile::tempdir().expect("a temporary directory");
    let disk = format!("--disk_cache={}", cache.path().display());
    let targets = ["//one", "//:hello"];
    let rows = [("nothing built before", "--disk_cache="), ("all in a disk cache", &disk)];
    println!("\n| | std in one action | CPU | hello, with its packages of std | CPU |\n|---|---:|---:|---:|---:|");
    for (name, flag) in rows {
        targets.iter().for_each(|target| drop(hello.bazel(&["build", flag, target])));
        let costs = medians::<2>(rounds, |index, _| {
            hello.bazel(&["clean"]);
            hello.run_targets(&[flag, targets[index]])
        });
        let [one, demand] = costs.map(|cost| format!("{:.0} ms | {:.0} ms", milliseconds(cost.time), milliseconds(cost.cpu)));
        println!("| {name} | {one} | {demand} |");
    }
    hello.bazel(&["clean"]);
    targets.iter().for_each(|target| drop(hello.bazel(&["build", "--disk_cache=", target])));
    let bin = hello.bazel(&["info", "bazel-bin"]);
    let bin = Path::new(bin.trim_end());
    let of_rules = fs::read_dir(bin.join("external")).expect("what is built of other repositories");
    let of_rules: Vec<_> = of_rules.map(|entry| entry.expect("a directory's entry").path()).collect();
    let demand = of_rules.iter().map(|repository| size(&repository.join("go/std"), "pkg.x"));
    let demand = demand.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    let one = size(&bin.join("one/one"), ".a");
    let shown = |(packages, bytes): (u64, u64)| format!("{packages} packages | {:.0} MB", bytes as f64 / 1e6);
    println!("| results | {} | {} |", shown(one), shown(demand));
    fs::remove_dir_all(root.join("one")).expect("what was written before");
}

/// How many files with such names there are below a directory, if it is there, and how many bytes all files there have.
fn size(directory: &Path, ending: &str) -> (u64, u64) {
    let (mut named, mut bytes) = (0, 0);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let metadata = entry.metadata().expect("a file's metadata");
        let is_named = u64::from(entry.file_name().to_string_lossy().ends_with(ending));
        let found = if metadata.is_dir() { size(&entry.path(), ending) } else { (is_named, metadata.len()) };
        (named, bytes) = (named + found.0, bytes + found.1);
    }
    (named, bytes)
}
