//! Names of files, which may name a port.

use std::collections::BTreeSet;

use godirect::platform::OsArch;
use godirect::source::constraint::{KNOWN_ARCH, KNOWN_OS, file_name};
use godirect::source::context::BuildContext;
use serde_json::json;

use super::damage::Random;
use super::{Case, compare};

#[test]
fn suffixes_on_every_port() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let others = ["unix", "test", "x", "", "amd64p", "cgo", "LINUX", "go", "zz.pb"];
    let words: Vec<&str> = KNOWN_OS.iter().chain(&KNOWN_ARCH).copied().chain(others).collect();
    let mut names: BTreeSet<String> = words.iter().flat_map(|word| [format!("{word}.go"), format!("a_{word}.go")]).collect();
    while names.len() < 4_000 {
        let parts: Vec<&str> = (0..1 + random.below(4)).map(|_| words[random.below(words.len())]).collect();
        let name = parts.join(["_", "_", "_", "."][random.below(4)]);
        names.insert(format!("{name}{}", [".go", "_test.go", ".s", ".x.go", ""][random.below(5)]));
    }
    let ports: Vec<OsArch> = OsArch::all().collect();
    let shown: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let cases: Vec<Case> = names.iter().map(|name| (b'n', format!("{name} {}", shown.join(" ")).into_bytes())).collect();
    let contexts: Vec<BuildContext> = shown
        .iter()
        .map(|port| BuildContext {
            platform: port.parse().unwrap(),
            go: "1.27.3".parse().unwrap(),
            cgo: false,
            tags: BTreeSet::new(),
            experiments: BTreeSet::new(),
            external_link: None,
        })
        .collect();
    compare(&cases, |(_, content), theirs| {
        let text = std::str::from_utf8(content).unwrap();
        let constraint = file_name(text.split(' ').next().unwrap());
        let belongs = |context: &BuildContext| constraint.as_ref().is_none_or(|c| c.eval(&|tag| context.satisfies(tag)));
        let ours = json!(contexts.iter().map(belongs).collect::<Vec<bool>>());
        if *theirs == ours { Ok(()) } else { Err(ours) }
    });
}

#[test]
fn tags_on_every_port() {
    let release = (0..30).map(|minor| format!("go1.{minor}"));
    let others =
        ["unix", "gc", "gccgo", "cgo", "netgo", "ignore", "go1", "go1.", "go1.+1", "go1.01", "go1.21.0", "go2.1", "x", "Linux"];
    let tags: Vec<String> =
        release.chain(KNOWN_OS.iter().chain(&KNOWN_ARCH).chain(&others).map(|tag| (*tag).to_owned())).collect();
    let cases: Vec<Case> = OsArch::all().map(|port| (b't', format!("{port} {}", tags.join(" ")).into_bytes())).collect();
    compare(&cases, |(_, content), theirs| {
        let port = std::str::from_utf8(content).unwrap().split(' ').next().unwrap();
        let context = |cgo| BuildContext {
            platform: port.parse().unwrap(),
            go: "1.27.3".parse().unwrap(),
            cgo,
            tags: BTreeSet::from(["netgo".to_owned()]),
            experiments: BTreeSet::new(),
            external_link: None,
        };
        let contexts = [context(false), context(true)];
        let ours = json!(tags.iter().flat_map(|tag| contexts.each_ref().map(|c| c.satisfies(tag))).collect::<Vec<bool>>());
        if *theirs == ours { Ok(()) } else { Err(ours) }
    });
}
