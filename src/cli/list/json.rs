//! Packages as objects of JSON, with the fields of `go list -json` in their order.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::shown::Part;
use crate::error::{Error, Result};
use crate::graph::files::COMMAND_LINE;
use crate::graph::load::Id;
use crate::graph::loaded::{Kind, Loaded};
use crate::graph::problem::PackageError;
use crate::project::listing::{Listed, ModuleView};
use crate::source::record::FileGroup;

/// The fields, in their order (`load.PackagePublic`), but for those about what is installed or compiled.
const FIELDS: [&str; 49] = [
    "Dir",
    "ImportPath",
    "Name",
    "Doc",
    "Root",
    "ForTest",
    "Module",
    "Match",
    "Goroot",
    "Standard",
    "DepOnly",
    "BinaryOnly",
    "Incomplete",
    "DefaultGODEBUG",
    "GoFiles",
    "CgoFiles",
    "IgnoredGoFiles",
    "InvalidGoFiles",
    "IgnoredOtherFiles",
    "CFiles",
    "CXXFiles",
    "MFiles",
    "HFiles",
    "FFiles",
    "SFiles",
    "SwigFiles",
    "SwigCXXFiles",
    "SysoFiles",
    "EmbedPatterns",
    "EmbedFiles",
    "CgoCFLAGS",
    "CgoCPPFLAGS",
    "CgoCXXFLAGS",
    "CgoFFLAGS",
    "CgoLDFLAGS",
    "CgoPkgConfig",
    "Imports",
    "ImportMap",
    "Deps",
    "Error",
    "DepsErrors",
    "TestGoFiles",
    "TestImports",
    "TestEmbedPatterns",
    "TestEmbedFiles",
    "XTestGoFiles",
    "XTestImports",
    "XTestEmbedPatterns",
    "XTestEmbedFiles",
];

/// Which fields are printed.
#[derive(Debug)]
pub struct Fields(Option<BTreeSet<String>>);

impl Fields {
    /// Names separated by commas; all when there are none.
    pub fn parse(text: &str) -> Result<Fields> {
        if text.is_empty() {
            return Ok(Fields(None));
        }
        let wanted: BTreeSet<String> = text.split(',').map(str::to_owned).collect();
        match wanted.iter().find(|name| !FIELDS.contains(&name.as_str())) {
            Some(unknown) => Err(Error::input(format!("there is no field `{}`", unknown.escape_debug()))
                .help(format!("the fields are {}", FIELDS.join(", ")))),
            None => Ok(Fields(Some(wanted))),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|wanted| wanted.contains(name))
    }
}

/// Writes an object, indented by tabs.
struct Object<'t> {
    text: &'t mut String,
    fields: Option<&'t Fields>,
    depth: usize,
    empty: bool,
}

impl<'t> Object<'t> {
    fn open(text: &'t mut String, depth: usize, fields: Option<&'t Fields>) -> Object<'t> {
        text.push('{');
        Object { text, fields, depth, empty: true }
    }

    fn key(&mut self, name: &str) {
        if !self.empty {
            self.text.push(',');
        }
        self.empty = false;
        line(self.text, self.depth + 1);
        quote(self.text, name);
        self.text.push_str(": ");
    }

    fn wants(&self, name: &str) -> bool {
        self.fields.is_none_or(|fields| fields.has(name))
    }

    fn string(&mut self, name: &str, value: &str) {
        if !value.is_empty() && self.wants(name) {
            self.key(name);
            quote(self.text, value);
        }
    }

    fn flag(&mut self, name: &str, value: bool) {
        if value && self.wants(name) {
            self.key(name);
            self.text.push_str("true");
        }
    }

    fn list<S: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = S>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() || !self.wants(name) {
            return;
        }
        self.key(name);
        array(self.text, self.depth + 1, values, |text, value| quote(text, value.as_ref()));
    }

    fn close(self) {
        if !self.empty {
            line(self.text, self.depth);
        }
        self.text.push('}');
    }
}

fn array<T>(text: &mut String, depth: usize, values: impl Iterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    text.push('[');
    for (i, value) in values.enumerate() {
        if i > 0 {
            text.push(',');
        }
        line(text, depth + 1);
        write(text, value);
    }
    line(text, depth);
    text.push(']');
}

fn line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n('\t', depth));
}

/// A string as `encoding/json` writes it: also `<`, `>`, `&` and two line ends of Unicode are escaped.
fn quote(text: &mut String, value: &str) {
    use std::fmt::Write;
    let is_special = |c: char| c < ' ' || matches!(c, '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    text.push('"');
    // Most values have nothing special, and are found so byte by byte: all that is special begins with one of these.
    let plain = value.bytes().all(|b| b >= b' ' && !matches!(b, b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2));
    let mut rest = value;
    while let Some(at) = if plain { None } else { rest.find(is_special) } {
        text.push_str(&rest[..at]);
        let mut chars = rest[at..].chars();
        match chars.next().unwrap_or_default() {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            // Writing to a String does not fail.
            c => drop(write!(text, "\\u{:04x}", u32::from(c))),
        }
        rest = chars.as_str();
    }
    text.push_str(rest);
    text.push('"');
}

/// The text of a package, but for the list of its dependencies.
pub struct Text {
    text: String,
    /// Where the dependencies belong.
    mark: usize,
    /// Which they are, as in [`Part::deps`].
    deps: Vec<u8>,
}

impl Text {
    /// Text without dependencies.
    pub fn plain(text: String) -> Text {
        Text { mark: text.len(), text, deps: Vec::new() }
    }

    /// The parts of it.
    pub fn part(&self) -> Part<'_> {
        Part { before: &self.text[..self.mark], deps: &self.deps, after: &self.text[self.mark..] }
    }
}

/// The lines of dependencies, as in [`Shown::lines`](super::shown::Shown::lines), and where they begin and end.
pub fn lines(paths: &[Arc<str>]) -> (String, Vec<usize>) {
    let (mut text, mut starts) = (String::new(), vec![0]);
    for path in paths {
        text.push(',');
        line(&mut text, 2);
        quote(&mut text, path);
        starts.push(text.len());
    }
    (text, starts)
}

/// The object of a package, and a line end.
pub fn package(listed: &Listed, id: Id, fields: &Fields) -> Result<Text> {
    let (mut text, mut mark, mut deps) = (String::new(), 0, Vec::new());
    let (loader, listing) = (listed.loader, listed.listing);
    let package = &loader.packages[id];
    let (found, kind) = (&package.found, package.kind);
    let own = matches!(kind, Kind::Plain | Kind::WithTests);
    let chosen = &found.chosen;
    let module = listed.module(package);
    let goroot = package.is_std();
    let mut object = Object::open(&mut text, 0, Some(fields));
    object.string("Dir", &found.directory);
    object.string("ImportPath", &listing.shown[id]);
    object.string("Name", &package.name());
    if own {
        object.string("Doc", &chosen.doc);
    }
    let root = match module {
        _ if goroot => listed.goroot.display().to_string(),
        Some(module) if *found.path != *COMMAND_LINE => module.dir.clone(),
        _ => String::new(),
    };
    object.string("Root", &root);
    object.string("ForTest", package.for_test.as_deref().unwrap_or_default());
    if let Some(module) = module.filter(|_| package.has_module && object.wants("Module")) {
        object.key("Module");
        write_module(object.text, 1, module);
    }
    object.list("Match", &package.matches);
    object.flag("Goroot", goroot && kind != Kind::TestMain);
    object.flag("Standard", goroot && own);
    object.flag("DepOnly", !listing.named.contains(&id));
    object.flag("Incomplete", package.is_incomplete);
    object.string("DefaultGODEBUG", &package.default_godebug);
    files(&mut object, package);
    if object.wants("Imports") || object.wants("ImportMap") {
        let imports = loader.shown_imports(id, listing);
        object.list("Imports", imports.iter());
        let map: BTreeMap<&str, &str> = package
            .raw_imports
            .iter()
            .zip(&imports)
            .map(|(raw, path)| (&**raw, &**path))
            .filter(|(raw, path)| raw != path)
            .collect();
        if !map.is_empty() && object.wants("ImportMap") {
            object.key("ImportMap");
            let mut entries = Object::open(object.text, 1, None);
            map.iter().for_each(|(raw, path)| entries.string(raw, path));
            entries.close();
        }
    }
    if listing.deps[id].iter().any(|word| *word != 0) && object.wants("Deps") {
        deps = listing.deps[id].iter().flat_map(|word| word.to_le_bytes()).collect();
        object.key("Deps");
        object.text.push('[');
        mark = object.text.len();
        line(object.text, 1);
        object.text.push(']');
    }
    if let Some(error) = package.error.filter(|_| object.wants("Error")) {
        object.key("Error");
        write_error(object.text, 1, &loader.errors[error]);
    }
    let errors = &listing.deps_errors[id];
    if !errors.is_empty() && object.wants("DepsErrors") {
        object.key("DepsErrors");
        array(object.text, 1, errors.iter(), |text, error| write_error(text, 2, &loader.errors[*error]));
    }
    if own {
        tests(&mut object, package, &loader.test_imports(id)?);
    }
    object.close();
    text.push('\n');
    Ok(Text { text, mark, deps })
}

fn files(object: &mut Object, package: &Loaded) {
    let chosen = &package.found.chosen;
    match package.kind {
        Kind::TestMain => return object.list("GoFiles", ["_testmain.go"]),
        Kind::ExternalTest => {
            object.list("GoFiles", &chosen.external_test.files.go);
            return object.list("EmbedFiles", package.embed_files(&[2]));
        }
        Kind::Plain => object.list("GoFiles", &chosen.package.files.go),
        Kind::WithTests => object.list("GoFiles", chosen.package.files.go.iter().chain(&chosen.test.files.go)),
    }
    let FileGroup { cgo, asm, c, headers, syso, .. } = &chosen.package.files;
    let of = |extensions: &[&str]| -> Vec<&String> {
        c.iter().filter(|name| extensions.contains(&name.rsplit('.').next().unwrap_or_default())).collect()
    };
    let with_c = |list: Vec<&'_ String>| if package.has_c { list.into_iter().cloned().collect() } else { Vec::new() };
    let mut assembly: Vec<&String> = asm.iter().chain(of(&["S", "sx"])).collect();
    assembly.sort();
    object.list("CgoFiles", cgo);
    object.list("IgnoredGoFiles", &chosen.ignored_go);
    object.list("InvalidGoFiles", &chosen.invalid_go);
    object.list("IgnoredOtherFiles", &chosen.ignored_other);
    object.list("CFiles", with_c(of(&["c"])));
    object.list("CXXFiles", with_c(of(&["cc", "cpp", "cxx"])));
    object.list("MFiles", with_c(of(&["m"])));
    object.list("HFiles", headers);
    object.list("FFiles", of(&["f", "F", "for", "f90"]));
    object.list("SFiles", assembly);
    object.list("SwigFiles", with_c(of(&["swig"])));
    object.list("SwigCXXFiles", with_c(of(&["swigcxx"])));
    object.list("SysoFiles", syso);
    object.list("EmbedPatterns", chosen.package.embed_sites.keys());
    let embedding: &[usize] = if package.kind == Kind::WithTests { &[0, 1] } else { &[0] };
    object.list("EmbedFiles", package.embed_files(embedding));
    let flags = &chosen.cgo_flags;
    object.list("CgoCFLAGS", &flags.cflags);
    object.list("CgoCPPFLAGS", &flags.cppflags);
    object.list("CgoCXXFLAGS", &flags.cxxflags);
    object.list("CgoFFLAGS", &flags.fflags);
    object.list("CgoLDFLAGS", &flags.ldflags);
    object.list("CgoPkgConfig", &flags.pkg_config);
}

fn tests(object: &mut Object, package: &Loaded, [imports, external_imports]: &[BTreeSet<Cow<'_, str>>; 2]) {
    let chosen = &package.found.chosen;
    object.list("TestGoFiles", &chosen.test.files.go);
    object.list("TestImports", imports);
    object.list("TestEmbedPatterns", chosen.test.embed_sites.keys());
    object.list("TestEmbedFiles", package.embed_files(&[1]));
    object.list("XTestGoFiles", &chosen.external_test.files.go);
    object.list("XTestImports", external_imports);
    object.list("XTestEmbedPatterns", chosen.external_test.embed_sites.keys());
    object.list("XTestEmbedFiles", package.embed_files(&[2]));
}

fn write_module(text: &mut String, depth: usize, module: &ModuleView) {
    let mut object = Object::open(text, depth, None);
    object.string("Path", &module.path);
    object.string("Version", &module.version);
    if let Some(replace) = &module.replace {
        object.key("Replace");
        write_module(object.text, depth + 1, replace);
    }
    object.flag("Main", module.main);
    object.flag("Indirect", module.indirect);
    object.string("Dir", &module.dir);
    object.string("GoMod", &module.go_mod);
    object.string("GoVersion", &module.go_version);
    object.string("Sum", &module.sum);
    object.string("GoModSum", &module.go_mod_sum);
    object.close();
}

fn write_error(text: &mut String, depth: usize, error: &PackageError) {
    let mut object = Object::open(text, depth, None);
    object.key("ImportStack");
    match error.stack.is_empty() {
        true => object.text.push_str("[]"),
        false => array(object.text, depth + 1, error.stack.iter(), |text, importer| quote(text, &importer.path)),
    }
    for (name, value) in [("Pos", &error.position), ("Err", &error.text)] {
        object.key(name);
        quote(object.text, value);
    }
    object.close();
}
