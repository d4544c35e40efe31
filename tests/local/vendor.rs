//! vendor/: packages come from it as `go build` decides, with the same bytes; what doesn't fit is refused with the same complaints.

use std::path::Path;

use godirect::files::Files;
use godirect::module::modules_txt::ModulesTxt;
use godirect::module::vendor::inconsistencies;
use godirect::module::workspace::Workspace;

use crate::{Project, build_info, online};

/// Third-party modules, one of them with assembly and one inside of another's directory, a replacement by a module and one by a directory.
fn project() -> Project {
    let project = Project::new(&[
        (
            "go.mod",
            "module example.com/main\n\ngo 1.25\n\nrequire (\n\texample.com/lib v1.2.0\n\tgithub.com/cespare/xxhash v1.1.0\n\tgithub.com/cespare/xxhash/v2 v2.3.0\n\t\
             github.com/fatih/color v1.18.0\n\tgithub.com/mattn/go-isatty v0.0.19\n)\n\n\
             require (\n\tgithub.com/mattn/go-colorable v0.1.13 // indirect\n\tgolang.org/x/sys v0.25.0 // indirect\n)\n\n\
             replace example.com/lib v1.2.0 => ./lib\n\nreplace github.com/mattn/go-isatty => github.com/mattn/go-isatty v0.0.20\n\n\
             replace example.com/unused => ./unused\n",
        ),
        (
            "main.go",
            "package main\n\nimport (\n\t\"example.com/lib/sub\"\n\told \"github.com/cespare/xxhash\"\n\t\"github.com/cespare/xxhash/v2\"\n\t\"github.com/fatih/color\"\n\t\"github.com/mattn/go-isatty\"\n)\n\n\
             func main() {\n\tcolor.Red(sub.Text)\n\tprintln(xxhash.Sum64String(sub.Text), isatty.IsTerminal(1), old.Sum64(nil))\n}\n",
        ),
        ("lib/go.mod", "module example.com/lib\n\ngo 1.21\n"),
        ("lib/sub/sub.go", "package sub\n\nimport _ \"embed\"\n\n//go:embed texts\nvar Text string\n"),
        ("lib/sub/texts", "text\n"),
        ("unused/go.mod", "module example.com/unused\n"),
    ]);
    vendor(&project, "", &["mod", "vendor"]);
    project
}

/// Lets the go command complete go.sum and make vendor/ anew.
fn vendor(project: &Project, module: &str, arguments: &[&str]) {
    let directory = project.root().join(module);
    if arguments[0] == "mod" {
        online(&directory, &["mod", "tidy"]);
    }
    online(&directory, arguments);
}

#[test]
fn a_vendored_module() {
    let project = project();
    project.is_the_same_from_go("", ".", "main");
    let info = build_info(&project.root().join("godirect-out/linux_amd64/main"));
    assert!(info.contains("\tdep\texample.com/lib\tv1.2.0\n\t=>\t./lib\t(devel)\t\n"), "{info}");
    assert!(info.contains("\tdep\tgithub.com/fatih/color\tv1.18.0\t\n"), "{info}");
    let lock = project.read("godirect.lock.json");
    assert!(lock.contains("\"modules\": [],\n  \"vendored\": ["), "{lock}");
    assert!(!lock.contains("\"local\""));
}

#[test]
fn what_is_in_vendor_is_pinned() {
    let project = project();
    project.succeeds(&["lock"]);
    let stale = |why: &str| {
        let message = format!("godirect.lock.json is stale: {why}");
        project.fails(&["build"], 1, &message, "run `godirect lock`");
        project.fails(&["generate", "--check"], 1, &message, "run `godirect lock`");
    };
    let color = "the files of github.com/fatih/color@v1.18.0 in vendor/ are not those that it was made for";
    let file = "vendor/github.com/fatih/color/color.go";
    let original = project.read(file);
    project.write(file, &original.replace("package color", "package color // edited"));
    stale(color);
    project.write(file, &original);
    project.succeeds(&["build"]);

    project.write("vendor/github.com/fatih/color/added.go", "package color\n");
    stale(color);
    // What is locked anew is built, as go build builds it.
    project.is_the_same_from_go("", ".", "main");
    std::fs::remove_file(project.root().join("vendor/github.com/fatih/color/added.go")).unwrap();
    project.succeeds(&["lock"]);
    // Go ignores these, and so does the hash.
    project.write("vendor/github.com/fatih/color/.editor.go", "");
    project.write("vendor/github.com/fatih/unused/unused.go", "");
    project.write("lib/sub/texts", "another text, that is not in vendor\n");
    project.succeeds(&["build"]);
    project.compare("", ".", "main");

    project.write("vendor/example.com/lib/sub/texts", "edited\n");
    stale("the files of example.com/lib@v1.2.0 in vendor/ are not those that it was made for");
    std::fs::remove_dir_all(project.root().join("vendor")).unwrap();
    stale("it has example.com/lib from vendor/, which go build doesn't use");
}

#[test]
fn a_lock_for_modules_doesnt_fit_vendored_ones() {
    let project = project();
    std::fs::rename(project.root().join("vendor"), project.root().join("../vendor")).unwrap();
    project.is_the_same_from_go("", ".", "main");
    std::fs::rename(project.root().join("../vendor"), project.root().join("vendor")).unwrap();
    let message = "godirect.lock.json is stale: it doesn't have github.com/cespare/xxhash from vendor/, which go build uses";
    project.fails(&["build"], 1, message, "run `godirect lock`");
}

#[test]
fn lock_check_foresees_what_becomes_of_vendored_and_local_modules() {
    let project = project();
    project.succeeds(&["lock"]);
    assert_eq!(project.succeeds(&["lock", "--check"]), "fresh    godirect.lock.json\n");
    let check = || {
        let output = project.run(&["lock", "--check"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stdout).unwrap()
    };
    let file = "vendor/github.com/cespare/xxhash/v2/xxhash.go";
    let original = project.read(file);
    project.write(file, &original.replace("package xxhash", "package xxhash // edited"));
    let changed = "changed  github.com/cespare/xxhash/v2  v2.3.0 in vendor/github.com/cespare/xxhash/v2, recorded anew\n";
    assert_eq!(check(), changed);
    project.write(file, &original);
    std::fs::remove_dir_all(project.root().join("vendor")).unwrap();
    let lines = check();
    let local = "v1.2.0 in vendor/example.com/lib → v1.2.0 => ./lib\n";
    assert!(lines.contains(local) && lines.contains("removed  github.com/cespare/xxhash"), "{lines}");
    project.succeeds(&["lock"]);
    project.succeeds(&["lock", "--check"]);
}

/// What `go build` lists, and what godirect lists.
#[track_caller]
fn complaints(project: &Project) -> Vec<String> {
    let said = project.go(&["list", "all"]);
    let list = said.split_once("inconsistent vendoring in ").map_or(said.as_str(), |(_, list)| list);
    let list = list.split("\n\n").next().unwrap();
    let go: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix('\t')).collect();
    let workspace = Workspace::load(&Files::default(), &project.root()).unwrap();
    let own = inconsistencies(&workspace, workspace.vendor.as_ref().expect("vendor/ is used"));
    assert_eq!(own, go, "{said}");
    assert!(!own.is_empty(), "{said}");
    own
}

#[test]
fn what_does_not_fit_is_listed_as_go_lists_it() {
    let project = project();
    let (gomod, txt) = (project.read("go.mod"), project.read("vendor/modules.txt"));
    let line = |start: &str| txt.lines().find(|line| line.starts_with(start)).unwrap().to_owned() + "\n";
    let replaced = "replace example.com/lib v1.2.0 => ./lib\n";
    let in_go_mod = [
        ("color v1.18.0", "color v1.17.0"),
        ("\tgithub.com/fatih/color v1.18.0\n", ""),
        (replaced, "replace example.com/lib v1.2.0 => ./unused/\n"),
        (replaced, "replace example.com/lib => ./lib\n"),
        (replaced, "replace example.com/lib v1.2.0 => example.com/fork v1.0.0\n"),
        (replaced, "replace github.com/fatih/color => ./lib\n"),
        ("=> github.com/mattn/go-isatty v0.0.20\n", "=> github.com/mattn/go-isatty v0.0.18\n"),
        ("replace example.com/unused => ./unused\n", ""),
        ("replace example.com/unused => ./unused\n", "replace (\n\ta.example/a v1.0.0 => ./a\n\ta.example/b => ./b\n)\n"),
    ];
    for (from, to) in in_go_mod {
        project.edit("go.mod", from, to);
        complaints(&project);
        project.write("go.mod", &gomod);
    }
    let color = line("# github.com/fatih/color ");
    let in_modules_txt = [
        (format!("{color}## explicit; go 1.17\n"), color.clone()),
        (color.clone(), color.replace("v1.18.0", "v1.17.0")),
        (color.clone(), color.replace('\n', " => ./color\n")),
        (color.clone(), color.replace('\n', " => a.example/color v1.0.0\n")),
        (line("# example.com/lib v1.2.0 "), "# example.com/lib v1.2.0 => ./elsewhere\n".to_owned()),
        (line("# example.com/lib v1.2.0 "), "# example.com/lib v1.2.0\n".to_owned()),
        (line("# example.com/unused "), String::new()),
    ];
    for (from, to) in &in_modules_txt {
        project.edit("vendor/modules.txt", from, to);
        complaints(&project);
        project.write("vendor/modules.txt", &txt);
    }
    std::fs::remove_file(project.root().join("vendor/modules.txt")).unwrap();
    assert!(complaints(&project).len() > 6);
    project.write("vendor/modules.txt", "");
    complaints(&project);
}

#[test]
fn inconsistent_vendoring_is_refused_by_all_verbs() {
    let project = project();
    project.succeeds(&["lock"]);
    let lock = project.read("godirect.lock.json");
    project.edit("go.mod", "color v1.18.0", "color v1.17.0");
    for verb in ["lock", "build", "generate"] {
        let output = project.run(&[verb]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "error: inconsistent vendoring:\n       \
             github.com/fatih/color@v1.17.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt\n       \
             github.com/fatih/color@v1.18.0: is marked as explicit in vendor/modules.txt, but not explicitly required in go.mod\n\
             \x20|\n\
             help: `go mod vendor` makes vendor/ anew; without that directory, modules come from GOPROXY\n"
        );
    }
    assert_eq!(project.read("godirect.lock.json"), lock);
}

#[test]
fn since_go_1_17_all_that_is_vendored_is_required() {
    let project = project();
    let sys = project.read("go.mod").lines().find(|line| line.contains("golang.org/x/sys")).unwrap().trim().to_owned();
    let version = sys.split(' ').nth(1).unwrap();
    project.edit("go.mod", &format!("\t{sys}\n"), "");
    let line = format!("# golang.org/x/sys {version}\n## explicit; ");
    project.edit("vendor/modules.txt", &line, &line.replace("explicit; ", ""));
    let said = project.go(&["build"]);
    let complaint = format!("vendored module golang.org/x/sys@{version} should be required explicitly in go.mod");
    assert!(said.contains(&complaint), "{said}");
    let output = project.run(&["lock"]);
    let own = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && own.contains(&complaint), "{own}");
}

#[test]
fn a_vendored_workspace() {
    let project = Project::new(&[
        ("go.work", "go 1.25\n\nuse (\n\t./a\n\t./b\n)\n\nreplace example.com/d => ./d\n"),
        (
            "a/go.mod",
            "module example.com/a\n\ngo 1.25\n\nrequire (\n\texample.com/c v1.3.0\n\texample.com/d v1.0.0\n\tgithub.com/cespare/xxhash/v2 v2.2.0\n)\n\nreplace example.com/c => ../c\n",
        ),
        (
            "a/main.go",
            "package main\n\nimport (\n\t_ \"example.com/b\"\n\t\"example.com/c\"\n\t_ \"example.com/d\"\n\t\"github.com/cespare/xxhash/v2\"\n)\n\nfunc main() { println(xxhash.Sum64String(c.Text)) }\n",
        ),
        ("b/go.mod", "module example.com/b\n\ngo 1.25\n\nrequire github.com/cespare/xxhash/v2 v2.3.0\n"),
        ("b/b.go", "package b\n\nimport _ \"github.com/cespare/xxhash/v2\"\n"),
        ("c/go.mod", "module example.com/c\n\ngo 1.25\n"),
        ("c/c.go", "package c\n\nconst Text = \"c\"\n"),
        ("d/go.mod", "module example.com/d\n\ngo 1.20\n"),
        ("d/d.go", "package d\n"),
    ]);
    vendor(&project, "", &["work", "vendor"]);
    project.is_the_same_from_go("", "./a", "a");
    let lock = project.read("godirect.lock.json");
    assert!(
        lock.contains("\"directory\": \"vendor/github.com/cespare/xxhash/v2\"") && lock.contains("\"version\": \"v2.3.0\"")
    );

    let (work, a) = (project.read("go.work"), project.read("a/go.mod"));
    for (file, from, to) in [
        ("go.work", "=> ./d", "=> ./d/"),
        ("go.work", "replace example.com/d => ./d\n", ""),
        ("go.work", "replace example.com/d => ./d\n", "replace example.com/d => ./d\n\nreplace example.com/c => ./d\n"),
        ("a/go.mod", "xxhash/v2 v2.2.0", "xxhash/v2 v2.1.0"),
        ("a/go.mod", "=> ../c", "=> ../d"),
        ("a/go.mod", "replace example.com/c => ../c\n", ""),
    ] {
        project.edit(file, from, to);
        complaints(&project);
        project.write("go.work", &work);
        project.write("a/go.mod", &a);
    }
    // Of a module alone, go build doesn't use the workspace's.
    std::fs::remove_file(project.root().join("go.work")).unwrap();
    project.write("go.mod", "module example.com/alone\n\ngo 1.25\n");
    assert_eq!(Workspace::load(&Files::default(), &project.root()).unwrap().vendor, None);
}

#[test]
fn vendor_is_used_when_go_build_uses_it() {
    let files = [
        ("main.go", "package main\n\nimport \"example.com/lib\"\n\nfunc main() { println(lib.Text) }\n"),
        ("lib/go.mod", "module example.com/lib\n\ngo 1.12\n"),
        ("lib/lib.go", "package lib\n\nconst Text = \"from lib\"\n"),
        ("vendor/example.com/lib/lib.go", "package lib\n\nconst Text = \"from vendor\"\n"),
        ("vendor/modules.txt", "# example.com/lib v1.0.0 => ./lib\n## explicit\nexample.com/lib\n# example.com/lib => ./lib\n"),
    ];
    for (go, vendored) in [("", false), ("go 1.13\n", false), ("go 1.14\n", true), ("go 1.16\n", true), ("go 1.17\n", true)] {
        let project = Project::new(&files);
        let gomod =
            format!("module example.com/main\n\n{go}\nrequire example.com/lib v1.0.0\n\nreplace example.com/lib => ./lib\n");
        project.write("go.mod", &gomod);
        project.is_the_same_from_go("", ".", "main");
        assert_eq!(project.read("godirect.lock.json").contains("\"vendored\""), vendored, "{go}");
    }
    // A directory without modules.txt is one without modules.
    let project =
        Project::new(&[("go.mod", "module example.com/main\n\ngo 1.25\n"), ("main.go", "package main\n\nfunc main() {}\n")]);
    project.write("vendor/unlisted/unlisted.go", "package unlisted\n");
    project.is_the_same_from_go("", ".", "main");
    project.write("main.go", "package main\n\nimport _ \"a.example/m\"\n\nfunc main() {}\n");
    let help = "vendor/ doesn't have it: `go get a.example/m`, then `go mod vendor` or `go work vendor`";
    project.fails(&["lock"], 2, "no required module provides package a.example/m", help);
}

#[test]
fn symbolic_links_are_refused_where_sandboxes_would_not_follow_them() {
    let project = project();
    let vendor = project.root().join("vendor");
    std::fs::rename(&vendor, project.root().join("real")).unwrap();
    std::os::unix::fs::symlink("real", &vendor).unwrap();
    let help = "name the directory that it points to";
    project.fails(&["lock"], 2, "vendor is a symbolic link, which sandboxes don't follow", help);
}

#[test]
fn modules_txt_may_be_anything() {
    let parse = |text: &str| ModulesTxt::parse(Path::new("vendor/modules.txt"), text);
    let error = parse("# a.example/m v1.0.0\n## explicit; go 1.x\n").unwrap_err();
    assert_eq!(error.to_string(), "vendor/modules.txt:2:1: `1.x` is not a Go version like `1.27.3`");
    assert_eq!(parse("# \n##\n## \n#  =>\n\u{0}\n# a\n").unwrap(), ModulesTxt::default());
}
