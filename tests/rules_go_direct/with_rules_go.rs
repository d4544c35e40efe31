//! A repository that is built with the real rules_go, and then switched to this ruleset.

use std::fs;
use std::path::Path;

use super::engines::{self, bazel, bazel_with_rules_go, godirect, succeeded};
use super::modules;

const FILES: [(&str, &str); 12] = [
    ("go.mod", "module example.com/ws\n\ngo 1.25\n"),
    (
        "cmd/app/main.go",
        "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/ws/lib\"\n)\n\nfunc main() { fmt.Print(lib.Text()) }\n",
    ),
    (
        "lib/lib.go",
        "package lib\n\nimport _ \"embed\"\n\n//go:embed text.txt\nvar text string\n\nfunc Text() string { return text + own() }\n",
    ),
    ("lib/text.txt", "hello\n"),
    (
        "lib/own_linux.go",
        "package lib\n\nimport \"example.com/ws/internal/linux\"\n\nfunc own() string { return linux.Text }\n",
    ),
    ("lib/own_other.go", "//go:build !linux\n\npackage lib\n\nfunc own() string { return \"\" }\n"),
    ("internal/linux/linux.go", "package linux\n\nconst Text = \"from linux\\n\"\n"),
    (
        "lib/lib_test.go",
        "package lib\n\nimport \"testing\"\n\nfunc TestOwn(t *testing.T) {\n\tif text != \"hello\\n\" {\n\t\tt.Error(text)\n\t}\n}\n",
    ),
    (
        "lib/x_test.go",
        "package lib_test\n\nimport (\n\t\"os\"\n\t\"testing\"\n\n\t\"example.com/ws/lib\"\n)\n\nfunc TestText(t *testing.T) {\n\t\
         want, err := os.ReadFile(\"testdata/want\")\n\tif got := lib.Text(); err != nil || got != string(want) {\n\t\tt.Error(got, err)\n\t}\n}\n",
    ),
    ("lib/testdata/want", "hello\nfrom linux\n"),
    (
        "godirect.star",
        "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\", \"windows/amd64\")\n\nbazel(ruleset = \"rules_go\")\n",
    ),
    (
        "MODULE.bazel",
        "module(name = \"ws\")\n\nbazel_dep(name = \"rules_go\", version = \"0.65.0\")\n\n\
         go_sdk = use_extension(\"@rules_go//go:extensions.bzl\", \"go_sdk\")\ngo_sdk.host()\n",
    ),
];

#[test]
fn real_rules_go_builds_what_is_generated_for_it() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("with-rules-go");
    let _ = fs::remove_dir_all(&root);
    for (path, text) in FILES {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    for verb in ["lock", "generate"] {
        succeeded(verb, &godirect().arg("-C").arg(&root).arg(verb).output().unwrap());
    }
    let library = fs::read_to_string(root.join("lib/BUILD.bazel")).unwrap();
    let select = "select({\n        \"@rules_go//go/platform:linux\": [\"//internal/linux\"],";
    assert!(library.contains("load(\"@rules_go//go:def.bzl\"") && library.contains(select), "{library}");
    bazel_with_rules_go(&root, &["test", "//..."]);
    assert_eq!(bazel_with_rules_go(&root, &["run", "//cmd/app"]), "hello\nfrom linux\n");
    bazel_with_rules_go(&root, &["shutdown"]);

    let spec = fs::read_to_string(root.join("godirect.star")).unwrap().replace("ruleset = \"rules_go\"", "");
    fs::write(root.join("godirect.star"), spec).unwrap();
    modules::generate(&root);
    succeeded("fix", &godirect().arg("-C").arg(&root).arg("fix").output().unwrap());
    bazel(&root, &["test", "//..."]);
    let (theirs, ours) = (root.join("app-of-go"), engines::bazel_build(&root, "linux_amd64", "//cmd/app"));
    engines::go_build(&root, "./cmd/app", &[], &theirs);
    assert!(fs::read(theirs).unwrap() == fs::read(ours).unwrap());
    engines::end_bazel(&root);
}
