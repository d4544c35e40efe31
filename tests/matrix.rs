//! The identity matrix: the embedded engine's binaries are those of `go build`, bit for bit.
//!
//! Rows are programs with build settings, columns are platforms; all of it for the last minor versions of Go and with both kinds of
//! build ID. `GODIRECT_TEST_MATRIX=all` compares every cell, names of rows with commas between those of the rows, `ROW@PLATFORM` those of a
//! row for one platform; all of them write what they found into the table of docs/identity.md. Without it, the cells of [`is_quick`] are
//! compared.

#[path = "matrix/bazel.rs"]
mod bazel;
#[allow(dead_code)]
#[path = "support/engines.rs"]
mod engines;
#[path = "matrix/rows.rs"]
mod rows;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use godirect::digest::Sha256;
use rows::{ROWS, Row};

/// The last three minor versions, each with its newest patch. The newest is first.
const VERSIONS: [&str; 3] = ["1.27.4", "1.26.11", "1.25.14"];

/// The columns.
const PLATFORMS: [&str; 9] = [
    "linux/amd64",
    "linux/arm64",
    "linux/riscv64",
    "linux/386",
    "linux/arm",
    "darwin/arm64",
    "windows/amd64",
    "js/wasm",
    "wasip1/wasm",
];

/// Values of the profile's `buildid`, with what makes `go build` do the same.
const BUILD_IDS: [(&str, &str); 2] = [("none", "-buildid="), ("go", "")];

const VARIABLE: &str = "GODIRECT_TEST_MATRIX";

/// Where the first table begins.
const TABLE: &str = "# Where binaries are the same";

/// One comparison.
#[derive(Clone, Copy)]
struct Cell {
    row: &'static Row,
    platform: &'static str,
    version: &'static str,
    build_id: &'static str,
}

/// The cells that are compared each time: every row once, every platform, and every version.
fn is_quick(cell: &Cell) -> bool {
    let (host, newest) = (PLATFORMS[0], VERSIONS[0]);
    match cell.row.name {
        // It takes minutes.
        "large" => false,
        "hello" if cell.build_id == "go" => cell.version == newest || cell.platform == host,
        "hello" => cell.version == newest && cell.platform == host,
        // What their build information shows has changed.
        "test-external" | "test-command" if cell.version == VERSIONS[1] => cell.platform == host && cell.build_id == "go",
        _ => cell.platform == host && cell.version == newest && cell.build_id == "go",
    }
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for row in ROWS {
        for version in VERSIONS {
            for platform in PLATFORMS.into_iter().filter(|platform| row.exists_on(platform)) {
                cells.extend(BUILD_IDS.map(|(build_id, _)| Cell { row, platform, version, build_id }));
            }
        }
    }
    choose(VARIABLE, &mut cells, |cell| (cell.row.name, cell.platform), is_quick);
    cells
}

/// Keeps the cells that a variable names, or without it those that are quick; `place` gives a cell's row and platform.
fn choose<T>(
    variable: &str,
    cells: &mut Vec<T>,
    place: impl Fn(&T) -> (&'static str, &'static str),
    is_quick: impl Fn(&T) -> bool,
) {
    match std::env::var(variable).unwrap_or_default().as_str() {
        "" => cells.retain(is_quick),
        "all" => {}
        names => cells.retain(|cell| {
            let is_meant = |name: &str| match name.split_once('@') {
                Some(wanted) => wanted == place(cell),
                None => name == place(cell).0,
            };
            names.split(',').any(is_meant)
        }),
    }
    assert!(!cells.is_empty(), "{variable} is `all`, or names of rows with commas between, which may have @PLATFORM");
}

/// A row's program with a spec, locked, in a directory that stays between runs.
struct Program {
    directory: PathBuf,
    /// GOROOT by version.
    goroots: BTreeMap<&'static str, PathBuf>,
}

/// A version as part of names in the spec.
fn sdk_name(version: &str) -> String {
    format!("go{}", version.replace('.', "_"))
}

fn program(row: &'static Row) -> Program {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix").join(row.name);
    let _ = fs::remove_dir_all(&directory);
    copy(&engines::repository("tests/matrix/rows").join(row.program), &directory);
    let mut spec = String::new();
    for version in VERSIONS {
        let sdk = sdk_name(version);
        let _ = writeln!(spec, "go_sdk(name = \"{sdk}\", version = \"{version}\")");
        for (build_id, _) in BUILD_IDS {
            let settings = row.settings;
            let _ = writeln!(spec, "profile(\"{sdk}-{build_id}\", sdk = \"{sdk}\", buildid = \"{build_id}\"{settings})");
        }
    }
    let _ = writeln!(spec, "go_sdk(version = \"{}\")", VERSIONS[0]);
    let columns: Vec<&str> = PLATFORMS.into_iter().filter(|platform| row.exists_on(platform)).collect();
    let profiles: Vec<String> =
        VERSIONS.iter().flat_map(|v| BUILD_IDS.map(|(build_id, _)| format!("{}-{build_id}", sdk_name(v)))).collect();
    let _ = writeln!(spec, "platforms(*{columns:?})\nbinary(\"{}\", name = \"program\", profiles = {profiles:?})", row.package);
    fs::write(directory.join("godirect.star"), spec).unwrap();
    let goroot = |version| {
        let arguments = ["goroot", "--sdk", &sdk_name(version)];
        PathBuf::from(run(godirect(&directory).args(arguments)).trim_end())
    };
    if !row.prepare.is_empty() {
        // Vendoring needs a go command, and no lock.
        run(go(&engines::GOROOT, &directory, &[]).args(row.prepare));
    }
    // What another row's lock says of the SDKs needn't be found out once more.
    let (lock, seed) = (directory.join("godirect.lock.json"), directory.with_file_name("seed.lock.json"));
    if seed.exists() {
        fs::copy(&seed, &lock).unwrap();
    }
    run(godirect(&directory).arg("lock"));
    fs::copy(&lock, &seed).unwrap();
    let goroots = VERSIONS.into_iter().map(|version| (version, goroot(version))).collect();
    Program { directory, goroots }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn godirect(directory: &Path) -> Command {
    let mut command = engines::godirect();
    command.arg("-C").arg(directory);
    command
}

/// The go command of a GOROOT, with a cache for each of them.
fn go(goroot: &Path, directory: &Path, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(goroot.join("bin/go"));
    command.env_clear().current_dir(directory);
    for name in ["PATH", "HOME", "GOPROXY", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let home = engines::CACHE.join("go");
    command.env("GOROOT", goroot).env("GOPATH", home.join("path")).env("GOCACHE", home.join("cache"));
    command.envs([("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", "-modcacherw"), ("CGO_ENABLED", "0")]);
    command.envs(env.iter().copied());
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    engines::succeeded(&format!("{command:?}"), &output)
}

impl Cell {
    fn by_godirect(&self, program: &Program) -> PathBuf {
        let profile = format!("{}-{}", sdk_name(self.version), self.build_id);
        let out = program.directory.join("out");
        let mut command = godirect(&program.directory);
        let suffix = if self.platform.starts_with("windows/") { ".exe" } else { self.row.suffix };
        match self.row.tested {
            None => command.arg("build"),
            Some(tested) => command.args(["test", &format!("./{tested}"), "-c"]),
        };
        command.args(["--platform", self.platform, "--profile", &profile, "--out"]).arg(&out);
        run(command.envs(rows::ENVIRONMENT));
        match self.row.tested {
            None => out.join(format!("{}-{profile}/program{suffix}", self.platform.replace('/', "_"))),
            // The name is that of the package, and where it is the module's, of that.
            Some(".") => out.join(format!("{}.test{suffix}", self.row.program)),
            Some(tested) => out.join(format!("{}.test{suffix}", tested.rsplit('/').next().unwrap())),
        }
    }

    fn by_go(&self, program: &Program) -> PathBuf {
        let (goos, goarch) = self.platform.split_once('/').unwrap();
        let out = program.directory.join("go-out");
        let mut command = go(&program.goroots[self.version], &program.directory, &[("GOOS", goos), ("GOARCH", goarch)]);
        command.envs(self.row.env.iter().copied());
        if self.row.counts_c() {
            // Its cache gives what was compiled in another checkout, with other symbols.
            command.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix-counted"));
        }
        let verb: &[&str] = if self.row.tested.is_some() { &["test", "-c"] } else { &["build"] };
        command.args(verb).args(["-trimpath", "-buildvcs=false"]).args(self.row.go);
        let (_, build_id) = BUILD_IDS.iter().find(|(name, _)| *name == self.build_id).unwrap();
        let ldflags = [self.row.ldflags, build_id].join(" ");
        if !ldflags.trim().is_empty() {
            command.arg(format!("-ldflags={}", ldflags.trim()));
        }
        run(command.arg("-o").arg(&out).arg(format!("./{}", self.row.tested.unwrap_or(self.row.package))));
        out
    }

    /// What differs, if anything does.
    fn compare(&self, program: &Program) -> Result<(), String> {
        let (ours, theirs) = (self.by_godirect(program), self.by_go(program));
        let digest = |path: &Path| Sha256::of(fs::read(path).unwrap()).to_string();
        let info = |path: &Path| {
            // It can't read WebAssembly.
            let output = go(&program.goroots[self.version], &program.directory, &[]).args(["version", "-m"]).arg(path).output();
            let printed = String::from_utf8(output.unwrap().stdout).unwrap();
            printed.split_once(": ").map(|(_, info)| info.to_owned()).unwrap_or_default()
        };
        if digest(&ours) == digest(&theirs) {
            return Ok(());
        }
        let [ours, theirs] = [info(&ours), info(&theirs)];
        let diff =
            similar::TextDiff::from_lines(&theirs, &ours).unified_diff().header("go build", "godirect build").to_string();
        Err(if diff.is_empty() { "the same `go version -m`, other bytes".to_owned() } else { diff })
    }
}

/// Puts the compared cells into the table of docs/identity.md under a heading: how many are equal, of how many.
fn write_table(heading: &str, results: &BTreeMap<(&str, &str), (usize, usize)>) {
    let page = engines::repository("docs/identity.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(heading).unwrap_or_else(|| panic!("docs/identity.md has no {heading}"));
    let (table, after) = rest.split_once("\n## ").unwrap_or((rest, ""));
    let updated = |line: &str| {
        let columns: Vec<&str> = line.trim_matches(['|', ' ']).split(" | ").collect();
        let [name, old @ ..] = columns.as_slice() else { return line.to_owned() };
        let cell = |(platform, old): (&&str, &&str)| match results.get(&(name.trim_matches('`'), *platform)) {
            Some((equal, of)) => format!("{equal}/{of}"),
            None => (*old).to_owned(),
        };
        match old.len() == PLATFORMS.len() && name.starts_with('`') {
            true => format!("| {name} | {} |", PLATFORMS.iter().zip(old).map(cell).collect::<Vec<_>>().join(" | ")),
            false => line.to_owned(),
        }
    };
    let table: Vec<String> = table.split('\n').map(updated).collect();
    let end = if after.is_empty() { "" } else { "\n## " };
    fs::write(&page, format!("{before}{heading}{}{end}{after}", table.join("\n"))).unwrap();
}

#[test]
fn every_row_is_in_the_documentation() {
    let text = fs::read_to_string(engines::repository("docs/identity.md")).unwrap();
    for row in ROWS {
        let line = text.lines().find(|line| line.starts_with(&format!("| `{}` |", row.name)));
        let line = line.unwrap_or_else(|| panic!("docs/identity.md has no row `{}`", row.name));
        assert_eq!(line.matches(" | ").count(), PLATFORMS.len(), "{line}");
    }
}

#[test]
fn binaries_are_those_of_go_build() {
    let (mut failed, mut compared) = (Vec::new(), 0);
    let mut results: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    let mut programs: BTreeMap<&str, Program> = BTreeMap::new();
    let cells = cells();
    for (index, cell) in cells.iter().enumerate() {
        let program = programs.entry(cell.row.name).or_insert_with(|| program(cell.row));
        let result = cell.compare(program);
        let shown = format!("{:<10} {:<13} go{:<8} {}", cell.row.name, cell.platform, cell.version, cell.build_id);
        println!("{shown:<45} {}", if result.is_ok() { "equal" } else { "DIFFERENT" });
        let (equal, of) = results.entry((cell.row.name, cell.platform)).or_default();
        (*equal, *of, compared) = (*equal + usize::from(result.is_ok()), *of + 1, compared + 1);
        failed.extend(result.err().map(|difference| format!("{shown}\n{difference}")));
        // After each row, so that nothing is lost when the rest isn't waited for.
        let is_last = cells.get(index + 1).is_none_or(|next| next.row.name != cell.row.name);
        if is_last && std::env::var_os(VARIABLE).is_some() {
            write_table(TABLE, &results);
        }
    }
    assert!(failed.is_empty(), "{} of {compared} differ:\n{}", failed.len(), failed.join("\n"));
    println!("{compared} cells are equal");
}
