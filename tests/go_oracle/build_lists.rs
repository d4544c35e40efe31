//! The build lists of small repositories.

use std::collections::BTreeSet;
use std::path::Path;

use godirect::files::Files;
use godirect::module::ModuleId;
use godirect::module::mvs::{self, Selected};
use godirect::module::workspace::Workspace;

use super::{fetcher, go, try_go};

/// Writes files, and returns their directory.
pub fn write(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    directory
}

/// `path version` and, for a replacement, ` => path version` of each module, as `go list -m all` prints them.
pub fn shown(selected: &[Selected]) -> Vec<String> {
    let show = |module: &Selected| {
        let replacement = module.replace.as_ref().map(|r| format!(" => {}", r.to_string().replace('@', " ")));
        format!("{} {}{}", module.id.path, module.id.version, replacement.unwrap_or_default())
    };
    selected.iter().map(show).collect()
}

/// What `go list -m all` prints; it shows a local replacement as it is written, which is undone here.
pub fn go_list(directory: &Path, variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let all = try_go(directory, variables, &["list", "-m", "all"])?;
    Ok(all.lines().map(|line| line.replace("=> ./", "=> ").trim_end_matches('/').to_owned()).collect())
}

/// Compares the build list of a workspace with `go list -m all`, which has the main modules too.
fn assert_build_list(directory: &Path) -> Vec<String> {
    let workspace = Workspace::load(&Files::default(), directory).unwrap();
    let fetch = |id: &ModuleId| fetcher().go_mod(id, &workspace.sums).map(|(gomod, ..)| gomod);
    let list = mvs::build_list(&workspace, &fetch).unwrap();
    let is_main = |line: &String| workspace.modules.iter().any(|m| m.path.as_str() == *line);
    let expected: Vec<String> = go_list(directory, &[]).unwrap().into_iter().filter(|line| !is_main(line)).collect();
    assert_eq!(shown(&list), expected);
    expected
}

const COBRA: &str = "package main\nimport (\n_ \"github.com/spf13/cobra\"\n_ \"github.com/spf13/viper\"\n)\nfunc main() {}\n";

#[test]
fn a_pruned_build_list() {
    let go_mod = "module main.example\ngo 1.27\nrequire (\ngithub.com/spf13/cobra v1.8.1\ngithub.com/spf13/viper v1.19.0\n)\n";
    let directory = write(&[("go.mod", go_mod), ("main.go", COBRA)]);
    go(directory.path(), &[], &["mod", "tidy"]);
    let all = assert_build_list(directory.path());
    assert!(all.len() > 30, "{all:?}");
    let listed = mvs::listed(&Workspace::load(&Files::default(), directory.path()).unwrap()).unwrap();
    let all: BTreeSet<String> = all.into_iter().collect();
    assert!(listed.len() < all.len() && shown(&listed).iter().all(|module| all.contains(module)));
}

#[test]
fn an_unpruned_build_list_with_replace_and_exclude() {
    let go_mod = "module main.example\ngo 1.16\nrequire (\ngithub.com/spf13/cobra v1.2.0\ngithub.com/spf13/viper v1.8.1\n)\n\
                  exclude gopkg.in/ini.v1 v1.62.0\nreplace github.com/spf13/pflag => github.com/spf13/pflag v1.0.6\n\
                  replace github.com/spf13/cast v1.3.1 => ./cast\n";
    let files = [
        ("go.mod", go_mod),
        ("main.go", COBRA),
        ("cast/go.mod", "module github.com/spf13/cast\ngo 1.16\nrequire github.com/fatih/color v1.13.0\n"),
        ("cast/cast.go", include_str!("cast.go.txt")),
    ];
    let directory = write(&files);
    go(directory.path(), &[], &["mod", "tidy"]);
    let all = assert_build_list(directory.path());
    assert!(all.len() > 100, "{all:?}");
    for replaced in ["github.com/spf13/cast v1.3.1 => cast", "github.com/spf13/pflag v1.0.5 => github.com/spf13/pflag v1.0.6"] {
        assert!(all.iter().any(|module| module == replaced), "{replaced}: {all:?}");
    }
}

#[test]
fn the_build_list_of_a_workspace() {
    let files = [
        ("go.work", "go 1.27\nuse (\n./a\n./b\n)\n"),
        ("a/go.mod", "module a.example\ngo 1.27\nrequire github.com/spf13/cobra v1.8.1\n"),
        ("a/main.go", "package main\nimport _ \"github.com/spf13/cobra\"\nfunc main() {}\n"),
        (
            "b/go.mod",
            "module b.example\ngo 1.21\nrequire (\ngithub.com/spf13/viper v1.19.0\ngithub.com/spf13/pflag v1.0.6\n)\n",
        ),
        (
            "b/main.go",
            "package main\nimport (\n_ \"github.com/spf13/pflag\"\n_ \"github.com/spf13/viper\"\n)\nfunc main() {}\n",
        ),
    ];
    let directory = write(&files);
    for module in ["a", "b"] {
        go(&directory.path().join(module), &[("GOWORK", "off")], &["mod", "tidy"]);
    }
    go(directory.path(), &[], &["mod", "download"]);
    assert_build_list(directory.path());
}
