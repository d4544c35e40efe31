//! What is known of rules by their names, without evaluating Starlark.

use super::Reader;
use crate::emit::bazel::RULESET;
use crate::source::bazel::label::{self, Name};
use crate::source::bazel::package::Rule;

/// Modules with rules that make one target and have all that it is made of in their attributes: those that Bazel once had itself.
const KNOWN_MODULES: [&str; 8] =
    ["rules_cc", "rules_java", "rules_python", "rules_shell", "rules_proto", "protobuf", "com_google_protobuf", RULESET];
/// How these are called.
const KNOWN_RULES: [&str; 9] = ["_binary", "_image", "_library", "_test", "_import", "_module", "_package", "_path", "_source"];

/// Whether an attribute names files that the rule makes.
pub(super) fn is_for_outputs(attribute: &str) -> bool {
    attribute.split('_').any(|word| matches!(word, "out" | "outs" | "output" | "outputs"))
}

impl Reader<'_> {
    /// Whether a rule makes one target, of nothing but what its attributes say.
    pub(super) fn is_exact(&self, directory: &str, rule: &Rule) -> bool {
        let Some((file, symbol)) = &rule.loaded else { return !rule.name.is_empty() && !rule.kind.contains('.') };
        match label::name(file, directory, &self.files.own) {
            Name::External(module) => {
                KNOWN_MODULES.contains(&module.as_str()) && KNOWN_RULES.iter().any(|end| symbol.ends_with(end))
            }
            Name::Label(..) => {
                let text = self.files.loaded(file, directory).map(|(_, text)| text).unwrap_or_default();
                text.lines().any(|line| line.split_once(" = rule(").is_some_and(|(name, _)| name == symbol))
            }
            _ => false,
        }
    }
}
