//! vendor/: packages come from it as `go build` decides, with the same bytes; what doesn't fit is refused with the same complaints.

use crate::engines::{CACHE, succeeded};
use crate::{Project, SPEC, build_info, go};

/// Two third-party modules, one of them with assembly, a replacement by a module and one by a directory.
fn project() -> Project {
    let project = Project::new(&[
        (
            "go.mod",
            "module example.com/main\n\ngo 1.25\n\nrequire (\n\texample.com/lib v1.2.0\n\tgithub.com/cespare/xxhash/v2 v2.3.0\n\t\
             github.com/fatih/color v1.18.0\n\tgithub.com/mattn/go-isatty v0.0.19\n)\n\n\
             require (\n\tgithub.com/mattn/go-colorable v0.1.13 // indirect\n\tgolang.org/x/sys v0.25.0 // indirect\n)\n\n\
             replace example.com/lib v1.2.0 => ./lib\n\nreplace github.com/mattn/go-isatty => github.com/mattn/go-isatty v0.0.20\n\n\
             replace example.com/unused => ./unused\n",
        ),
        (
            "main.go",
            "package main\n\nimport (\n\t\"example.com/lib/sub\"\n\t\"github.com/cespare/xxhash/v2\"\n\t\"github.com/fatih/color\"\n\t\"github.com/mattn/go-isatty\"\n)\n\n\
             func main() {\n\tcolor.Red(sub.Text)\n\tprintln(xxhash.Sum64String(sub.Text), isatty.IsTerminal(1))\n}\n",
        ),
        ("lib/go.mod", "module example.com/lib\n\ngo 1.21\n"),
        ("lib/sub/sub.go", "package sub\n\nimport _ \"embed\"\n\n//go:embed texts\nvar Text string\n"),
        ("lib/sub/texts", "text\n"),
        ("unused/go.mod", "module example.com/unused\n"),
    ]);
    vendor(&project, "", &["mod", "vendor"]);
    project
}

/// Lets the go command complete go.sum and make vendor/ anew, from its cache or the module proxy.
fn vendor(project: &Project, module: &str, arguments: &[&str]) {
    let directory = project.root().join(module);
    let online = |arguments: &[&str]| {
        let mut command = go(&directory);
        command.env_remove("GOPROXY").env("GONOSUMDB", "*").env("GOPATH", CACHE.join("go/path"));
        command.envs(std::env::var_os("GOPROXY").map(|value| ("GOPROXY", value)));
        succeeded(&format!("go {}", arguments.join(" ")), &command.args(arguments).output().unwrap());
    };
    if arguments[0] == "mod" {
        online(&["mod", "tidy"]);
    }
    online(arguments);
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
