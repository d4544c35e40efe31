//! What a BUILD file declares.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use super::glob::Glob;
use super::literals::{has_word, strings};
use crate::source::build_file::{Argument, BuildFile, Call, Element, Expr, Value};

/// A directory with a BUILD file.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The rules and macros that it calls, in order.
    pub rules: Vec<Rule>,
    /// The text of all that counts for every rule: variables, `package()`.
    pub shared: String,
}

/// A call that makes a target.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// The target's name; empty where it isn't known which targets there are.
    pub name: String,
    /// What is called.
    pub kind: String,
    /// What makes it another rule: its text, without comments, and where what it uses is loaded from.
    pub text: String,
    /// The values of `tags`.
    pub tags: BTreeSet<String>,
    /// The strings of its attributes, which may be labels, by attribute.
    pub strings: Vec<(String, String)>,
    /// Its globs.
    pub globs: Vec<Glob>,
    /// The labels of .bzl files that it comes from.
    pub loads: BTreeSet<String>,
    /// The label and the name, if what is called is loaded.
    pub loaded: Option<(String, String)>,
    /// Why it may use what isn't named, if so.
    pub open: Option<String>,
}

/// Attributes whose strings name nothing that the target is made of.
const NO_LABELS: [&str; 7] = ["name", "visibility", "tags", "deprecation", "licenses", "distribs", "testonly"];

/// Functions that make no target.
const NO_TARGETS: [&str; 6] = ["package", "exports_files", "licenses", "package_group", "workspace", "print"];

/// Reads another file that is loaded, by its label and the directory of the one that loads it: its directory and text, if it is in the
/// repository.
pub type Load<'a> = dyn Fn(&str, &str) -> Option<(String, Rc<str>)> + 'a;

/// How many variables may stand for one another.
const MAX_DEPTH: usize = 8;
/// How many expressions are looked at for an attribute: variables may stand for each other many times.
const MAX_STEPS: usize = 50_000;
/// As many as it counts for to read another file.
const LOAD_STEPS: usize = 500;

impl Package {
    /// Reads the BUILD file of a directory.
    pub fn read(directory: &str, path: &str, text: &str, load: &Load) -> Package {
        match BuildFile::parse(Path::new(path), text) {
            Ok(file) => Reader::new(&file, directory, load).package(),
            Err(error) => {
                let strings = strings(text).into_iter().map(|value| (String::new(), value.to_owned())).collect();
                let open = Some(format!("{path} can't be read: {}", error.message()));
                Package { rules: vec![Rule { text: text.to_owned(), strings, open, ..Rule::default() }], shared: String::new() }
            }
        }
    }
}

/// The value of a variable, with the text that its places are in.
struct Assigned {
    text: String,
    value: Option<Expr>,
}

struct Reader<'a> {
    file: &'a BuildFile,
    directory: &'a str,
    variables: BTreeMap<String, Assigned>,
    load: &'a Load<'a>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a BuildFile, directory: &'a str, load: &'a Load<'a>) -> Reader<'a> {
        Reader { file, directory, variables: variables(file), load }
    }

    fn package(&self) -> Package {
        let mut package = Package::default();
        for statement in &self.file.statements {
            if self.file.loads.iter().any(|load| load.span == *statement) {
                continue;
            }
            let call = self.file.calls.iter().find(|call| call.span == *statement);
            let text = self.without_comments(statement);
            match call {
                Some(call) if NO_TARGETS.contains(&call.kind.as_str()) => package.shared += &text,
                Some(call) => package.rules.push(self.rule(call, text)),
                None if variable(&text).is_some() => package.shared += &text,
                // A text that says what the file is.
                None if text.starts_with(['"', '\'']) => {}
                None => package.rules.push(self.unknown(text, "what it declares isn't literal".to_owned())),
            }
        }
        package
    }

    /// The text of a statement without comments: what stands before them on their line is kept, and lines that they have alone aren't.
    fn without_comments(&self, span: &Range<usize>) -> String {
        let (mut text, mut from) = (String::new(), span.start);
        for comment in self.file.comments.iter().filter(|comment| span.start <= comment.start && comment.end <= span.end) {
            let before = self.file.text[from..comment.start].trim_end_matches([' ', '\t']);
            text += before.strip_suffix('\n').unwrap_or(before);
            from = comment.end;
        }
        text + &self.file.text[from..span.end] + "\n"
    }

    fn rule(&self, call: &Call, text: String) -> Rule {
        let Some(name) = call.name() else { return self.unknown(text, "its name isn't literal".to_owned()) };
        let mut rule = Rule { name: name.to_owned(), kind: call.kind.clone(), ..Rule::default() };
        for Element { node: Argument { name, value }, .. } in &call.arguments {
            let attribute = name.as_deref().unwrap_or_default();
            let mut found = Found::default();
            self.collect(value, &self.file.text, 0, &mut found);
            if attribute == "tags" {
                rule.tags = found.strings.into_iter().collect();
            } else if !NO_LABELS.contains(&attribute) {
                rule.strings.extend(found.strings.into_iter().map(|value| (attribute.to_owned(), value)));
                rule.globs.extend(found.globs);
                if found.is_open {
                    let what = if attribute.is_empty() { "an argument" } else { attribute };
                    rule.open.get_or_insert(format!("{what} of {} isn't literal", rule.name));
                }
            }
        }
        self.add_loads(&mut rule, text);
        rule
    }

    /// A statement that makes targets whose names aren't known.
    fn unknown(&self, text: String, why: String) -> Rule {
        let strings = strings(&text).into_iter().map(|value| (String::new(), value.to_owned())).collect();
        let mut rule = Rule { strings, open: Some(why), ..Rule::default() };
        self.add_loads(&mut rule, text);
        rule
    }

    /// Adds what the rule's text uses of other files.
    fn add_loads(&self, rule: &mut Rule, text: String) {
        for load in &self.file.loads {
            for symbol in load.symbols.iter().map(|symbol| &symbol.node) {
                if has_word(&text, &symbol.local) {
                    rule.loads.insert(load.file.value.clone());
                    rule.text += &format!("{} of {}\n", symbol.name, load.file.value);
                }
                if symbol.local == rule.kind {
                    rule.loaded = Some((load.file.value.clone(), symbol.name.clone()));
                }
            }
        }
        rule.text += &text;
    }

    /// Adds what an expression says, whose places are in `text`.
    fn collect(&self, expression: &Expr, text: &str, depth: usize, found: &mut Found) {
        found.steps += 1;
        if found.steps > MAX_STEPS {
            found.is_open = true;
            return;
        }
        match &expression.value {
            Value::String(value) => found.strings.push(value.clone()),
            Value::Int(_) => {}
            Value::List(items) => items.iter().for_each(|item| self.collect(&item.node, text, depth, found)),
            Value::Dict(entries) | Value::Select(entries, _) => {
                for (key, value) in entries.iter().map(|entry| &entry.node) {
                    self.collect(key, text, depth, found);
                    self.collect(value, text, depth, found);
                }
            }
            Value::Sum(terms) => terms.iter().for_each(|term| self.collect(term, text, depth, found)),
            Value::Glob(arguments) => self.glob(arguments, text, depth, found),
            Value::Name(name) => self.named(name, depth, found),
            Value::Other => {
                let value = text.get(expression.span.clone()).unwrap_or_default();
                found.strings.extend(strings(value).into_iter().map(str::to_owned));
                found.is_open = true;
            }
        }
    }

    /// Adds what a variable or a loaded constant says.
    fn named(&self, name: &str, depth: usize, found: &mut Found) {
        if matches!(name, "True" | "False" | "None") {
            return;
        }
        if let Some(Assigned { text, value: Some(value) }) = self.variables.get(name).filter(|_| depth < MAX_DEPTH) {
            return self.collect(value, text, depth + 1, found);
        }
        let loads = self.file.loads.iter().flat_map(|load| load.symbols.iter().map(move |symbol| (load, &symbol.node)));
        let loaded = loads.filter(|(_, symbol)| symbol.local == name && depth < MAX_DEPTH && found.steps < MAX_STEPS).find_map(
            |(load, symbol)| {
                let (directory, text) = (self.load)(&load.file.value, self.directory)?;
                let file = BuildFile::parse(Path::new(""), &text).ok()?;
                let other = Reader::new(&file, &directory, self.load);
                let mut inner = Found { steps: found.steps + LOAD_STEPS, ..Found::default() };
                other.named(&symbol.name, depth + 1, &mut inner);
                Some(inner)
            },
        );
        match loaded {
            Some(inner) => found.extend(inner),
            None => found.is_open = true,
        }
    }

    fn glob(&self, arguments: &[Element<Argument>], text: &str, depth: usize, found: &mut Found) {
        let mut glob = Glob::default();
        for (at, Argument { name, value }) in arguments.iter().map(|argument| &argument.node).enumerate() {
            let mut patterns = Found { steps: found.steps, ..Found::default() };
            self.collect(value, text, depth, &mut patterns);
            found.steps = patterns.steps;
            found.is_open |= patterns.is_open || !patterns.globs.is_empty();
            match (name.as_deref(), at) {
                (Some("include"), _) | (None, 0) => glob.include = patterns.strings,
                (Some("exclude"), _) | (None, 1) => glob.exclude = patterns.strings,
                (Some("exclude_directories"), _) | (None, 2) => glob.directories = true,
                _ => {}
            }
        }
        found.is_open |= glob.directories || !glob.is_valid();
        found.globs.push(glob);
    }
}

/// What an attribute says.
#[derive(Default)]
struct Found {
    strings: Vec<String>,
    globs: Vec<Glob>,
    is_open: bool,
    /// How many expressions were looked at.
    steps: usize,
}

impl Found {
    fn extend(&mut self, other: Found) {
        self.strings.extend(other.strings);
        self.globs.extend(other.globs);
        self.is_open |= other.is_open;
        self.steps = other.steps;
    }
}

/// The name and the value of a statement that gives a variable its value.
fn variable(statement: &str) -> Option<(&str, &str)> {
    let (name, value) = statement.split_once('=')?;
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    Some((name.trim(), value)).filter(|(name, value)| is_name(name) && !value.starts_with('='))
}

/// The variables at the top of a file. Where one is assigned twice, its value isn't known.
fn variables(file: &BuildFile) -> BTreeMap<String, Assigned> {
    let mut found = BTreeMap::new();
    for (name, value) in file.statements.iter().filter_map(|statement| variable(&file.text[statement.clone()])) {
        // Of the parser, arguments of calls have values.
        let text = format!("value(value = {value}\n)\n");
        let parsed = BuildFile::parse(Path::new(""), &text).ok();
        let argument = parsed.and_then(|parsed| parsed.calls.into_iter().next()?.arguments.into_iter().next());
        let value = argument.map(|argument| argument.node.value).filter(|_| !found.contains_key(name));
        found.insert(name.to_owned(), Assigned { text, value });
    }
    found
}

#[cfg(test)]
mod tests;
