//! Derivations as Nix writes them, and the store paths that follow from them.
//!
//! Formats: "Derivation" and "Store Path" in the Nix manual; `derivations.cc`, `store-api.cc` and `hash.cc` of Nix. The crate `nix-derivation`
//! has them too, but doesn't compile beside the features that starlark wants of blake3.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::digest::Sha256;
use crate::error::{Error, Result};

/// The directory of the store.
const STORE: &str = "/nix/store";

/// The absolute path of a store object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StorePath(Arc<str>);

impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StorePath {
    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One that is there already.
    ///
    /// # Errors
    ///
    /// What isn't the path of a store object itself.
    pub fn parse(path: &str) -> Result<StorePath> {
        let object =
            path.strip_prefix(STORE).and_then(|rest| rest.strip_prefix('/')).and_then(|rest| rest.split_at_checked(32));
        let is_named = |name: &str| name.len() > 1 && name.starts_with('-') && !name.contains('/');
        match object {
            Some((hash, name)) if hash.bytes().all(|letter| LETTERS.contains(&letter)) && is_named(name) => {
                Ok(StorePath(path.into()))
            }
            _ => Err(Error::input(format!("`{}` is no store path", path.escape_debug()))
                .help(format!("write the path of a store object: {STORE}/<hash>-<name>"))),
        }
    }

    /// `makeStorePath`.
    fn new(kind: &str, inner: Sha256, name: &str) -> StorePath {
        let hash = Sha256::of(format!("{kind}:sha256:{inner}:{STORE}:{name}"));
        let mut folded = [0_u8; 20];
        for (i, byte) in hash.as_bytes().iter().enumerate() {
            folded[i % folded.len()] ^= byte;
        }
        StorePath(format!("{STORE}/{}-{name}", base32(&folded)).into())
    }

    /// That of a text file (`computeStorePathForText`).
    pub fn of_text(name: &str, content: &[u8], references: &BTreeSet<StorePath>) -> StorePath {
        let references: String = references.iter().map(|path| format!(":{}", path.0)).collect();
        StorePath::new(&format!("text{references}"), Sha256::of(content), name)
    }

    /// That of what has a known hash and refers to nothing (`makeFixedOutputPath`).
    pub fn of_fixed(name: &str, hash: Fixed) -> StorePath {
        match hash {
            Fixed::Recursive(sha256) => StorePath::new("source", sha256, name),
            Fixed::Flat(sha256) => {
                StorePath::new("output:out", Sha256::of(format!("fixed:out:{}:{sha256}:", hash.method())), name)
            }
        }
    }

    fn of_output(name: &str, output: &str, hash: Sha256) -> StorePath {
        let suffix = if output == "out" { String::new() } else { format!("-{output}") };
        StorePath::new(&format!("output:{output}"), hash, &format!("{name}{suffix}"))
    }
}

/// The hash of what a fixed-output derivation makes.
#[derive(Clone, Copy, Debug)]
pub enum Fixed {
    /// Of a file's bytes.
    Flat(Sha256),
    /// Of a tree's NAR.
    Recursive(Sha256),
}

impl Fixed {
    fn sha256(self) -> Sha256 {
        let (Fixed::Flat(sha256) | Fixed::Recursive(sha256)) = self;
        sha256
    }

    fn method(self) -> &'static str {
        match self {
            Fixed::Flat(_) => "sha256",
            Fixed::Recursive(_) => "r:sha256",
        }
    }
}

/// What stands for the path of an output in that derivation itself (`hashPlaceholder`).
pub fn placeholder(output: &str) -> String {
    format!("/{}", base32(Sha256::of(format!("nix-output:{output}")).as_bytes()))
}

/// Those of Nix's base 32, without letters that make words.
const LETTERS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// Nix's base 32: from the last bits to the first.
fn base32(bytes: &[u8]) -> String {
    let count = (bytes.len() * 8).div_ceil(5);
    let letter = |n: usize| {
        let (byte, bit) = (n * 5 / 8, n * 5 % 8);
        let next = bytes.get(byte + 1).copied().unwrap_or(0);
        let pair = u16::from_le_bytes([bytes[byte], next]);
        char::from(LETTERS[usize::from(pair >> bit & 0x1f)])
    };
    (0..count).rev().map(letter).collect()
}

/// A derivation whose outputs have no paths yet.
pub struct Unresolved {
    /// Its name, which outputs have too.
    pub name: String,
    /// The names of outputs; only `out` where the hash is fixed.
    pub outputs: BTreeSet<String>,
    /// The hash that the output must have.
    pub fixed: Option<Fixed>,
    /// Other derivations, with the outputs that are used.
    pub inputs: BTreeMap<StorePath, BTreeSet<String>>,
    /// Files and directories.
    pub sources: BTreeSet<StorePath>,
    /// The kind of machine.
    pub system: String,
    /// The program.
    pub builder: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment, without the paths of outputs.
    pub env: BTreeMap<String, String>,
}

/// A derivation as it is in the store.
pub struct Resolved {
    /// Its file.
    pub path: StorePath,
    /// The file's content.
    pub text: String,
    /// The paths of outputs by name.
    pub outputs: BTreeMap<String, StorePath>,
    /// What stands for it where another one's outputs are computed (`hashDerivationModulo`).
    pub hash: Sha256,
}

impl Unresolved {
    /// Gives the outputs paths; `hash` is that of [`Resolved`] for each input.
    pub fn resolve(self, hash: impl Fn(&StorePath) -> Sha256) -> Resolved {
        let mut modulo: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, outputs) in &self.inputs {
            modulo.entry(hash(path).to_string()).or_default().extend(outputs.clone());
        }
        let modulo = inputs(modulo.iter().map(|(hash, names)| (hash.as_str(), names)));
        let tail = Tail::of(&self);
        let without_paths = match self.fixed {
            Some(fixed) => Err(fixed),
            None => Ok(Sha256::of(self.text(&modulo, &tail, &BTreeMap::new()))),
        };
        let path_of = |output: &String| match without_paths {
            Ok(hash) => StorePath::of_output(&self.name, output, hash),
            Err(fixed) => StorePath::of_fixed(&self.name, fixed),
        };
        let outputs: BTreeMap<String, StorePath> = self.outputs.iter().map(|name| (name.clone(), path_of(name))).collect();
        let hash = match (self.fixed, outputs.get("out")) {
            (Some(fixed), Some(out)) => Sha256::of(format!("fixed:out:{}:{}:{out}", fixed.method(), fixed.sha256())),
            _ => Sha256::of(self.text(&modulo, &tail, &outputs)),
        };
        let own = inputs(self.inputs.iter().map(|(path, names)| (path.as_str(), names)));
        let text = self.text(&own, &tail, &outputs);
        let path = StorePath::of_text(&format!("{}.drv", self.name), text.as_bytes(), &self.references());
        Resolved { path, text, outputs, hash }
    }

    /// What the file refers to.
    pub fn references(&self) -> BTreeSet<StorePath> {
        self.inputs.keys().chain(&self.sources).cloned().collect()
    }

    /// The text with these inputs and paths of outputs (`Derivation::unparse`).
    fn text(&self, inputs: &str, tail: &Tail, paths: &BTreeMap<String, StorePath>) -> String {
        let path = |name: &str| paths.get(name).map_or("", StorePath::as_str);
        let (method, hash) = self.fixed.map_or_else(Default::default, |f| (f.method(), f.sha256().to_string()));
        let mut text = String::from("Derive(");
        list(&mut text, &self.outputs, |text, name| tuple(text, &[name, path(name), method, &hash]));
        text.push(',');
        text.push_str(inputs);
        text.push_str(&tail.middle);
        let of_outputs = self.outputs.iter().map(|name| {
            let mut value = String::new();
            quote(&mut value, path(name));
            (name.as_str(), value)
        });
        let of_outputs: Vec<(&str, String)> = of_outputs.collect();
        let mut env: BTreeMap<&str, &str> = tail.env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        env.extend(of_outputs.iter().map(|(name, value)| (*name, value.as_str())));
        list(&mut text, env, |text, (name, value)| {
            text.push('(');
            quote(text, name);
            text.push(',');
            text.push_str(value);
            text.push(')');
        });
        text.push(')');
        text
    }
}

/// What is the same in all texts of one derivation, so that it is quoted once.
struct Tail<'u> {
    /// From the files to the arguments.
    middle: String,
    /// The environment, with quoted values.
    env: Vec<(&'u str, String)>,
}

impl Tail<'_> {
    fn of(derivation: &Unresolved) -> Tail<'_> {
        let mut middle = String::from(",");
        list(&mut middle, &derivation.sources, |text, source| quote(text, source.as_str()));
        for part in [&derivation.system, &derivation.builder] {
            middle.push(',');
            quote(&mut middle, part);
        }
        middle.push(',');
        list(&mut middle, &derivation.arguments, |text, argument| quote(text, argument));
        middle.push(',');
        let quoted = derivation.env.iter().map(|(name, value)| {
            let mut quoted = String::with_capacity(value.len() * 5 / 4);
            quote(&mut quoted, value);
            (name.as_str(), quoted)
        });
        let env = quoted.collect();
        Tail { middle, env }
    }
}

/// The list of inputs.
fn inputs<'i>(inputs: impl Iterator<Item = (&'i str, &'i BTreeSet<String>)>) -> String {
    let mut text = String::new();
    list(&mut text, inputs, |text, (input, names)| {
        text.push('(');
        quote(text, input);
        text.push(',');
        list(text, names, |text, name| quote(text, name));
        text.push(')');
    });
    text
}

fn tuple(text: &mut String, parts: &[&str]) {
    for (i, part) in parts.iter().enumerate() {
        text.push(if i == 0 { '(' } else { ',' });
        quote(text, part);
    }
    text.push(')');
}

fn list<T>(text: &mut String, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    text.push('[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(']');
}

fn quote(text: &mut String, part: &str) {
    text.push('"');
    let mut rest = part;
    while let Some(at) = rest.find(['"', '\\', '\n', '\r', '\t']) {
        text.push_str(&rest[..at]);
        text.push('\\');
        text.push(match rest.as_bytes()[at] {
            b'\n' => 'n',
            b'\r' => 'r',
            b'\t' => 't',
            other => char::from(other),
        });
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_nix_s() {
        // `builtins.placeholder "out"`.
        assert_eq!(placeholder("out"), "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9");
    }

    #[test]
    fn store_paths_are_told_from_others() {
        let gcc = "/nix/store/g76zcpqc540lrc8i6g7xy6ip0npn2hnp-gcc-wrapper-13.2.0";
        assert_eq!(StorePath::parse(gcc).unwrap().as_str(), gcc);
        for other in ["/usr", "/nix/store/gcc", &gcc[..44], &format!("{gcc}/bin"), &gcc.replace("g76", "e76"), &gcc[1..]] {
            assert!(StorePath::parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn paths_are_nix_s() {
        // `builtins.toFile "a" "b"`, and `derivation { name = "a"; system = "s"; builder = "b"; }`, whose text it is too.
        assert_eq!(StorePath::of_text("a", b"b", &BTreeSet::new()).as_str(), "/nix/store/g76zcpqc540lrc8i6g7xy6ip0npn2hnp-a");
        let unresolved = Unresolved {
            name: "a".to_owned(),
            outputs: ["out".to_owned()].into(),
            fixed: None,
            inputs: BTreeMap::new(),
            sources: BTreeSet::new(),
            system: "s".to_owned(),
            builder: "b".to_owned(),
            arguments: Vec::new(),
            env: [("name", "a"), ("system", "s"), ("builder", "b")].map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        };
        assert_eq!(unresolved.resolve(|_| Sha256::of("")).path.as_str(), "/nix/store/pn5w9v350w6b152fg17i8iinyi3g0di4-a.drv");
    }
}
