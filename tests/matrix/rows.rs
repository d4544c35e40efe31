//! The rows: programs in `tests/matrix/rows`, each with settings of a profile, and what these are to `go build`.

/// A program that is built with some settings.
pub struct Row {
    /// How it is called.
    pub name: &'static str,
    /// The directory of its files, below `tests/matrix/rows`.
    pub program: &'static str,
    /// The main package's directory in it.
    pub package: &'static str,
    /// The directory of the package whose tests are built, instead of the main package.
    pub tested: Option<&'static str>,
    /// Further arguments of `profile()`, each with a comma before it.
    pub settings: &'static str,
    /// What those are as flags of `go build`, without `-ldflags`.
    pub go: &'static [&'static str],
    /// What those are as flags of the linker.
    pub ldflags: &'static str,
    /// What those are as environment variables of `go build`.
    pub env: &'static [(&'static str, &'static str)],
    /// Arguments of a go command that runs before everything else.
    pub prepare: &'static [&'static str],
    /// The platforms on which it can be built; all if there are none.
    pub platforms: &'static [&'static str],
    /// What godirect puts behind the name of a library.
    pub suffix: &'static str,
}

impl Row {
    pub fn exists_on(&self, platform: &str) -> bool {
        self.platforms.is_empty() || self.platforms.contains(&platform)
    }

    /// Whether statements of packages with C code are counted, whose symbols depend on the directory.
    pub fn counts_c(&self) -> bool {
        self.settings.contains("cgo = True") && self.settings.contains("cover = True")
    }
}

/// The environment of `godirect build`, for stamps.
pub const ENVIRONMENT: [(&str, &str); 1] = [("MATRIX_VERSION", "v1.2.3 of the matrix")];

const PLAIN: Row = Row {
    name: "",
    program: "",
    package: "",
    tested: None,
    settings: "",
    go: &[],
    ldflags: "",
    env: &[],
    prepare: &[],
    platforms: &[],
    suffix: "",
};

/// Programs with C code, for the machine whose C compiler there is.
const CGO: Row =
    Row { program: "c", settings: ", cgo = True", env: &[("CGO_ENABLED", "1")], platforms: &["linux/amd64"], ..PLAIN };

/// Tests of packages, in a program whose main package is one of them.
const TESTS: Row = Row { program: "tests", package: "cmd", ..PLAIN };

/// The same, made for fuzzing, which not all platforms have.
const FUZZ: Row = Row {
    settings: ", fuzz = True",
    go: &["-fuzz=Fuzz"],
    platforms: &["linux/amd64", "linux/arm64", "linux/riscv64", "linux/386", "linux/arm", "darwin/arm64", "windows/amd64"],
    ..TESTS
};

pub const ROWS: &[Row] = &[
    Row { name: "hello", program: "hello", ..PLAIN },
    Row { name: "http", program: "http", ..PLAIN },
    Row {
        name: "program",
        program: "program",
        settings: ", tags = [\"enterprise\"], strip = True, stamp = {\"main.Version\": env(\"MATRIX_VERSION\"), \"main.Commit\": \"4f1c\"}",
        go: &["-tags=enterprise"],
        ldflags: "-s -w -X main.Commit=4f1c -X 'main.Version=v1.2.3 of the matrix'",
        ..PLAIN
    },
    Row {
        name: "large",
        program: "large",
        settings: ", stamp = {\"main.Version\": \"1.0\"}",
        ldflags: "-X main.Version=1.0",
        ..PLAIN
    },
    Row { name: "workspace", program: "workspace", package: "app", ..PLAIN },
    Row { name: "vendored", program: "vendored", prepare: &["mod", "vendor"], ..PLAIN },
    Row { name: "replace", program: "replace", ..PLAIN },
    Row { name: "pgo", program: "pgo", ..PLAIN },
    Row {
        name: "pgo-file",
        program: "pgo",
        settings: ", pgo = \"default.pgo\", tags = [\"x\"]",
        go: &["-pgo=default.pgo", "-tags=x"],
        ..PLAIN
    },
    Row {
        name: "pie",
        program: "hello",
        settings: ", buildmode = \"pie\"",
        go: &["-buildmode=pie"],
        platforms: &["linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"],
        ..PLAIN
    },
    Row { name: "cgo-std", package: "cmd/resolve", ..CGO },
    Row { name: "cgo", package: "cmd/own", ..CGO },
    Row {
        name: "cgo-external",
        package: "cmd/own",
        settings: ", cgo = True, linkmode = \"external\"",
        ldflags: "-linkmode=external",
        ..CGO
    },
    Row {
        name: "cgo-static",
        package: "cmd/own",
        settings: ", cgo = True, static = True",
        ldflags: "-linkmode=external -extldflags=-static",
        ..CGO
    },
    Row { name: "cgo-pie", package: "cmd/own", settings: ", cgo = True, buildmode = \"pie\"", go: &["-buildmode=pie"], ..CGO },
    Row { name: "race", package: "cmd/own", settings: ", cgo = True, race = True", go: &["-race"], ..CGO },
    Row { name: "asan", package: "cmd/own", settings: ", cgo = True, asan = True", go: &["-asan"], ..CGO },
    Row {
        name: "c-archive",
        package: "lib",
        settings: ", cgo = True, buildmode = \"c-archive\"",
        go: &["-buildmode=c-archive"],
        suffix: ".a",
        ..CGO
    },
    Row {
        name: "c-shared",
        package: "lib",
        settings: ", cgo = True, buildmode = \"c-shared\"",
        go: &["-buildmode=c-shared"],
        suffix: ".so",
        ..CGO
    },
    Row {
        name: "plugin",
        package: "lib",
        settings: ", cgo = True, buildmode = \"plugin\"",
        go: &["-buildmode=plugin"],
        suffix: ".so",
        ..CGO
    },
    Row { name: "cover", program: "program", settings: ", cover = True", go: &["-cover"], ..PLAIN },
    Row {
        name: "cover-packages",
        program: "program",
        settings: ", cover = True, covermode = \"atomic\", coverpkg = [\"./...\", \"github.com/spf13/cobra\", \"os\", \"internal/runtime/...\"]",
        go: &["-covermode=atomic", "-coverpkg=./...,github.com/spf13/cobra,os,internal/runtime/..."],
        ..PLAIN
    },
    Row { name: "cover-cgo", package: "cmd/own", settings: ", cgo = True, cover = True", go: &["-cover"], ..CGO },
    Row {
        name: "cover-race",
        package: "cmd/own",
        settings: ", cgo = True, race = True, cover = True, coverpkg = [\"./...\", \"runtime\", \"sync/...\"]",
        go: &["-race", "-coverpkg=./...,runtime,sync/..."],
        ..CGO
    },
    Row { name: "test-internal", tested: Some("inner"), ..TESTS },
    Row { name: "test-external", tested: Some("outer"), ..TESTS },
    Row { name: "test-mixed", tested: Some("both"), ..TESTS },
    Row {
        name: "test-cover",
        tested: Some("both"),
        settings: ", cover = True, covermode = \"count\", coverpkg = [\"./...\", \"github.com/google/uuid\"]",
        go: &["-covermode=count", "-coverpkg=./...,github.com/google/uuid"],
        ..TESTS
    },
    Row { name: "test-fuzz-internal", tested: Some("inner"), ..FUZZ },
    Row { name: "test-fuzz-mixed", tested: Some("both"), ..FUZZ },
    Row { name: "test-fuzz-command", tested: Some("cmd"), ..FUZZ },
    Row { name: "test-cgo", tested: Some("count"), package: "cmd/own", ..CGO },
    Row { name: "test-cgo-command", tested: Some("cmd/own"), package: "cmd/own", ..CGO },
    Row {
        name: "test-race",
        tested: Some("count"),
        package: "cmd/own",
        settings: ", cgo = True, race = True",
        go: &["-race"],
        ..CGO
    },
    Row { name: "test-pgo", program: "pgo", tested: Some("."), ..PLAIN },
    Row {
        name: "test-pgo-file",
        program: "tests",
        package: "cmd",
        tested: Some("both"),
        settings: ", pgo = \"both/cpu.pgo\"",
        go: &["-pgo=both/cpu.pgo"],
        ..PLAIN
    },
    Row { name: "test-command", tested: Some("cmd"), ..TESTS },
    Row { name: "exe", program: "hello", settings: ", buildmode = \"exe\"", go: &["-buildmode=exe"], ..PLAIN },
    Row { name: "debug", program: "hello", settings: ", debug = True", go: &["-gcflags=all=-N -l"], ..PLAIN },
    Row {
        name: "flags",
        program: "program",
        settings: ", gcflags = {\"all\": [\"-l\"], \"main\": [\"-N\"], \"./asm/...\": [\"-d=checkptr=1\", \"-N\"]}, asmflags = {\"example.com/program/...\": [\"-D=EXTRA=1\"]}, ldflags = {\"all\": [\"-w\"], \"./...\": [\"-compressdwarf=false\"]}",
        go: &[
            "-gcflags=all=-l",
            "-gcflags=-N",
            "-gcflags=./asm/...=-d=checkptr=1 -N",
            "-asmflags=example.com/program/...=-D=EXTRA=1",
        ],
        ldflags: "-compressdwarf=false",
        ..PLAIN
    },
    Row {
        name: "experiment",
        program: "http",
        settings: ", goexperiment = [\"nogreenteagc\", \"arenas\", \"jsonv2\"]",
        env: &[("GOEXPERIMENT", "nogreenteagc,arenas,jsonv2")],
        ..PLAIN
    },
    Row {
        name: "fips140",
        program: "http",
        settings: ", gofips140 = \"latest\"",
        env: &[("GOFIPS140", "latest")],
        platforms: &["linux/amd64", "linux/arm64", "linux/riscv64", "linux/386", "linux/arm", "darwin/arm64", "windows/amd64"],
        ..PLAIN
    },
];
