//! Store objects without Nix: derivations as its primitive operation `derivation` makes them, and files.
//!
//! Texts know which store objects they name, as Nix's strings do ("String context" in the Nix manual), so that what a derivation depends on
//! follows from its attributes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::aterm::{Fixed, Resolved, StorePath, Unresolved};
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::lock::nar;

/// A store object that a text names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// An output of a derivation.
    Output(StorePath, String),
    /// A file or a directory.
    Source(StorePath),
}

/// A text, and the store objects that it names.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    text: String,
    uses: BTreeSet<Use>,
}

impl Text {
    /// This text with more before and behind it.
    pub fn within(&self, before: impl Display, after: impl Display) -> Text {
        Text { text: format!("{before}{}{after}", self.text), uses: self.uses.clone() }
    }

    /// The text alone, which names nothing any more.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Text {
        Text { text: text.into(), uses: BTreeSet::new() }
    }
}

impl From<&StorePath> for Text {
    fn from(path: &StorePath) -> Text {
        Text { text: path.as_str().to_owned(), uses: [Use::Source(path.clone())].into() }
    }
}

/// A derivation's attributes.
#[derive(Default)]
pub(super) struct Attributes {
    values: Map<String, Value>,
    arguments: Vec<String>,
    uses: BTreeSet<Use>,
    is_structured: bool,
    fixed: Option<Fixed>,
}

impl Attributes {
    /// Those of a derivation with this name, for this system, that runs this program.
    pub fn new(name: impl Into<String>, system: &str, builder: impl Into<Text>) -> Attributes {
        Attributes::default().with("name", name.into()).with("system", system).with("builder", builder)
    }

    /// Attributes reach the builder as JSON (`__structuredAttrs`).
    pub fn structured(mut self) -> Attributes {
        self.is_structured = true;
        self
    }

    /// The program's arguments.
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<Text>>) -> Attributes {
        for argument in arguments {
            let Text { text, uses } = argument.into();
            self.arguments.push(text);
            self.uses.extend(uses);
        }
        self
    }

    /// One more attribute, a text.
    pub fn with(mut self, name: &str, text: impl Into<Text>) -> Attributes {
        let Text { text, uses } = text.into();
        self.uses.extend(uses);
        self.value(name, text)
    }

    /// One more, texts by name.
    pub fn with_all(mut self, name: &str, texts: BTreeMap<String, Text>) -> Attributes {
        let texts = texts.into_iter().map(|(name, Text { text, uses })| {
            self.uses.extend(uses);
            (name, Value::String(text))
        });
        let texts: Map<String, Value> = texts.collect();
        self.value(name, texts)
    }

    /// One more, a list of texts.
    pub fn with_list(mut self, name: &str, texts: impl IntoIterator<Item = Text>) -> Attributes {
        let texts = texts.into_iter().map(|Text { text, uses }| {
            self.uses.extend(uses);
            Value::String(text)
        });
        let texts: Vec<Value> = texts.collect();
        self.value(name, texts)
    }

    /// One more that names no store object.
    pub fn value(mut self, name: &str, value: impl Into<Value>) -> Attributes {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// What a value that was set otherwise names.
    pub fn using<'t>(mut self, texts: impl IntoIterator<Item = &'t Text>) -> Attributes {
        self.uses.extend(texts.into_iter().flat_map(|text| text.uses.iter().cloned()));
        self
    }

    /// The hash that the output must have.
    pub fn fixed(mut self, hash: Fixed) -> Attributes {
        self.fixed = Some(hash);
        let (mode, hash) = match hash {
            Fixed::Flat(sha256) => ("flat", sha256.to_string()),
            Fixed::Recursive(sha256) => ("recursive", sha256.sri().to_string()),
        };
        self.with("outputHashAlgo", "sha256").with("outputHashMode", mode).with("outputHash", hash)
    }

    fn text(&self, name: &str) -> String {
        self.values.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn outputs(&self) -> BTreeSet<String> {
        let listed = self.values.get("outputs").and_then(Value::as_array);
        let listed = listed.map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        listed.unwrap_or_else(|| ["out".to_owned()].into())
    }
}

/// A derivation in the store.
#[derive(Debug)]
pub(super) struct Derivation {
    /// Its file.
    pub path: StorePath,
    outputs: BTreeMap<String, StorePath>,
}

impl Derivation {
    /// The path of an output; empty for one that it doesn't have.
    pub fn output(&self, name: &str) -> Text {
        let text = self.outputs.get(name).map_or("", StorePath::as_str).to_owned();
        Text { text, uses: [Use::Output(self.path.clone(), name.to_owned())].into() }
    }

    /// The path of the output `out`.
    pub fn out(&self) -> Text {
        self.output("out")
    }

    /// The paths of all outputs.
    pub fn outputs(&self) -> &BTreeMap<String, StorePath> {
        &self.outputs
    }
}

/// A file or directory of a store, and what it refers to.
struct Object {
    nar: Vec<u8>,
    references: BTreeSet<StorePath>,
}

/// The objects that were made.
#[derive(Default)]
pub(super) struct Store {
    hashes: BTreeMap<StorePath, Sha256>,
    objects: BTreeMap<StorePath, Object>,
    /// Outputs by derivation.
    outputs: BTreeMap<StorePath, Vec<StorePath>>,
}

impl Store {
    /// What `derivation` makes of the attributes (`derivationStrict` in Nix's `primops.cc`).
    ///
    /// # Errors
    ///
    /// A name that no store object may have.
    pub fn derivation(&mut self, attributes: Attributes) -> Result<Rc<Derivation>> {
        let name = checked(attributes.text("name"))?;
        let sources = attributes.uses.iter().filter_map(|used| match used {
            Use::Source(path) => Some(path.clone()),
            Use::Output(..) => None,
        });
        let unresolved = Unresolved {
            name,
            outputs: attributes.outputs(),
            fixed: attributes.fixed,
            inputs: inputs(&attributes.uses),
            sources: sources.collect(),
            system: attributes.text("system"),
            builder: attributes.text("builder"),
            arguments: attributes.arguments,
            env: match attributes.is_structured {
                true => [("__json".to_owned(), Value::Object(attributes.values).to_string())].into(),
                false => attributes.values.iter().map(|(name, value)| (name.clone(), variable(value))).collect(),
            },
        };
        let references = unresolved.references();
        let Resolved { path, text, outputs, hash } = unresolved.resolve(|path| self.hashes[path]);
        self.hashes.insert(path.clone(), hash);
        self.outputs.insert(path.clone(), outputs.values().cloned().collect());
        self.objects.insert(path.clone(), Object { nar: file_nar(text.as_bytes()), references });
        Ok(Rc::new(Derivation { path, outputs }))
    }

    /// What `builtins.toFile` makes of a text that names nothing.
    pub fn text_file(&mut self, name: &str, content: &str) -> Result<Text> {
        let path = StorePath::of_text(&checked(name.to_owned())?, content.as_bytes(), &BTreeSet::new());
        Ok(self.source(path, file_nar(content.as_bytes())))
    }

    /// What `builtins.path` makes of a file or directory with this NAR.
    pub fn tree(&mut self, name: &str, nar: Vec<u8>) -> Result<Text> {
        let path = StorePath::of_fixed(&checked(name.to_owned())?, Fixed::Recursive(Sha256::of(&nar)));
        Ok(self.source(path, nar))
    }

    /// What `builtins.path` makes of a file that isn't taken for a tree.
    pub fn flat_file(&mut self, name: &str, content: &[u8]) -> Result<Text> {
        let path = StorePath::of_fixed(&checked(name.to_owned())?, Fixed::Flat(Sha256::of(content)));
        Ok(self.source(path, file_nar(content)))
    }

    fn source(&mut self, path: StorePath, nar: Vec<u8>) -> Text {
        let text = Text::from(&path);
        self.objects.insert(path, Object { nar, references: BTreeSet::new() });
        text
    }

    /// The outputs of these derivations.
    pub fn outputs_of(&self, paths: &[StorePath]) -> BTreeSet<StorePath> {
        paths.iter().filter_map(|path| self.outputs.get(path)).flatten().cloned().collect()
    }

    /// The objects that these need, each after those that it refers to; without those that were there before.
    pub fn closure(&self, roots: impl IntoIterator<Item = StorePath>) -> Vec<StorePath> {
        let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
        let mut open: Vec<(StorePath, bool)> = roots.into_iter().map(|path| (path, false)).collect();
        while let Some((path, is_done)) = open.pop() {
            if is_done {
                order.push(path);
            } else if let Some(object) = self.objects.get(&path).filter(|_| seen.insert(path.clone())) {
                open.push((path, true));
                open.extend(object.references.iter().map(|path| (path.clone(), false)));
            }
        }
        order
    }

    /// The objects as `nix-store --import` reads them, in this order (`exportPaths` in Nix's `export-import.cc`).
    pub fn export(&self, paths: &[StorePath]) -> Vec<u8> {
        /// What follows each NAR.
        const MAGIC: u64 = 0x4558_494e;
        // A vector takes everything.
        let string = |out: &mut Vec<u8>, text: &str| drop(nar::strings(out, &[text]));
        let mut out = Vec::new();
        for path in paths {
            let Object { nar, references } = &self.objects[path];
            out.extend(1_u64.to_le_bytes());
            out.extend(nar);
            out.extend(MAGIC.to_le_bytes());
            string(&mut out, path.as_str());
            out.extend((references.len() as u64).to_le_bytes());
            references.iter().for_each(|reference| string(&mut out, reference.as_str()));
            // No deriver, and no signature of the kind that isn't used any more.
            string(&mut out, "");
            out.extend(0_u64.to_le_bytes());
        }
        out.extend(0_u64.to_le_bytes());
        out
    }
}

/// A store object's name; it need not be unique, and may not hold everything that an import path may (`storeName`).
pub(super) fn store_name(text: &str) -> String {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+._?=-".contains(c);
    let mut name = String::from("go-");
    let mut was_allowed = true;
    for c in text.chars() {
        match is_allowed(c) {
            true => name.push(c),
            false if was_allowed => name.push('-'),
            false => {}
        }
        was_allowed = is_allowed(c);
    }
    name.truncate("go-".len() + 150);
    name
}

/// Refuses a name that Nix refuses (`checkName`).
fn checked(name: String) -> Result<String> {
    /// In bytes.
    const MAX: usize = 211;
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"+-._?=".contains(&b);
    match !name.is_empty() && name.len() <= MAX && !name.starts_with('.') && name.bytes().all(is_allowed) {
        true => Ok(name),
        false => Err(Error::input(format!("there can be no store object with the name `{}`", name.escape_debug()))),
    }
}

/// The derivations that are used, with the outputs.
fn inputs(uses: &BTreeSet<Use>) -> BTreeMap<StorePath, BTreeSet<String>> {
    let mut inputs: BTreeMap<StorePath, BTreeSet<String>> = BTreeMap::new();
    for used in uses {
        if let Use::Output(path, output) = used {
            inputs.entry(path.clone()).or_default().insert(output.clone());
        }
    }
    inputs
}

/// An attribute as an environment variable (`coerceToString` with `coerceMore`).
fn variable(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "1".to_owned(),
        Value::Array(items) => items.iter().map(variable).collect::<Vec<_>>().join(" "),
        Value::Number(number) => number.to_string(),
        Value::Bool(false) | Value::Null | Value::Object(_) => String::new(),
    }
}

fn file_nar(content: &[u8]) -> Vec<u8> {
    let mut nar = Vec::with_capacity(content.len() + 128);
    // A vector takes everything, and the size is right.
    let _ = nar::single_file(&mut nar, false, content.len() as u64, content);
    nar
}
