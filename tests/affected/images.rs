//! Container images: affected by what their binary is made of, by the spec, and by files that only they have.

use std::collections::BTreeSet;

use serde_json::json;

use super::support::Project;
use super::{answer, commit, git};

const SPEC: &str = "platforms(\"linux/amd64\", \"linux/arm64\", \"windows/amd64\")\nbinary(\".\")\nbinary(\"./other\")\n\
                    image(\"hello-image\", binary = \"hello\", certificates = \"certs/ca.pem\")\n\
                    image(\"other-image\", binary = \"other\", platforms = [\"linux/amd64\"])\nnix()\nbazel()\n";

fn base() -> Project {
    let project = Project::example("01-hello").with_user_cache();
    project.write("godirect.star", SPEC);
    project.write("certs/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    project.write("other/main.go", "package main\n\nfunc main() { println(1) }\n");
    for verb in ["lock", "generate"] {
        assert_eq!(project.run(&[verb]).code, Some(0));
    }
    git(&project, &["init", "-q"]);
    commit(&project, "base");
    project
}

/// The affected images with the views.
fn images(project: &Project, truth: &str) -> BTreeSet<(String, String)> {
    let answer = answer(project, &["--kind", "image", "--truth", truth]);
    let impacts = answer["affected"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    impacts.flat_map(|i| i["views"].as_array().unwrap().iter().map(move |view| (text(&i["name"]), text(view)))).collect()
}

fn set(names: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    names.iter().map(|(name, view)| ((*name).to_owned(), (*view).to_owned())).collect()
}

const HELLO: [(&str, &str); 2] = [("hello-image", "linux_amd64"), ("hello-image", "linux_arm64")];
const OTHER: (&str, &str) = ("other-image", "linux_amd64");

#[test]
fn what_images_are_made_of() {
    let project = base();
    let check = |what: &str, expected: &[(&str, &str)], change: &dyn Fn()| {
        change();
        for truth in ["go", "bazel", "nix"] {
            assert_eq!(images(&project, truth), set(expected), "{what}, for {truth}");
        }
        commit(&project, what);
    };
    check("nothing", &[], &|| ());
    check("README", &[], &|| project.write("README.md", "text\n"));
    check("the binary", &[OTHER], &|| project.edit("other/main.go", "println(1)", "println(2)"));
    check("a file for one platform", &HELLO[1..], &|| {
        project.write("a_linux_arm64.go", "package main\n\nfunc init() { println(3) }\n");
    });
    check("certificates", &HELLO, &|| project.write("certs/ca.pem", "-----BEGIN CERTIFICATE-----\n\n"));
    // Where it isn't any more, it is gone; where it still is, it has another index.
    check("a platform less", &HELLO, &|| {
        let platforms = "certificates = \"certs/ca.pem\", platforms = [\"linux/amd64\"]";
        project.edit("godirect.star", "certificates = \"certs/ca.pem\"", platforms);
    });
}

#[test]
fn what_lists_say_of_images() {
    let project = base();
    project.edit("other/main.go", "println(1)", "println(2)");
    let printed = |arguments: &[&str]| project.succeeds(&[&["affected", "--kind", "image"], arguments].concat());
    assert_eq!(printed(&["--format", "labels"]), "//:other-image\n");
    assert_eq!(printed(&["--format", "nix"]), "other-image\n");
    assert_eq!(printed(&["--format", "packages"]), "");
    assert_eq!(printed(&["--format", "directories"]), "");
    let shard = printed(&["--format", "shell"]);
    let values: Vec<&str> = shard.lines().filter(|line| !line.starts_with("AFFECTED_KEY=")).collect();
    let expected = [
        "AFFECTED_PACKAGES=''",
        "AFFECTED_BINARIES='other-image'",
        "AFFECTED_LABELS='//:other-image'",
        "AFFECTED_ATTRIBUTES='other-image'",
    ];
    assert_eq!(values, expected);
    let ran = super::run(&project, &["--kind", "image", "--explain"]);
    let wanted = "image    other-image\n           other/main.go changed → example.com/hello/other → binary other → image other-image\n\
                  affected 0 packages, 0 tests, 0 binaries, 1 image of 6 targets  TIME\n";
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (wanted, ""));
    let answer = answer(&project, &["--kind", "image"]);
    let impact = &answer["affected"][0];
    assert_eq!((&impact["kind"], &impact["directory"]), (&json!("image"), &json!("other")));
}
