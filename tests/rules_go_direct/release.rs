//! A release is what `rules_go_direct/release.sh` makes of a commit: the same archive each time, and an entry that a real Bazel takes for a
//! registry's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::engines::{self, bazel, repository, succeeded};

/// The version that MODULE.bazel says.
fn version() -> String {
    let module = fs::read_to_string(repository("rules_go_direct/MODULE.bazel")).unwrap();
    module.split("version = \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Runs a program in a directory, with nobody's settings of git.
fn run(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.current_dir(directory).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "n").env(format!("GIT_{who}_EMAIL"), "e@a.example");
    }
    succeeded(&format!("{program} {}", arguments.join(" ")), &command.output().unwrap())
}

/// Commits the files of the working tree that a release is made of, since HEAD may be behind them.
fn commit(root: &Path) {
    fs::create_dir_all(root).unwrap();
    for name in [".bcr", ".gitignore", "LICENSE-APACHE", "LICENSE-MIT", "rules_go_direct"] {
        run(root, "cp", &["-r", repository(name).to_str().unwrap(), "."]);
    }
    run(root, "git", &["init", "--quiet"]);
    run(root, "git", &["add", "."]);
    run(root, "git", &["commit", "--quiet", "--message=release"]);
}

/// Makes a release in `out`, whose archive is there to be downloaded.
fn release(root: &Path, out: &Path) -> PathBuf {
    let (place, metadata) = (format!("file://{}", out.display()), root.join("metadata.json"));
    let maintainers = json!([{"name": "N", "email": "e@a.example"}]);
    let known = json!({"homepage": "https://a.example", "maintainers": maintainers, "repository": [place], "versions": []});
    fs::write(&metadata, known.to_string()).unwrap();
    let url = format!("{place}/rules_go_direct-{}.tar.gz", version());
    let arguments = [&*url, metadata.to_str().unwrap(), out.to_str().unwrap()];
    PathBuf::from(run(root, "rules_go_direct/release.sh", &arguments).trim_end())
}

/// The files of an archive, below its only directory.
fn files(archive: &Path) -> BTreeSet<String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(archive).unwrap()));
    let paths = archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned());
    let prefix = format!("rules_go_direct-{}/", version());
    let below = |path: String| path.strip_prefix(&prefix).unwrap().to_owned();
    paths.filter(|path| path != "pax_global_header" && !path.ends_with('/')).map(below).collect()
}

#[test]
fn an_archive_is_the_same_each_time_and_has_what_the_module_needs() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (directory.path().join("first"), directory.path().join("second"));
    commit(&first);
    run(directory.path(), "git", &["clone", "--quiet", "first", "second"]);
    let archive = release(&first, &first.join("out"));
    assert!(fs::read(&archive).unwrap() == fs::read(release(&second, &second.join("out"))).unwrap());

    let found = files(&archive);
    let tops: BTreeSet<&str> = found.iter().map(|path| path.split('/').next().unwrap()).collect();
    let expected =
        [".bazelignore", "BUILD.bazel", "LICENSE-APACHE", "LICENSE-MIT", "MODULE.bazel", "README.md", "docs", "e2e", "go"];
    assert_eq!(tops, BTreeSet::from(expected));
    let unneeded =
        |path: &&String| path.starts_with("go/private/tests/") || (path.starts_with("docs/") && !path.ends_with(".md"));
    assert_eq!(found.iter().find(unneeded), None);

    let version = version();
    let template = fs::read_to_string(repository(".bcr/rules_go_direct/source.template.json")).unwrap();
    let read = |path: &str| fs::read_to_string(first.join("out/modules/rules_go_direct").join(path)).unwrap();
    let [template, source, metadata]: [Value; 3] =
        [template.replace("{VERSION}", &version), read(&format!("{version}/source.json")), read("metadata.json")]
            .map(|text| serde_json::from_str(&text).unwrap());
    assert_eq!(source["strip_prefix"], template["strip_prefix"]);
    assert_eq!(metadata["versions"], json!([version]));

    fs::write(first.join("rules_go_direct/README.md"), "").unwrap();
    let refused = Command::new(first.join("rules_go_direct/release.sh")).args(["", ".", "."]).output().unwrap();
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("changes that are not in HEAD"), "{text}");
}

/// The targets of the ruleset that the registry builds.
fn build_targets() -> Vec<String> {
    let presubmit = fs::read_to_string(repository(".bcr/rules_go_direct/presubmit.yml")).unwrap();
    let quoted = presubmit.lines().filter_map(|line| line.trim().strip_prefix("- \"@")?.strip_suffix('"'));
    quoted.map(|target| format!("@{target}")).collect()
}

#[test]
fn a_release_comes_from_a_registry() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release");
    let _ = fs::remove_dir_all(&root);
    commit(&root);
    let out = root.join("out");
    let archive = release(&root, &out);
    let registry = format!("--registry=file://{}", out.display());

    // What the registry does: its targets in a module that has nothing else, then the module of tests in the archive.
    let anonymous = root.join("anonymous");
    fs::create_dir(&anonymous).unwrap();
    let dependency = format!("bazel_dep(name = \"rules_go_direct\", version = \"{}\")\n", version());
    fs::write(anonymous.join("MODULE.bazel"), dependency).unwrap();
    let targets = build_targets();
    bazel(&anonymous, &[&["build", &registry, "--"], &targets.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat());
    engines::end_bazel(&anonymous);
    run(&root, "tar", &["-xf", archive.to_str().unwrap()]);
    let smoke = root.join(format!("rules_go_direct-{}/e2e/smoke", version()));
    bazel(&smoke, &["test", &registry, "//..."]);

    // What a user does: the same module without its override.
    let module = fs::read_to_string(smoke.join("MODULE.bazel")).unwrap();
    let (before, rest) = module.split_once("local_path_override(").unwrap();
    fs::write(smoke.join("MODULE.bazel"), format!("{before}{}", rest.split_once(")\n").unwrap().1)).unwrap();
    bazel(&smoke, &["test", &registry, "//..."]);
    assert_eq!(bazel(&smoke, &["run", &registry, "//:smoke"]), "hello Bazel\n");
    engines::end_bazel(&smoke);
}
