//! Profiles: named sets of build settings.

use std::collections::{BTreeMap, BTreeSet};

use super::DEFAULT_SDK;

/// A named set of build settings. `docs/spec.md` says of each which flag or variable of the go command it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name of the SDK that builds.
    pub sdk: String,
    /// Build tags, sorted.
    pub tags: BTreeSet<String>,
    /// Flags of the compiler.
    pub gcflags: Vec<PackageFlags>,
    /// Flags of the assembler.
    pub asmflags: Vec<PackageFlags>,
    /// Flags of the linker; the packages are main packages.
    pub ldflags: Vec<PackageFlags>,
    /// String variables, as `import/path.name`, that the linker sets (`-X`).
    pub stamp: BTreeMap<String, Stamp>,
    /// Whether to leave out the symbol table and debugging information (`-s -w`).
    pub strip: bool,
    /// Whether all packages are compiled for a debugger (`-N -l`).
    pub debug: bool,
    /// Whether packages may use cgo (CGO_ENABLED).
    pub cgo: bool,
    /// The C compiler (CC); `None` for that of the go command.
    pub cc: Option<String>,
    /// The C++ compiler (CXX); `None` for that of the go command.
    pub cxx: Option<String>,
    /// Profile-guided optimisation.
    pub pgo: Pgo,
    /// The detector that is compiled into the program.
    pub sanitizer: Option<Sanitizer>,
    /// Whether coverage is counted.
    pub cover: bool,
    /// How; `None` for the go command's choice, see [`Profile::cover_mode`].
    pub covermode: Option<CoverMode>,
    /// Patterns of the packages whose coverage is counted; none for what the go command chooses.
    pub coverpkg: Vec<String>,
    /// Whether tests are compiled so that fuzzing sees which code an input reaches.
    pub fuzz: bool,
    /// What is linked.
    pub buildmode: Buildmode,
    /// Who links.
    pub linkmode: Linkmode,
    /// Whether C libraries are linked into the program.
    pub is_static: bool,
    /// Experiments of the toolchain, as in GOEXPERIMENT, in the spec's order.
    pub goexperiment: Vec<String>,
    /// GOFIPS140; `None` for `off`.
    pub gofips140: Option<String>,
    /// Defaults of GODEBUG, as lines `godebug` of go.mod.
    pub godebug: BTreeMap<String, String>,
    /// Which build ID the binary has.
    pub buildid: BuildId,
}

impl Default for Profile {
    fn default() -> Profile {
        Profile {
            sdk: DEFAULT_SDK.to_owned(),
            tags: BTreeSet::new(),
            gcflags: Vec::new(),
            asmflags: Vec::new(),
            ldflags: Vec::new(),
            stamp: BTreeMap::new(),
            strip: false,
            debug: false,
            cgo: false,
            cc: None,
            cxx: None,
            pgo: Pgo::Auto,
            sanitizer: None,
            cover: false,
            covermode: None,
            coverpkg: Vec::new(),
            fuzz: false,
            buildmode: Buildmode::Default,
            linkmode: Linkmode::Auto,
            is_static: false,
            goexperiment: Vec::new(),
            gofips140: None,
            godebug: BTreeMap::new(),
            buildid: BuildId::None,
        }
    }
}

impl Profile {
    /// How coverage is counted, if it is.
    pub fn cover_mode(&self) -> Option<CoverMode> {
        let usual = if self.sanitizer == Some(Sanitizer::Race) { CoverMode::Atomic } else { CoverMode::Set };
        self.cover.then(|| self.covermode.unwrap_or(usual))
    }
}

/// Flags for some packages: `-gcflags=PATTERN=FLAGS` of `go build`. Of several that match a package, the last one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageFlags {
    /// A pattern as for the go command; relative ones begin at the spec. `None` for the main packages that are built.
    pub pattern: Option<String>,
    /// One argument each.
    pub flags: Vec<String>,
}

/// The value of a string variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// This text.
    Text(String),
    /// What an environment variable has when the binary is built.
    Env {
        /// Its name.
        variable: String,
        /// For when it isn't set.
        default: Option<String>,
    },
    /// What the file given by `--status-file` has.
    Status {
        /// The first word of the line.
        key: String,
        /// For when there is no such line.
        default: Option<String>,
    },
}

/// Profile-guided optimisation (`-pgo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pgo {
    /// None.
    Off,
    /// By `default.pgo` in the main package's directory, where there is one.
    #[default]
    Auto,
    /// By this file, relative to the spec.
    File(String),
}

/// A detector that the compiler puts into a program, and that needs C code of the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sanitizer {
    /// Of data races (`-race`).
    Race,
    /// Of uninitialised memory (`-msan`).
    Memory,
    /// Of wrong memory accesses (`-asan`).
    Address,
}

impl Sanitizer {
    /// The flag's name, which is also a build tag and the suffix of installed packages.
    pub fn name(self) -> &'static str {
        match self {
            Sanitizer::Race => "race",
            Sanitizer::Memory => "msan",
            Sanitizer::Address => "asan",
        }
    }
}

/// How coverage is counted (`-covermode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CoverMode {
    /// Whether each statement ran.
    #[default]
    Set,
    /// How often.
    Count,
    /// How often, exactly also with several threads.
    Atomic,
}

impl CoverMode {
    /// As `-covermode` has it.
    pub fn name(self) -> &'static str {
        match self {
            CoverMode::Set => "set",
            CoverMode::Count => "count",
            CoverMode::Atomic => "atomic",
        }
    }
}

/// What is linked (`-buildmode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Buildmode {
    /// An executable, position independent where that is usual.
    #[default]
    Default,
    /// An executable that isn't position independent.
    Exe,
    /// A position independent executable.
    Pie,
    /// A C archive with its header.
    CArchive,
    /// A C shared library with its header.
    CShared,
    /// A Go plugin.
    Plugin,
}

impl Buildmode {
    /// All of them.
    pub const ALL: [Buildmode; 6] =
        [Buildmode::Default, Buildmode::Exe, Buildmode::Pie, Buildmode::CArchive, Buildmode::CShared, Buildmode::Plugin];

    /// As `-buildmode` has it.
    pub fn name(self) -> &'static str {
        match self {
            Buildmode::Default => "default",
            Buildmode::Exe => "exe",
            Buildmode::Pie => "pie",
            Buildmode::CArchive => "c-archive",
            Buildmode::CShared => "c-shared",
            Buildmode::Plugin => "plugin",
        }
    }
}

/// Who links (`-linkmode` of the linker).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Linkmode {
    /// Go's linker, or where that can't do it the C compiler.
    #[default]
    Auto,
    /// Go's linker.
    Internal,
    /// The C compiler.
    External,
}

/// Which build ID a binary has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BuildId {
    /// None (`-ldflags=-buildid=`).
    #[default]
    None,
    /// The go command's, computed from all that went into the binary.
    Go,
}
