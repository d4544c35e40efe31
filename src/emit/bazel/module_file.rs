//! The section of MODULE.bazel that godirect keeps; everything around it is the user's.

use std::collections::BTreeMap;

use handlebars::Handlebars;
use serde::Serialize;

use super::layout::Layout;
use super::rule::literal;
use super::{Input, RULESET, RULESET_VERSION};
use crate::error::{Error, Result};
use crate::graph::Origin;

const TEMPLATE: &str = include_str!("../../../templates/bazel/MODULE.bazel.hbs");
const BEGIN: &str = "# godirect: begin";
const END: &str = "# godirect: end";

#[derive(Serialize)]
struct Section<'a> {
    ruleset: &'a str,
    version: &'a str,
    extensions: String,
    lock: &'a str,
    local_packages: Vec<LocalPackage<'a>>,
}

/// A package of the repository that a third-party module imports.
#[derive(Serialize)]
struct LocalPackage<'a> {
    import_path: &'a str,
    label: String,
}

/// The text; `None` where rules_go is set up by who uses it, and no section is left of other days.
pub(super) fn render(input: &Input, layout: &Layout) -> Result<Option<String>> {
    if !input.rules.is_own() {
        let old = input.module_file.filter(|text| text.lines().any(|line| line.starts_with(BEGIN)));
        return old.map(|old| replace(old, "")).transpose();
    }
    let section = Section {
        ruleset: RULESET,
        version: RULESET_VERSION,
        extensions: format!("@{RULESET}//go:extensions.bzl"),
        lock: "//:godirect.lock.json",
        local_packages: local_packages(input, layout),
    };
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(literal);
    let section = handlebars
        .render_template(TEMPLATE, &section)
        .map_err(|e| Error::input(format!("the template of MODULE.bazel: {e}")))?;
    match input.module_file {
        None => {
            let name = input.mains.first().map_or("main", |m| super::build_file::base_name(m.path.as_str()));
            Ok(Some(format!("module(name = {})\n\n{section}", literal(&module_name(name)))))
        }
        Some(old) => replace(old, &section).map(Some),
    }
}

/// Go takes the repository's own packages also for modules that know them from elsewhere, so Bazel must do the same.
fn local_packages<'a>(input: &Input<'a>, layout: &Layout) -> Vec<LocalPackage<'a>> {
    let mut found = BTreeMap::new();
    for graph in input.views.iter().flat_map(|view| [Some(view.graph), view.tests.map(|tests| &tests.graph)]).flatten() {
        for package in graph.packages().iter().filter(|p| matches!(p.origin, Origin::Module { .. })) {
            for path in package.imports.values() {
                if let Some(imported) = graph.get(path).filter(|p| matches!(p.origin, Origin::Main { .. }))
                    && let Some(label) = layout.label(imported, "")
                {
                    found.insert(imported.import_path.as_str(), label);
                }
            }
        }
    }
    found.into_iter().map(|(import_path, label)| LocalPackage { import_path, label }).collect()
}

/// A Bazel module's name: lower-case letters, digits, `.`, `-` and `_`, beginning with a letter and ending with neither punctuation.
fn module_name(base: &str) -> String {
    let plain: String = base
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' })
        .collect();
    let trimmed = plain.trim_start_matches(|c: char| !c.is_ascii_lowercase()).trim_end_matches(['.', '-', '_']);
    match trimmed {
        "" => "main".to_owned(),
        // Names of modules that Bazel itself or the ruleset brings into every build.
        name if RESERVED.contains(&name) || name.starts_with("rules_") => format!("{name}_main"),
        name => name.to_owned(),
    }
}

/// Modules that every build has besides its own.
const RESERVED: [&str; 6] =
    ["apple_support", "bazel_features", "bazel_skylib", "bazel_tools", "local_config_platform", "platforms"];

fn replace(old: &str, section: &str) -> Result<String> {
    let lines = |mark: &str| old.lines().filter(|line| line.starts_with(mark)).count();
    match (lines(BEGIN), lines(END)) {
        (0, 0) => {
            let gap = if old.is_empty() || old.ends_with("\n\n") {
                ""
            } else if old.ends_with('\n') {
                "\n"
            } else {
                "\n\n"
            };
            Ok(format!("{old}{gap}{section}"))
        }
        (1, 1) => {
            let begin = old.find(BEGIN).unwrap_or(0);
            match old[begin..].find(END) {
                Some(end) => {
                    let rest = &old[begin + end..];
                    let rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
                    Ok(format!("{}{section}{rest}", &old[..begin]))
                }
                None => Err(broken()),
            }
        }
        _ => Err(broken()),
    }
}

fn broken() -> Error {
    Error::input(format!("MODULE.bazel has not one line `{BEGIN} …` followed by one `{END}`"))
        .help("delete these lines and what is between them; `godirect generate` writes them again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_section_is_replaced() {
        let section = "# godirect: begin (new)\nx\n# godirect: end\n";
        let old = "# mine\n\n# godirect: begin (old)\ny\nz\n# godirect: end\n\n# also mine\n";
        assert_eq!(replace(old, section).unwrap(), format!("# mine\n\n{section}\n# also mine\n"));
        assert_eq!(replace("a\n", section).unwrap(), format!("a\n\n{section}"));
        assert_eq!(replace("", section).unwrap(), section);
        assert!(replace("# godirect: begin\n", section).is_err());
        assert!(replace("# godirect: end\n# godirect: begin\n", section).is_err());
    }

    #[test]
    fn module_names_are_what_bazel_accepts() {
        assert_eq!(module_name("Hello-World"), "hello-world");
        assert_eq!(module_name("42answers"), "answers");
        assert_eq!(module_name("~"), "main");
        assert_eq!(module_name("platforms"), "platforms_main");
        assert_eq!(module_name("rules_go_direct"), "rules_go_direct_main");
    }
}
