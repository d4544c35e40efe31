//! Which flags `#cgo` lines may have: the go command is asked about each, and says the same.

use std::collections::BTreeSet;

use godirect::plan::cgo::allow::{self, Overrides};

use crate::{Project, go, with_compilers};

/// Flags as they stand in `#cgo` lines: those that are let through, and those that are nearly so.
const COMPILER: &str = include_str!("cflags.txt");
const LINKER: &str = include_str!("ldflags.txt");

/// Those of `flags` that the go command refuses: it is asked about a package for each, and compiles none.
fn refused_by_go(verb: &str, flags: &[&str]) -> BTreeSet<String> {
    let mut files = vec![("go.mod".to_owned(), b"module example.com/p\n\ngo 1.27\n".to_vec())];
    files.extend(flags.iter().enumerate().map(|(index, flag)| {
        let text = format!("package p\n\n// #cgo {verb}: {flag}\nimport \"C\"\n");
        (format!("p{index}/p.go"), text.into_bytes())
    }));
    let project = with_compilers(Project::in_directory(tempfile::tempdir().unwrap(), files));
    let output = go(&project).args(["build", "-n", "./..."]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    // With -n it also shows what it would run for the others.
    let refused = |line: &&str| line.contains(": invalid flag in #cgo");
    let index = |line: &str| line.strip_prefix("example.com/p/p")?.split(':').next()?.parse::<usize>().ok();
    let found: BTreeSet<String> = text.lines().filter(refused).filter_map(index).map(|index| flags[index].to_owned()).collect();
    assert!(!text.contains("malformed"), "{text}");
    found
}

/// Those that godirect refuses. Relative paths are made absolute, as in a `#cgo` line.
fn refused(verb: &str, flags: &[&str]) -> BTreeSet<String> {
    let is_refused = |flag: &&&str| {
        let mut parsed = godirect::source::cgo::CgoFlags::default();
        let context = godirect::source::context::BuildContext {
            platform: "linux/amd64".parse().unwrap(),
            go: "1.27.3".parse().unwrap(),
            cgo: true,
            tags: BTreeSet::new(),
            experiments: BTreeSet::new(),
            external_link: None,
        };
        if parsed.add(&[format!("#cgo {verb}: {}", flag)], &context, "/d").is_err() {
            return true;
        }
        match verb {
            "LDFLAGS" => allow::linker(&parsed.ldflags, &Overrides::default()).unwrap().is_some(),
            verb => allow::compiler(verb, &parsed.cflags, &Overrides::default()).unwrap().is_some(),
        }
    };
    flags.iter().filter(is_refused).map(|flag| (*flag).to_owned()).collect()
}

#[test]
fn flags_are_let_through_as_by_the_go_command() {
    for (verb, flags) in [("CFLAGS", COMPILER), ("LDFLAGS", LINKER)] {
        let flags: Vec<&str> = flags.lines().collect();
        let (go, own) = (refused_by_go(verb, &flags), refused(verb, &flags));
        assert_eq!(own, go, "{verb}");
        assert!(own.len() > 20 && own.len() < flags.len() - 50, "{verb}: {} of {}", own.len(), flags.len());
    }
}

#[test]
fn users_let_more_through_or_less() {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let overrides = |name: &'static str, value: &'static str| Overrides::read(move |n| (n == name).then(|| value.to_owned()));
    let check =
        |flags: &str, overrides: &Overrides| allow::compiler("CFLAGS", &words(flags), overrides).unwrap().map(|r| r.flag);
    assert_eq!(check("-fplugin=x", &Overrides::default()).as_deref(), Some("-fplugin=x"));
    assert_eq!(check("-fplugin=x", &overrides("CGO_CFLAGS_ALLOW", "-fplugin=.*")), None);
    // The whole flag must match.
    assert_eq!(check("-fplugin=x", &overrides("CGO_CFLAGS_ALLOW", "-fplugin=")).as_deref(), Some("-fplugin=x"));
    assert_eq!(check("-fplugin=x", &overrides("CGO_LDFLAGS_ALLOW", ".*")).as_deref(), Some("-fplugin=x"));
    assert_eq!(check("-O2 -DX", &overrides("CGO_CFLAGS_DISALLOW", "-D.*")).as_deref(), Some("-DX"));
    let error = allow::compiler("CFLAGS", &words("-O2"), &overrides("CGO_CFLAGS_ALLOW", "(")).unwrap_err();
    assert!(error.message().starts_with("the environment variable CGO_CFLAGS_ALLOW is no regular expression: "), "{error}");
}
