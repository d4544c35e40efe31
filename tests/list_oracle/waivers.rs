//! Differences that are no faults, each with its reason. A waiver that nothing needs is a failure, too.

use crate::answers::SDK;
use crate::compare::Difference;

/// A difference that is accepted.
pub struct Waiver {
    /// The fields that differ.
    pub fields: &'static [&'static str],
    /// The packages that differ in them.
    pub applies: fn(&Difference) -> bool,
    /// Why godirect says something else than the go command.
    #[allow(dead_code)]
    pub reason: &'static str,
}

pub const WAIVERS: [Waiver; 3] = [
    Waiver {
        fields: &["Module.Time", "Module.Replace.Time"],
        applies: |difference| difference.ours == "null",
        reason: "the time of a version is a claim of the module proxy, in a file that neither go.sum nor the checksum database \
                 covers: the lock doesn't have it, so a list is the same wherever it is made",
    },
    Waiver {
        fields: &["GoFiles"],
        applies: |difference| difference.package.ends_with(".test"),
        reason: "the main file of a test is made by the go command in its own build cache, and that is where the name points to",
    },
    Waiver {
        fields: &["Root"],
        applies: |difference| {
            let vendored = ["vendor/", "cmd/vendor/"].iter().any(|prefix| difference.package.starts_with(prefix));
            vendored && difference.ours == format!("\"{}\"", SDK.display())
        },
        reason: "Root is the directory that contains the package, for what std vendors GOROOT. The go command looks up the module of \
                 the import as it is written in std, golang.org/x/…, and finds the one that the main module has for itself, which \
                 doesn't contain the package",
    },
];
