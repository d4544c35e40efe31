//! SDKs that don't come from where the lock says: programs have the same bytes, and what isn't the lock's release is refused.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::engines::{self, GOROOT, bazel_command, repository, succeeded};

const PROGRAM: &str = "//:hello";

/// A workspace whose MODULE.bazel says more of its SDK.
fn workspace(name: &str) -> PathBuf {
    let example = repository("examples/01-hello");
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdks").join(name);
    let _ = fs::remove_dir_all(&workspace);
    fs::create_dir_all(&workspace).unwrap();
    for name in ["BUILD.bazel", "godirect.lock.json", "go.mod", "main.go"] {
        fs::copy(example.join(name), workspace.join(name)).unwrap();
    }
    workspace
}

fn write_module(workspace: &Path, lines: &str) {
    let module = fs::read_to_string(repository("examples/01-hello/MODULE.bazel")).unwrap();
    let module = module.replace("../../rules_go_direct", &repository("rules_go_direct").display().to_string());
    fs::write(workspace.join("MODULE.bazel"), module + lines).unwrap();
}

/// Builds with a module proxy that has nothing, so that no SDK is downloaded.
fn build(workspace: &Path, lines: &str, env: &[(&str, &str)]) -> Output {
    write_module(workspace, lines);
    let flags = ["build", "--repo_env=GOPROXY=file:///nonexistent", "--repository_cache=", "--disk_cache=", PROGRAM];
    bazel_command(workspace, &flags).envs(env.iter().copied()).output().unwrap()
}

/// The program's bytes, and that everything was compiled by an SDK that wasn't downloaded.
fn built(workspace: &Path, lines: &str, env: &[(&str, &str)]) -> Vec<u8> {
    succeeded(&format!("bazel build with {lines}"), &build(workspace, lines, env));
    let bin = engines::bazel(workspace, &["info", "bazel-bin"]);
    fs::read(Path::new(bin.trim_end()).join("hello_/hello")).unwrap()
}

/// What the ruleset says against it.
fn refused(workspace: &Path, lines: &str, env: &[(&str, &str)]) -> String {
    let output = build(workspace, lines, env);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{lines} is accepted");
    printed.lines().find_map(|line| line.strip_prefix("Error in fail: ")).unwrap_or(&printed).to_owned()
}

/// A GOROOT with the files of the pinned one, of which some differ.
fn goroot(place: &Path, version: &str) {
    let tools = place.join("pkg/tool/linux_amd64");
    fs::create_dir_all(&tools).unwrap();
    fs::write(place.join("VERSION"), format!("{version}\ntime 2026-01-01T00:00:00Z\n")).unwrap();
    for name in ["lib", "src", "pkg/include"] {
        symlink(GOROOT.join(name), place.join(name)).unwrap();
    }
    for tool in ["asm", "cgo", "compile", "cover", "link", "preprofile"] {
        symlink(GOROOT.join("pkg/tool/linux_amd64").join(tool), tools.join(tool)).unwrap();
    }
}

fn pinned_version() -> String {
    fs::read_to_string(GOROOT.join("VERSION")).unwrap().lines().next().unwrap().to_owned()
}

/// An archive as releases are, of what the rules need, and its SHA-256.
fn archive(workspace: &Path) -> (PathBuf, String) {
    let (staged, file) = (workspace.join("staged/sdk"), workspace.join("go.tar.gz"));
    goroot(&staged, &pinned_version());
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(workspace.join("staged")).args(["--dereference", "--exclude=testdata", "-czf"]).arg(&file).arg("sdk");
    succeeded("tar", &tar.output().unwrap());
    fs::remove_dir_all(workspace.join("staged")).unwrap();
    let sum = Command::new("sha256sum").arg(&file).output().unwrap();
    let sum = succeeded("sha256sum", &sum);
    (file, sum.split(' ').next().unwrap().to_owned())
}

#[test]
fn sdks_of_other_places_build_the_same_programs() {
    let workspace = workspace("places");
    let (out, root) = (tempfile::tempdir().unwrap(), GOROOT.display().to_string());
    let expected = out.path().join("hello");
    engines::go_build(&workspace, ".", &[], &expected);
    let expected = fs::read(expected).unwrap();
    let check = |lines: &str, env: &[(&str, &str)]| {
        assert!(built(&workspace, lines, env) == expected, "{lines}: the program differs from that of go build");
    };
    check(&format!("\ngo.local_sdk(path = \"{root}\")\n"), &[]);
    check("\ngo.host_sdk()\n", &[("GOROOT", &root)]);
    let path = format!("{root}/bin:{}", std::env::var("PATH").unwrap());
    check("\ngo.host_sdk(name = \"default\")\n", &[("PATH", &path), ("GOROOT", "")]);
    goroot(&workspace.join("third_party/go"), &pinned_version());
    fs::write(workspace.join("third_party/go/BUILD.bazel"), "exports_files([\"VERSION\"])\n").unwrap();
    check("\ngo.wrap_sdk(root_file = \"//third_party/go:VERSION\")\n", &[]);
    check("\ngo.local_sdk(path = \"third_party/go\")\n", &[]);
    let (file, sha256) = archive(&workspace);
    let urls = format!("urls = [\"file://{}\"], sha256 = \"{sha256}\"", file.display());
    check(&format!("\ngo.download_sdk(platform = \"linux/amd64\", strip_prefix = \"sdk\", {urls})\n"), &[]);
    engines::end_bazel(&workspace);
}

#[test]
fn sdks_that_are_not_the_locks_are_refused() {
    let workspace = workspace("refused");
    let message = |lines: &str, env: &[(&str, &str)]| {
        refused(&workspace, lines, env).replace(&workspace.display().to_string(), "WORKSPACE")
    };
    let version = pinned_version();
    let of = |name: &str| workspace.join(name);
    goroot(&of("old"), "go1.20.1");
    assert_eq!(
        message("\ngo.local_sdk(path = \"old\")\n", &[]),
        format!(
            "WORKSPACE/old is go1.20.1, and the lock has {version}: take that version, or write it into godirect.star and run `godirect lock`"
        )
    );
    goroot(&of("part"), &version);
    let linker = of("part/pkg/tool/linux_amd64/link");
    fs::remove_file(&linker).unwrap();
    assert_eq!(
        message("\ngo.local_sdk(path = \"part\")\n", &[]),
        "WORKSPACE/part has no pkg/tool/linux_amd64/link; install a whole Go there"
    );
    fs::create_dir(of("empty")).unwrap();
    assert_eq!(
        message("\ngo.local_sdk(path = \"empty\")\n", &[]),
        "WORKSPACE/empty has no file VERSION, so it is no GOROOT; correct go.local_sdk in MODULE.bazel"
    );
    fs::remove_file(of("part/src")).unwrap();
    let part = message("\ngo.local_sdk(path = \"part\")\n", &[]);
    let end = format!(", which the release {version} has; install a whole Go there");
    assert!(part.starts_with("WORKSPACE/part has no src/") && part.ends_with(&end), "{part}");
    assert_eq!(
        message("\ngo.host_sdk()\n", &[("GOROOT", ""), ("PATH", "/usr/bin:/bin")]),
        "go.host_sdk takes the Go of this machine, but there is no GOROOT in the environment and no `go` on PATH; install Go, or name its directory by go.local_sdk"
    );
    assert_eq!(
        message("\ngo.host_sdk(name = \"next\")\n", &[]),
        "MODULE.bazel says where the SDK `next` comes from, but the lock has only default; correct the name, or add it to godirect.star"
    );
    assert_eq!(
        message("\ngo.host_sdk()\ngo.local_sdk(path = \"old\")\n", &[]),
        "MODULE.bazel says twice where the SDK `default` comes from; keep one of the tags"
    );
    assert_eq!(
        message("\ngo.download_sdk(platform = \"plan9/386\", sha256 = \"\", urls = [\"file:///go.tar.gz\"])\n", &[]),
        "go.download_sdk names plan9/386, which the SDK `default` has no entry for in the lock; add it to exec_platforms in godirect.star"
    );
    engines::end_bazel(&workspace);
}
