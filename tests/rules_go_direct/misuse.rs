//! What is wrong in BUILD files gives one message that says what to write instead.

use super::engines::{bazel_output, repository};

/// What the rules say of each target of the workspace, sorted.
const MESSAGES: [&str; 24] = [
    "//cycle:cycle_test imports example.com/misuse/cycle/user, which needs the tested package: import cycle not allowed in test; move it to an external test (package ..._test)",
    "//deps:c imports \"C\": add `cgo = True`, and `pure = \"off\"` to programs that need the package",
    "//deps:deps imports example.com/misuse, which is not in its deps: add \"//:misuse\" to them, or run `godirect generate`",
    "//deps:deps imports example.com/misuse/deps/v2, which is not in its deps: add \"//deps/v2:deps\" to them, or run `godirect generate`",
    "//deps:deps imports example.com/misuse/twice, which is not in its deps: add \"//twice\" to them, or run `godirect generate`",
    "//deps:deps imports github.com/google/uuid, which is not in its deps: add \"@go_modules//github.com/google/uuid\" to them, or run `godirect generate`",
    "//deps:deps imports net/http of std, which is not in its std_imports: add \"net/http\" to them, or run `godirect generate`",
    "@@//:nothing: importpath is missing; set it to what Go files write to import this package",
    "@@//:shared: linkmode = \"c-shared\" needs cgo: add `pure = \"off\"`",
    "@@//cycle:imports_source: @@//cycle:source is a go_source, which rules can embed, but no package can import; make it a go_library",
    "@@//deps:c_source: deps/v2/x.c needs cgo: add `cgo = True`, and `pure = \"off\"` to programs that need the package",
    "@@//deps:without_cgo has C code, and this configuration has no cgo: build with `pure = \"off\"` on the program, or --@rules_go_direct//go/config:pure=false",
    "@@//twice:both: two deps have the import path example.com/misuse/twice: @@//twice:first and @@//twice:second; keep one of them",
    "@@//twice:itself has the import path example.com/misuse/twice, and so has one of its deps: import cycle not allowed; correct the importpath of one of them",
    "@@//twice:linked: two packages with the import path example.com/misuse/twice would be linked: @@//twice:first and @@//twice:second; let both importers depend on the same target, or set importmap of one",
    "a program can't have both race and msan: build one of them alone",
    "cycle/wrong_test.go:5:1: wrong signature for TestX, must be: func TestX(t *testing.T)",
    "external_srcs is [cycle_test.go], but the files in package …_test are []: correct it, run `godirect generate`, or leave the attribute out",
    "go has no port to `linnux/amd64`; it has aix/ppc64, android/386, …",
    "godirect.lock.json has no toolchain for the platform RULESET//go/toolchain:windows_arm64; it has linux/amd64, linux/arm64: add the platform to godirect.star, then run `godirect lock`",
    "half_a_platform: set both goos and goarch, or neither",
    "pure = \"off\" asks for cgo, but no C toolchain is registered for the platform RULESET//go/toolchain:linux_arm64; register one, or leave pure out",
    "race needs cgo: add `pure = \"off\"`, or --@rules_go_direct//go/config:pure=false",
    "the lock has no SDK `next`, which sdk_name asks for; add go_sdk(name = \"next\", ...) to godirect.star, then run `godirect lock`",
];

/// The message in a line that Bazel prints, without canonical names of repositories and the end of a long list.
fn message(line: &str) -> Option<String> {
    let starts = ["//", "cycle/wrong_test.go", "external_srcs "];
    let text = match line.strip_prefix("Error in fail: ") {
        Some(text) => text,
        None => Some(line).filter(|line| starts.iter().any(|start| line.starts_with(start)))?,
    };
    let text =
        ["@@rules_go_direct~", "@@rules_go_direct+"].iter().fold(text.to_owned(), |text, name| text.replace(name, "RULESET"));
    Some(text.split_once(", android/amd64").map_or(text.clone(), |(start, _)| format!("{start}, …")))
}

#[test]
fn misuse_is_explained() {
    let workspace = repository("tests/rules_go_direct/misuse");
    let output = bazel_output(&workspace, &["build", "--keep_going", "//..."]);
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut found: Vec<String> = printed.lines().filter_map(message).collect();
    found.sort();
    assert_eq!(found, MESSAGES, "{printed}");
}
