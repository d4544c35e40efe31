//! The picture for programs, and for the HTML page.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::graph::picture::{ModuleOrigin, NodeKind, Picture};
use crate::module::unneeded::Unneeded;

/// The version of the JSON format, which `docs/graph.md` describes.
pub const VERSION: u32 = 1;

/// A picture, as JSON has it: nodes, modules and views are named by path and name.
#[derive(Serialize)]
pub struct Document<'a> {
    version: u32,
    nodes_are: &'static str,
    views: Vec<View<'a>>,
    modules: Vec<Module<'a>>,
    nodes: Vec<Node<'a>>,
    std_left_out: usize,
    single_imports: Vec<SingleImport<'a>>,
    unneeded: &'a [Unneeded],
}

#[derive(Serialize)]
struct View<'a> {
    name: &'a str,
    platform: &'a str,
    profile: &'a str,
}

#[derive(Serialize)]
struct Module<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip_size: Option<u64>,
}

#[derive(Serialize)]
struct Node<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    module: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<&'a str>,
    files: usize,
    #[serde(skip_serializing_if = "is_zero")]
    test_files: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// For each view that has the node, how many others need it there.
    needed_by: BTreeMap<&'a str, usize>,
    imports: Vec<Import<'a>>,
}

#[derive(Serialize)]
struct Import<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Absent when it is in all views of the importer.
    #[serde(skip_serializing_if = "Option::is_none")]
    views: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
struct SingleImport<'a> {
    module: &'a str,
    importer: &'a str,
    imported: &'a str,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl<'a> Document<'a> {
    /// The document of a picture, and of what go.mod says in vain.
    pub fn new(picture: &'a Picture, unneeded: &'a [Unneeded]) -> Document<'a> {
        let path = |node: usize| picture.nodes[node].path.as_str();
        let view = |v: &'a crate::graph::picture::View| View { name: &v.name, platform: &v.platform, profile: &v.profile };
        let single_imports = picture.single_imports().into_iter().map(|single| SingleImport {
            module: &picture.modules[single.module].path,
            importer: path(single.importer),
            imported: path(single.imported),
        });
        let needed_by = picture.needed_by();
        Document {
            version: VERSION,
            nodes_are: match picture.kind {
                NodeKind::Packages => "packages",
                NodeKind::Modules => "modules",
            },
            views: picture.views.iter().map(view).collect(),
            modules: picture.modules.iter().map(Module::new).collect(),
            nodes: picture.nodes.iter().zip(&needed_by).map(|(node, needed_by)| Node::new(picture, node, needed_by)).collect(),
            std_left_out: picture.std_left_out,
            single_imports: single_imports.collect(),
            unneeded,
        }
    }
}

impl<'a> Module<'a> {
    fn new(module: &'a crate::graph::picture::Module) -> Module<'a> {
        Module {
            path: &module.path,
            version: module.version.as_deref(),
            origin: match module.origin {
                ModuleOrigin::Std => "std",
                ModuleOrigin::Main => "main",
                ModuleOrigin::Local => "local",
                ModuleOrigin::Vendored => "vendored",
                ModuleOrigin::Downloaded => "downloaded",
            },
            replace: module.replace.as_deref(),
            zip_size: module.zip_size,
        }
    }
}

impl<'a> Node<'a> {
    fn new(picture: &'a Picture, node: &'a crate::graph::picture::Node, needed_by: &[usize]) -> Node<'a> {
        let name = |view: &usize| picture.views[*view].name.as_str();
        let names = |views: &BTreeSet<usize>| views.iter().map(name).collect::<Vec<_>>();
        let imports = node.imports.iter().map(|((to, kind), views)| Import {
            path: &picture.nodes[*to].path,
            kind: kind.note(),
            views: (*views != node.views).then(|| names(views)),
        });
        Node {
            path: &node.path,
            name: &node.name,
            module: &picture.modules[node.module].path,
            directory: node.directory.as_deref(),
            files: node.files.len(),
            test_files: node.test_files.len(),
            bytes: node.bytes,
            needed_by: node.views.iter().map(|view| (name(view), needed_by[*view])).collect(),
            imports: imports.collect(),
        }
    }
}
