//! Pipelines of CI systems: valid by the vendors' schemas and linters, and what they say to shells does what they are for.
//!
//! The scripts are run as they are: those of GitHub and GitLab are taken out of their files, Buildkite's code fills in variables of what is
//! uploaded, and Groovy reads the pipeline of Jenkins.

#[path = "support/engines.rs"]
#[allow(dead_code)]
mod engines;
#[path = "support/cli.rs"]
#[allow(dead_code)]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use support::{GODIRECT, GOROOT, Project, provisioned, read_tree, repository};

/// What tests/env/ci.sh installs, which builds with the pinned SDK.
static TOOLS: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut command = Command::new(repository("tests/env/ci.sh"));
    let output = command.env("GODIRECT_TEST_GOROOT", &*GOROOT).output().unwrap();
    assert!(output.status.success(), "tests/env/ci.sh: {}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
});

static GROOVY: LazyLock<PathBuf> = LazyLock::new(|| provisioned("groovy.sh"));

const SPEC: &str = "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\", \"windows/amd64\")\n";

const SYSTEMS: [&str; 4] = ["github", "gitlab", "jenkins", "buildkite"];

/// A repository with the pipelines of a call of `ci()`, whose second commit changes a package, a test, and what only Windows has.
fn project(spec: &str) -> Project {
    let project = Project::in_directory(tempfile::tempdir().unwrap(), read_tree(&repository("tests/affected/repo")));
    let path = format!("{}:{}", Path::new(GODIRECT).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let project = project.with_user_cache().env("PATH", path);
    project.write("godirect.star", &format!("{SPEC}{spec}\n"));
    project.write("only/only_windows.go", "package only\n");
    project.succeeds(&["generate"]);
    git(&project, &["init", "-q", "-b", "trunk"]);
    commit(&project);
    project.edit("ext/ext.go", "uuid.Nil", "uuid.NameSpaceDNS");
    project.edit("lib/x_test.go", "\"you\"", "\"him\"");
    project.write("only/only_windows.go", "package only\n\nconst Only = 1\n");
    commit(&project);
    project
}

fn git(project: &Project, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=A", "-c", "user.email=a@example.com"]).args(arguments).current_dir(project.root());
    printed(command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null")).trim_end().to_owned()
}

fn commit(project: &Project) {
    git(project, &["add", "-A"]);
    git(project, &["commit", "-q", "-m", "change"]);
}

/// What a command prints that must succeed.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{command:?}: {stdout}{}", String::from_utf8_lossy(&output.stderr));
    stdout
}

/// What a command prints about a text.
#[track_caller]
fn answers(command: &mut Command, text: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {text}");
    String::from_utf8(output.stdout).unwrap()
}

fn yaml(text: &str) -> Value {
    let program = "import json, sys, ruamel.yaml; json.dump(ruamel.yaml.YAML(typ='safe').load(sys.stdin), sys.stdout)";
    let json = answers(Command::new(TOOLS.join("python")).args(["-c", program]), text);
    serde_json::from_str(&json).unwrap()
}

/// Runs a script in the project, as the systems do.
#[track_caller]
fn shell(project: &Project, script: &str, env: &BTreeMap<String, String>) -> String {
    printed(Command::new("sh").args(["-e", "-c", script]).current_dir(project.root()).env_clear().envs(&project.env).envs(env))
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The variables of a job.
fn env(value: &Value) -> BTreeMap<String, String> {
    let text = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
    value.as_object().unwrap().iter().map(text).collect()
}

/// A script that is a list of commands.
fn script(value: &Value) -> String {
    value.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// What a pipeline prints, from comparing with a commit (or none) on: the comparison, and what the jobs print that it leads to.
type Pipeline = fn(&Project, &str) -> (String, Vec<String>);

fn github(project: &Project, base: &str) -> (String, Vec<String>) {
    github_with(project, base, &[])
}

/// With some more variables for the jobs that build.
fn github_with(project: &Project, base: &str, more: &[(&str, &str)]) -> (String, Vec<String>) {
    let workflow = yaml(&project.read(".github/workflows/godirect.yml"));
    let run = |job: &str, step: &str| {
        let steps = workflow["jobs"][job]["steps"].as_array().unwrap().iter();
        let found = steps.clone().find(|s| s["name"] == step).unwrap_or_else(|| panic!("no step {step}"));
        found["run"].as_str().unwrap().to_owned()
    };
    let output = project.path("output");
    let _ = std::fs::remove_file(&output);
    let env = variables(&[("BASE", base), ("GITHUB_OUTPUT", output.to_str().unwrap())]);
    let compared = shell(project, &run("affected", "compare"), &env);
    let output = std::fs::read_to_string(output).unwrap();
    let matrix: Value = serde_json::from_str(output.trim_end().strip_prefix("matrix=").unwrap()).unwrap();
    let result = |build: &str| {
        let env = variables(&[("RESULT", &format!("success/{build}"))]);
        shell(project, &run("godirect", "result"), &env)
    };
    let include = matrix["include"].as_array().unwrap();
    if include.is_empty() {
        assert_eq!(result("skipped"), "nothing is affected\n");
    }
    let job = |shard: &Value| {
        let name = |name: &str| format!("AFFECTED_{}", name.to_uppercase());
        let env = shard.as_object().unwrap().iter().map(|(key, value)| (name(key), value.as_str().unwrap().to_owned()));
        shell(project, &run("build", "build and test"), &env.chain(variables(more)).collect())
    };
    (compared, include.iter().map(job).collect())
}

fn gitlab(project: &Project, base: &str) -> (String, Vec<String>) {
    let pipeline = yaml(&project.read(".gitlab/godirect.yml"));
    let template = yaml(&project.read(".gitlab/godirect-affected.yml"));
    // In pipelines for merge requests there is no commit before.
    let env_of = match base.is_empty() {
        true => variables(&[("CI_COMMIT_BEFORE_SHA", "0000000000000000000000000000000000000000")]),
        false => variables(&[("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", ""), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base)]),
    };
    let compared = shell(project, &script(&pipeline["godirect affected"]["script"]), &env_of);
    let child = yaml(&project.read("affected.yml"));
    let jobs = child.as_object().unwrap().values();
    let affected = jobs.filter(|job| job["extends"] == ".affected");
    (compared, affected.map(|job| shell(project, &script(&template[".affected"]["script"]), &env(&job["variables"]))).collect())
}

fn jenkins(project: &Project, base: &str) -> (String, Vec<String>) {
    let mut command = Command::new(&*GROOVY);
    command.arg(repository("tests/ci/jenkins.groovy")).arg(".jenkins/godirect.Jenkinsfile");
    command.current_dir(project.root()).env_clear().envs(&project.env).env("PREVIOUS_SUCCESSFUL", base);
    // Debian's script looks for the usual one.
    let java = printed(Command::new("sh").args(["-c", "readlink -f \"$(command -v java)\""]));
    command.env("JAVA_HOME", Path::new(java.trim_end()).ancestors().nth(2).unwrap());
    let text = printed(&mut command);
    let (compared, built) = text.split_once("stage: build and test\n").unwrap();
    (compared.to_owned(), vec![built.to_owned()])
}

fn buildkite(project: &Project, base: &str) -> (String, Vec<String>) {
    // The agent: what it is to upload is kept.
    let agent = project.path("agent/buildkite-agent");
    let uploaded = project.path("agent/uploaded");
    std::fs::create_dir_all(agent.parent().unwrap()).unwrap();
    let code = format!("#!/bin/sh\nexec '{}' <\"$3\" >'{}'\n", TOOLS.join("upload").display(), uploaded.display());
    std::fs::write(&agent, code).unwrap();
    printed(Command::new("chmod").arg("+x").arg(&agent));
    let mut env_of = variables(&[("PATH", &format!("{}:{}", agent.parent().unwrap().display(), project.env["PATH"]))]);
    if !base.is_empty() {
        git(project, &["branch", "-f", "target", base]);
        env_of.extend(variables(&[("BUILDKITE_PULL_REQUEST", "7"), ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "target")]));
    }
    let pipeline = answers(&mut Command::new(TOOLS.join("upload")), &project.read(".buildkite/godirect.yml"));
    let pipeline: Value = serde_json::from_str(&pipeline).unwrap();
    let step = &pipeline["steps"][0];
    env_of.extend(env(&step["env"]));
    let compared = shell(project, step["command"].as_str().unwrap(), &env_of);
    let steps: Value = serde_json::from_str(&std::fs::read_to_string(uploaded).unwrap()).unwrap();
    let steps = steps["steps"].as_array().unwrap().iter().filter(|step| step["label"] != "nothing affected");
    (compared, steps.map(|step| shell(project, step["command"].as_str().unwrap(), &env(&step["env"]))).collect())
}

/// The packages that jobs say to have tested, whether or not these have tests.
fn tested(jobs: &[String]) -> BTreeSet<&str> {
    let lines = jobs.iter().flat_map(|job| job.lines());
    lines
        .filter(|line| line.starts_with("ok  \t") || line.starts_with("?   \t"))
        .map(|line| line.split('\t').nth(1).unwrap())
        .collect()
}

/// The binaries that jobs have built.
fn built(project: &Project) -> BTreeSet<String> {
    let out = project.root().join("godirect-out");
    let mut found = BTreeSet::new();
    for platform in std::fs::read_dir(&out).into_iter().flatten().map(|entry| entry.unwrap()) {
        for file in std::fs::read_dir(platform.path()).unwrap() {
            let (platform, file) = (platform.file_name(), file.unwrap().file_name());
            found.insert(format!("{}/{}", platform.display(), file.display()));
        }
    }
    let _ = std::fs::remove_dir_all(out);
    found
}

#[test]
fn what_is_affected_is_built_and_tested() {
    let project =
        project("ci(\"github\", \"gitlab\", \"jenkins\", \"buildkite\", shards = 2, install = \"godirect --version\")");
    git(&project, &["remote", "add", "origin", "."]);
    let pipelines: [Pipeline; 4] = [github, gitlab, jenkins, buildkite];
    for (system, run) in SYSTEMS.into_iter().zip(pipelines) {
        let base = git(&project, &["rev-parse", "HEAD^"]);
        let (compared, jobs) = run(&project, &base);
        assert!(compared.contains("affected 3 packages, 1 test, 1 binary of 13 targets"), "{system}: {compared}");
        assert_eq!(jobs.len(), if system == "jenkins" { 1 } else { 2 }, "{system}");
        let wanted = ["example.com/m/cmd/other", "example.com/m/ext", "example.com/m/lib"];
        assert_eq!(tested(&jobs), wanted.into(), "{system}");
        assert_eq!(built(&project), ["linux_amd64/other", "windows_amd64/other.exe"].map(str::to_owned).into(), "{system}");
        // Nothing.
        let head = git(&project, &["rev-parse", "HEAD"]);
        let (compared, jobs) = run(&project, &head);
        assert!(compared.contains("affected nothing of"), "{system}: {compared}");
        assert!(tested(&jobs).is_empty() && built(&project).is_empty(), "{system}: {jobs:?}");
        // Nobody knows what was there before.
        let (compared, jobs) = run(&project, "");
        assert!(compared.contains("binary   tool  (new)"), "{system}: {compared}");
        assert_eq!(tested(&jobs).len(), 8, "{system}: {jobs:?}");
        assert_eq!(built(&project).len(), 4, "{system}");
    }
}

/// A program on the project's PATH that runs another one as the tests must.
fn wrapper(project: &Project, name: &str, code: &str) {
    let file = project.path("bin").join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, format!("#!/bin/sh\n{code}\n")).unwrap();
    printed(Command::new("chmod").arg("+x").arg(&file));
}

/// A repository for engines that keep packages apart from each other: two packages with tests, one of which a program needs. Its second commit
/// changes that one.
fn two_packages(spec: &str) -> Project {
    let package = |name: &str| format!("package {name}\n\nconst Name = \"{name}\"\n");
    let test = |name: &str| format!("package {name}\n\nimport \"testing\"\n\nfunc Test(t *testing.T) {{ t.Log(Name) }}\n");
    let project = Project::new(&[
        ("godirect.star", &format!("go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n{spec}\n")),
        ("go.mod", "module example.com/two\n\ngo 1.27\n"),
        ("a/a.go", &package("a")),
        ("a/a_test.go", &test("a")),
        ("b/b.go", &package("b")),
        ("b/b_test.go", &test("b")),
        ("cmd/x/main.go", "package main\n\nimport \"example.com/two/a\"\n\nfunc main() { println(a.Name) }\n"),
        ("cmd/y/main.go", "package main\n\nimport \"example.com/two/b\"\n\nfunc main() { println(b.Name) }\n"),
    ]);
    let path = format!(
        "{}:{}:{}",
        project.path("bin").display(),
        Path::new(GODIRECT).parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let project = project.with_user_cache().env("PATH", path);
    project.succeeds(&["lock"]);
    project.succeeds(&["generate"]);
    project
}

/// Commits all, and then a change of one of the two packages.
fn change(project: &Project) {
    git(project, &["init", "-q", "-b", "trunk"]);
    commit(project);
    project.edit("a/a.go", "\"a\"", "\"changed\"");
    commit(project);
}

#[test]
fn nix_builds_what_is_affected() {
    let project = two_packages("nix()\nci(\"github\", engine = \"nix\", install = \"nix-build --version\")");
    let (nix, store) = (engines::provisioned("nix.sh"), engines::CACHE.join("nix-store"));
    let (conf, nix, store) = (repository("tests/env"), nix.display(), store.display());
    let code = format!("NIX_CONF_DIR='{}' exec '{nix}/nix-build' --store '{store}' \"$@\"", conf.display());
    wrapper(&project, "nix-build", &code);
    change(&project);
    let (compared, jobs) = github(&project, "HEAD^");
    assert!(compared.contains("affected 2 packages, 1 test, 1 binary of 8 targets"), "{compared}");
    let stored = jobs.iter().flat_map(|job| job.lines()).filter(|line| line.starts_with("/nix/store/"));
    let stored: Vec<&str> = stored.collect();
    assert!(stored.len() == 1 && stored[0].ends_with("-go-x"), "{jobs:?}");
    assert_eq!(tested(&jobs), ["example.com/two/a", "example.com/two/cmd/x"].into());
}

#[test]
fn bazel_builds_what_is_affected() {
    let project = two_packages("bazel()\nci(\"github\", engine = \"bazel\", install = \"bazel --version\", shards = 1)");
    // Always the same, so that the SDK isn't unpacked again each time. Not below /tmp, which Bazel's sandbox hides.
    let base = engines::CACHE.join("bazel-out/ci");
    let bazel = engines::provisioned("bazel.sh");
    let (bazel, user, base) = (bazel.display(), engines::CACHE.join("bazel-out"), base.display());
    let startup = format!("--output_user_root='{}' --output_base='{base}' --max_idle_secs=60", user.display());
    wrapper(&project, "bazel", &format!("exec '{bazel}' {startup} \"$@\" 2>&1"));
    let module = format!(
        "{}\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n    path = \"{}\",\n)\n",
        project.read("MODULE.bazel"),
        repository("rules_go_direct").display()
    );
    project.write("MODULE.bazel", &module);
    change(&project);
    let cache = engines::CACHE.join("bazel-ci").display().to_string();
    let (compared, jobs) = github_with(&project, "HEAD^", &[("GODIRECT_CACHE", &cache)]);
    assert!(compared.contains("affected 2 packages, 1 test, 1 binary of 9 targets"), "{compared}");
    assert!(jobs.len() == 1 && jobs[0].contains("Executed 1 out of 1 test: 1 test passes."), "{jobs:?}");
    assert!(jobs[0].contains("Found 3 targets and 1 test target") && !jobs[0].contains("//b:"), "{}", jobs[0]);
    // What isn't tested is built without that being an error.
    project.edit("cmd/y/main.go", "println", "print");
    commit(&project);
    let (_, jobs) = github_with(&project, "HEAD^", &[("GODIRECT_CACHE", &cache)]);
    assert!(
        jobs[0].contains("Found 2 targets and 0 test targets") && jobs[0].contains("No test targets were found"),
        "{}",
        jobs[0]
    );
}

#[test]
fn a_pipeline_fails_where_it_must() {
    let project = project("ci(\"github\", install = \"godirect --version\")");
    let workflow = yaml(&project.read(".github/workflows/godirect.yml"));
    let compare = workflow["jobs"]["affected"]["steps"][2]["run"].as_str().unwrap().to_owned();
    let fails = |base: &str, message: &str| {
        let output = project.path("output");
        let mut command = Command::new("sh");
        command.args(["-e", "-c", &compare]).current_dir(project.root()).env_clear().envs(&project.env);
        let ran = command.env("BASE", base).env("GITHUB_OUTPUT", &output).output().unwrap();
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert!(!ran.status.success() && stderr.contains(message), "{stderr}");
        assert!(!output.exists());
    };
    fails("1111111111111111111111111111111111111111", "is not in this git repository");
    project.edit(".github/workflows/godirect.yml", "fetch-depth: 0", "fetch-depth: 1");
    fails("HEAD^", "1 file stale");
    git(&project, &["checkout", "-q", "."]);
    project.edit("godirect.star", "linux/amd64", "linux/arm64");
    fails("HEAD^", "godirect.lock.json is stale");
    let result = workflow["jobs"]["godirect"]["steps"][0]["run"].as_str().unwrap();
    for ended in ["failure/skipped", "success/failure", "success/cancelled", "cancelled/skipped"] {
        assert!(!Command::new("sh").args(["-e", "-c", result]).env("RESULT", ended).status().unwrap().success(), "{ended}");
    }
}

/// Holds a file against a vendored schema of check-jsonschema.
fn check_schema(schema: &str, project: &Project, file: &str) {
    let mut command = Command::new(TOOLS.join("check-jsonschema"));
    printed(command.args(["--builtin-schema", &format!("vendor.{schema}"), file]).current_dir(project.root()));
}

#[test]
fn files_are_valid() {
    for engine in ["godirect", "bazel", "nix"] {
        for machines in ["install = \"curl -f https://example.com/x | sh\"", "image = \"a/b:1\"", "runner = \"self-hosted\""] {
            let systems: &[&str] = if machines.starts_with("image") { &SYSTEMS[..3] } else { &SYSTEMS };
            let named = systems.iter().map(|system| format!("\"{system}\"")).collect::<Vec<_>>().join(", ");
            let project =
                project(&format!("nix()\nbazel()\nci({named}, engine = \"{engine}\", branch = \"trunk\", {machines})"));
            printed(Command::new(TOOLS.join("actionlint")).arg("-no-color").current_dir(project.root()));
            check_schema("github-workflows", &project, ".github/workflows/godirect.yml");
            check_schema("gitlab-ci", &project, ".gitlab/godirect.yml");
            let format = |format: &str| {
                project.succeeds(&["affected", "--base", "HEAD^", "--head", "HEAD", "--format", format, "--shards", "3"])
            };
            // GitLab puts them together.
            let mut child = yaml(&project.read(".gitlab/godirect-affected.yml"));
            child.as_object_mut().unwrap().extend(yaml(&format("gitlab")).as_object().unwrap().clone());
            project.write("child.yml", &child.to_string());
            check_schema("gitlab-ci", &project, "child.yml");
            if systems.contains(&"buildkite") {
                check_schema("buildkite", &project, ".buildkite/godirect.yml");
                project.write("steps.yml", &format("buildkite"));
                check_schema("buildkite", &project, "steps.yml");
            }
        }
    }
}

#[test]
fn pipelines_that_are_not_wanted_any_more_are_removed() {
    let project = project("ci(\"github\", \"buildkite\", runner = \"x\")");
    project.write("godirect.star", &format!("{SPEC}ci(\"buildkite\", runner = \"x\")\n"));
    let printed = project.succeeds(&["generate"]);
    assert!(printed.starts_with("removed  .github/workflows/godirect.yml\n"), "{printed}");
    assert!(project.root().join(".buildkite/godirect.yml").exists());
}

#[test]
fn the_spec_must_be_in_the_root_of_the_git_repository() {
    let project = project("ci(\"github\", runner = \"x\")");
    std::fs::remove_dir_all(project.root().join(".git")).unwrap();
    // Not in a repository yet.
    project.succeeds(&["generate", "--check"]);
    printed(Command::new("git").args(["init", "-q"]).current_dir(project.root().parent().unwrap()));
    project.write("lib/more.go", "package lib\n");
    project.fails(
        &["generate"],
        2,
        "error: godirect.star has ci(), and is in the directory repo of the git repository\n |\n\
         help: move the spec to the repository's root, where CI systems look for pipelines, or remove ci()\n",
    );
}
