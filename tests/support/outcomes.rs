//! How tests have ended, for comparisons of programs that run them.

use std::collections::BTreeMap;

use serde_json::Value;

/// How each test of each package has ended, by the package's import path and the test's name; several may have one name. That of a whole
/// package is empty.
pub type Outcomes = BTreeMap<String, Vec<String>>;

/// Adds a test to those that are known.
pub fn add(found: &mut Outcomes, package: &str, test: &str, outcome: &str) {
    let actions = found.entry(format!("{package} {}", without_numbers(test))).or_default();
    actions.push(outcome.to_owned());
    actions.sort();
}

/// What `go test -json` has printed.
pub fn of_events(stdout: &[u8]) -> Outcomes {
    let mut found = Outcomes::new();
    for line in String::from_utf8_lossy(stdout).lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let text = |field: &str| event[field].as_str().unwrap_or_default();
        if matches!(text("Action"), "pass" | "fail" | "skip") && !text("Package").is_empty() {
            add(&mut found, text("Package"), text("Test"), text("Action"));
        }
    }
    found
}

/// How many have ended so.
pub fn count(found: &Outcomes, outcome: &str) -> usize {
    found.values().flatten().filter(|action| *action == outcome).count()
}

/// Some tests are named by the time or by where their values are.
fn without_numbers(name: &str) -> String {
    let mut text = String::new();
    for part in name.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_number = word.starts_with(|c: char| c.is_ascii_digit());
        text.push_str(if is_number { "0" } else { word });
        text.push_str(&part[word.len()..]);
    }
    text
}
