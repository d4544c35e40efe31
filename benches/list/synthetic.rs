//! Modules of any size, each package much like those of real ones: a few imports, constraints in some files, tests in some packages.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::answers::{godirect, output};
use crate::rows::PLATFORMS;
use crate::trees::place;

/// Besides those of [`PLATFORMS`].
pub const MORE_PLATFORMS: [&str; 13] = [
    "darwin/amd64",
    "dragonfly/amd64",
    "freebsd/amd64",
    "freebsd/arm64",
    "linux/386",
    "linux/arm",
    "linux/loong64",
    "linux/ppc64le",
    "linux/s390x",
    "netbsd/amd64",
    "openbsd/amd64",
    "solaris/amd64",
    "windows/arm64",
];

/// Packages import others of their group only: what one needs doesn't grow with the module, as in real ones.
const GROUP: usize = 200;

/// How large a module is.
#[derive(Clone, Copy)]
pub struct Shape {
    pub packages: usize,
    /// Of each package, without its tests.
    pub files: usize,
}

/// Makes a module with its lock; gives its directory.
pub fn make(shape: Shape) -> PathBuf {
    let Shape { packages, files } = shape;
    let root = place("synthetic").join(format!("{packages}-{files}"));
    if root.join("godirect.lock.json").exists() {
        return root;
    }
    write(&root.join("go.mod"), "module example.com/large\n\ngo 1.27\n");
    write(&root.join("main.go"), "package main\n\nimport _ \"example.com/large/p0/p0\"\n\nfunc main() {}\n");
    let platforms: Vec<String> = PLATFORMS.iter().chain(&MORE_PLATFORMS).map(|p| format!("\"{p}\"")).collect();
    let spec = format!("go_sdk(version = \"1.27.3\")\n\nplatforms({})\n\nnix()\n", platforms.join(", "));
    write(&root.join("godirect.star"), &spec);
    for package in 0..packages {
        write_package(&root, package, files);
    }
    output(godirect(&root, &["lock"])).expect("a module that can be locked");
    root
}

fn directory(package: usize) -> String {
    format!("p{}/p{package}", package / 100)
}

fn write_package(root: &Path, package: usize, files: usize) {
    let directory = directory(package);
    for file in 0..files {
        // Each seventh file is for some platforms only.
        let (constraint, suffix) = match (package + file) % 7 {
            0 if file > 0 => ("//go:build unix && !cgo\n\n", ""),
            1 if file > 0 => ("", "_windows"),
            _ => ("", ""),
        };
        let text = source(package, file, constraint);
        write(&root.join(&directory).join(format!("f{file}{suffix}.go")), &text);
    }
    if package.is_multiple_of(5) {
        let text = format!("package p{package}\n\nimport \"testing\"\n\nfunc TestIt(t *testing.T) {{}}\n");
        write(&root.join(&directory).join("it_test.go"), &text);
    }
}

/// A file that imports what stands before its package, near and far, and goes on for as long as files do.
fn source(package: usize, file: usize, constraint: &str) -> String {
    let mut text = format!(
        "{constraint}// Package p{package} is one of many.\npackage p{package}\n\nimport (\n\t\"fmt\"\n\t\"strings\"\n"
    );
    for distance in [1, 7, 50].map(|distance| distance + file) {
        if let Some(other) = package.checked_sub(distance).filter(|other| other / GROUP == package / GROUP) {
            let _ = writeln!(text, "\t_ \"example.com/large/{}\"", directory(other));
        }
    }
    text += ")\n";
    for function in 0..40 {
        let _ = write!(
            text,
            "\n// F{file}x{function} says what it is given.\nfunc F{file}x{function}(s string) string {{\n\treturn fmt.Sprintf(\"%s %d\", strings.ToUpper(s), {function})\n}}\n"
        );
    }
    text
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file in a directory")).expect("a writable directory");
    fs::write(path, text).expect("a writable directory");
}
