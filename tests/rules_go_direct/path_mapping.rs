//! Path mapping (`--experimental_output_paths=strip`): what is the same in two configurations is made once.

use std::fs;

use super::checkouts::{checkout, kinds_of_processes};
use super::engines::{self, bazel, bazel_output, succeeded};
use super::remote::{PROGRAMS, by_go, output};

#[test]
fn configurations_share_what_is_the_same_in_them() {
    let workspace = &checkout("remote", "mapped");
    let cache = tempfile::tempdir().unwrap();
    let build = |mode: &str, targets: &[&str]| {
        bazel(workspace, &["clean"]);
        let disk_cache = format!("--disk_cache={}", cache.path().display());
        let fixed = ["build", &disk_cache, "--experimental_output_paths=strip", "--compilation_mode", mode];
        let built = bazel_output(workspace, &[&fixed, targets].concat());
        succeeded("bazel build", &built);
        kinds_of_processes(&built)
    };
    // The helpers of tests are built for this machine, with packages that the tests need, too.
    let kinds = build("fastbuild", &["//..."]);
    assert!(["disk cache hit", "linux-sandbox"].iter().all(|kind| kinds.iter().any(|other| other == kind)), "{kinds:?}");
    for (label, end, arguments, cgo) in PROGRAMS {
        let ours = fs::read(output(workspace, label, end)).unwrap();
        assert!(ours == by_go(workspace, arguments, cgo), "{label} differs from go {}", arguments.join(" "));
    }

    // Paths of what cgo makes are in its files, so those who have some can't be among them.
    let without_c = ["//:remote", "//sum:sum_test", "//text:text_test"];
    assert_eq!(build("opt", &without_c), ["disk cache hit", "internal"]);
    engines::end_bazel(workspace);
}
