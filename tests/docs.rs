//! What the documentation shows must be so: specs are evaluated, errors are those of the program, and commands exist.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use godirect::files::Files;
use godirect::spec;

/// All pages with commands.
const PAGES: [&str; 14] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/build-files.md",
    "docs/ci.md",
    "docs/spec.md",
    "docs/graph.md",
    "docs/identity.md",
    "docs/list.md",
    "docs/lockfile.md",
    "docs/sdk-source.md",
    "docs/trust.md",
    "rules_go_direct/README.md",
    "rules_go_direct/docs/migrating.md",
];

/// Pages whose `python` blocks are specs.
const SPECS: [&str; 3] = ["README.md", "docs/ci.md", "docs/spec.md"];

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(page: &str) -> String {
    std::fs::read_to_string(repository(page)).unwrap_or_else(|e| panic!("{page}: {e}"))
}

/// The fenced code blocks of a page: what stands behind the fence, and the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let text = read(page);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((info.to_owned(), code.join("\n") + "\n"));
        }
    }
    found
}

/// The file that the first line of a spec block names in a comment.
fn named_file(code: &str) -> Option<&str> {
    let name = code.lines().next()?.strip_prefix("# ")?;
    name.ends_with(".star").then_some(name)
}

#[test]
fn specs_are_valid() {
    for page in SPECS {
        let directory = tempfile::tempdir().unwrap();
        let mut specs = 0;
        for (info, code) in blocks(page).iter().filter(|(info, _)| info == "python") {
            let file = directory.path().join(named_file(code).unwrap_or(spec::FILE));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, code).unwrap();
            if file.ends_with(spec::FILE) {
                spec::load(&Files::default(), directory.path())
                    .unwrap_or_else(|e| panic!("{page}, {info}:\n{code}\n{}", e.render(false)));
                specs += 1;
            }
        }
        assert!(specs > 0, "{page} has no spec");
    }
}

#[test]
fn errors_look_as_shown() {
    let blocks = blocks("docs/spec.md");
    let wrong: Vec<usize> = (0..blocks.len()).filter(|i| blocks[*i].0 == "python error").collect();
    assert!(!wrong.is_empty());
    for i in wrong {
        let error = spec::parse(&blocks[i].1).expect_err(&blocks[i].1);
        assert_eq!(blocks[i + 1], ("text".to_owned(), error.render(false) + "\n"));
    }
}

/// The arguments of godirect in a line of a shell session, if the line runs it.
fn arguments(line: &str) -> Option<Vec<&str>> {
    let command = line.trim_start_matches("$ ").split(" #").next()?;
    let words: Vec<&str> = command.split_whitespace().collect();
    let program = words.iter().position(|word| *word == "godirect" || word.ends_with("/godirect"));
    let cargo = words.starts_with(&["cargo", "run"]).then(|| words.iter().position(|word| *word == "--")).flatten();
    Some(words[cargo.or(program)? + 1..].to_vec())
}

/// The commands of a page: its shell blocks, and what stands between backticks in its text.
fn commands(page: &str) -> Vec<String> {
    let shell = |info: &str| matches!(info, "sh" | "console");
    let mut found: Vec<String> = Vec::new();
    for (info, code) in blocks(page).iter().filter(|(info, _)| shell(info)) {
        let typed = |line: &&str| info == "sh" || line.starts_with("$ ");
        found.extend(code.lines().filter(typed).map(str::to_owned));
    }
    let text = read(page);
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    found.extend(quoted.filter(|code| code.starts_with("godirect ")).map(str::to_owned));
    found
}

#[test]
fn commands_exist() {
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    let mut count = 0;
    for page in PAGES {
        for command in commands(page) {
            let Some(mut words) = arguments(&command) else { continue };
            if let Some(at) = words.iter().position(|word| *word == "-C") {
                words.drain(at..at + 2);
            }
            let Some(verb) = words.iter().find(|word| !word.starts_with('-')) else { continue };
            let help = helps.entry((*verb).to_owned()).or_insert_with(|| {
                let output = Command::new(env!("CARGO_BIN_EXE_godirect")).args([verb, "--help"]).output().unwrap();
                assert!(output.status.success(), "{page}: there is no verb in `{command}`");
                String::from_utf8(output.stdout).unwrap()
            });
            for flag in words.iter().filter(|word| word.starts_with('-')) {
                let name = flag.split('=').next().unwrap();
                let known = help.split_whitespace().any(|word| word.split([',', '=', '[']).next() == Some(name));
                assert!(known, "{page}: `godirect {verb}` has no flag {name} ({command})");
            }
            count += 1;
        }
    }
    assert!(count > 10, "only {count} commands were found");
}

/// The lines of a transcript that don't depend on the machine's speed and on what its cache has.
fn steady(transcript: &str) -> Vec<String> {
    let timed = |line: &&str| line.starts_with("compiled") || line.contains("generated file");
    transcript.lines().filter(|line| !timed(line)).map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn the_transcript_is_real() {
    let (_, shown) = blocks("README.md").into_iter().find(|(info, _)| info == "console").expect("a transcript");
    let (command, shown) = shown.split_once('\n').unwrap();
    let words = arguments(command).expect(command);
    assert_eq!(words[..2], ["-C", "examples/01-hello"], "{command}");

    // In a copy, so that the repository isn't written to.
    let directory = tempfile::tempdir().unwrap();
    let example = directory.path().join("examples/01-hello");
    std::fs::create_dir_all(example.parent().unwrap()).unwrap();
    let copied = Command::new("cp").arg("-r").arg(repository("examples/01-hello")).arg(&example).status().unwrap();
    assert!(copied.success());
    let output = Command::new(env!("CARGO_BIN_EXE_godirect")).args(&words).current_dir(&directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(steady(shown), steady(&String::from_utf8(output.stdout).unwrap()));
}

/// What a command prints on the examples, which it only reads.
fn printed(command: &str) -> String {
    let words = arguments(command).expect(command);
    let output = Command::new(env!("CARGO_BIN_EXE_godirect")).args(&words).current_dir(repository("")).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_graph_is_as_shown() {
    let (_, shown) = blocks("docs/graph.md").into_iter().find(|(info, _)| info == "console").expect("a transcript");
    let (command, shown) = shown.split_once('\n').unwrap();
    assert_eq!(shown, printed(command));
    // Where things stand in the drawing is up to the version of Graphviz, but not which things.
    let drawing = read("docs/graph.svg").replace("&#45;", "-").replace("&gt;", ">");
    let mut arrows = 0;
    for line in printed("godirect -C examples/02-modules graph").lines().filter(|line| line.contains(" -> ")) {
        let title: String = line.split('"').filter(|part| !part.trim().is_empty() && *part != ";").collect();
        assert!(
            drawing.contains(&format!("<title>{}</title>", title.replace(" -> ", "->"))),
            "docs/graph.svg doesn't have {line}"
        );
        arrows += 1;
    }
    assert_eq!(drawing.matches("class=\"edge\"").count(), arrows);
}

#[test]
fn links_lead_somewhere() {
    for page in PAGES {
        let text = read(page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let path = repository(page).parent().unwrap().join(file);
            assert!(path.exists(), "{page} links to {target}, which isn't there");
        }
    }
}

#[test]
fn tests_that_are_named_exist() {
    let page = "docs/trust.md";
    let mut count = 0;
    for link in read(page).split("[`").skip(1) {
        let Some((name, rest)) = link.split_once("`](") else { continue };
        let file = rest.split(')').next().unwrap();
        let code =
            std::fs::read_to_string(repository(page).parent().unwrap().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let lines: Vec<&str> = code.lines().map(str::trim).collect();
        let is_test = |pair: &[&str]| pair[0] == "#[test]" && pair[1] == format!("fn {name}() {{");
        assert!(lines.windows(2).any(is_test), "{page}: {file} has no test `{name}`");
        count += 1;
    }
    assert!(count > 40, "only {count} tests were found");
}

#[test]
fn each_threat_has_a_test() {
    let text = read("docs/trust.md");
    let table = text.split("| threat |").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a table of threats");
    for row in table.lines().skip(2) {
        assert!(row.matches("](").count() > 0, "no test: {row}");
    }
}
