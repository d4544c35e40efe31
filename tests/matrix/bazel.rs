//! The identity matrix by Bazel: rows that `godirect generate` can put into BUILD files, built with rules_go_direct, beside `go build`.
//!
//! `GODIRECT_TEST_MATRIX_BAZEL` chooses cells as `GODIRECT_TEST_MATRIX` does, and writes them into the second table of docs/identity.md.
//! Without it some rows are compared: the others of this machine's platform have tests of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::rows::{self, ROWS, Row};
use super::{PLATFORMS, VERSIONS, choose, copy, go, godirect, run, sdk_name, write_table};
use crate::engines;

const VARIABLE: &str = "GODIRECT_TEST_MATRIX_BAZEL";

/// Where the second table begins.
const TABLE: &str = "## With Bazel";

/// One comparison; without a build ID, which Bazel's programs don't have.
#[derive(Clone, Copy)]
struct Cell {
    row: &'static Row,
    platform: &'static str,
    version: &'static str,
}

/// Rows for which other platforms are something else to the rules; what they change for the others is the same for all rows.
const CROSS: [&str; 5] = ["experiment", "fips140", "pgo", "program", "test-mixed"];

/// Tests of commands. Before Go 1.27 their programs show the build information of the command, and rules don't know what one is.
const OF_COMMANDS: [&str; 4] = ["test-cgo-command", "test-command", "test-fuzz-command", "test-pgo"];

/// All versions for this machine's platform; for the others, the newest one and some rows.
fn cells() -> Vec<Cell> {
    let host = PLATFORMS[0];
    let is_cross = |row: &Row, version: &str| version == VERSIONS[0] && CROSS.contains(&row.name);
    let mut cells = Vec::new();
    for version in VERSIONS {
        for row in ROWS.iter().filter(|row| version == VERSIONS[0] || !OF_COMMANDS.contains(&row.name)) {
            let platforms = PLATFORMS
                .into_iter()
                .filter(|platform| row.exists_on(platform) && (*platform == host || is_cross(row, version)));
            cells.extend(platforms.map(|platform| Cell { row, platform, version }));
        }
    }
    let is_quick = |cell: &Cell| match cell.row.name {
        "program" => cell.platform == host && cell.version == VERSIONS[0],
        // Programs that run tests differ most.
        "test-mixed" => cell.platform == host && cell.version == VERSIONS[VERSIONS.len() - 1],
        _ => false,
    };
    choose(VARIABLE, &mut cells, |cell| (cell.row.name, cell.platform), is_quick);
    cells
}

/// A row's program with BUILD files, for one version.
struct Program {
    directory: PathBuf,
    goroot: PathBuf,
}

/// The settings with texts in the place of what Bazel can't read.
fn settings(row: &Row) -> String {
    rows::ENVIRONMENT.iter().fold(row.settings.to_owned(), |settings, (name, value)| {
        settings.replace(&format!("env(\"{name}\")"), &format!("{value:?}"))
    })
}

/// The same for all rows of a version, so that Bazel fetches its SDK once.
fn workspace(version: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix-bazel").join(version)
}

/// The program with its BUILD files, or what godirect says against them.
fn program(row: &'static Row, version: &'static str) -> Result<Program, String> {
    let directory = workspace(version);
    let _ = fs::remove_dir_all(&directory);
    copy(&engines::repository("tests/matrix/rows").join(row.program), &directory);
    if row.program == "c" {
        // Rules can't say what pkg-config says.
        for unused in ["cmd/greet", "pc"] {
            fs::remove_dir_all(directory.join(unused)).unwrap();
        }
    }
    let columns: Vec<&str> = PLATFORMS.into_iter().filter(|platform| row.exists_on(platform)).collect();
    let spec = format!(
        "go_sdk(version = \"{version}\")\nprofile(\"default\"{})\nplatforms(*{columns:?})\nbinary(\"./{}\", name = \"program\")\nbazel()\n",
        settings(row),
        row.package
    );
    fs::write(directory.join("godirect.star"), spec).unwrap();
    let module = format!(
        "module(name = \"matrix\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n    path = \"{}\",\n)\n",
        engines::repository("rules_go_direct").display()
    );
    fs::write(directory.join("MODULE.bazel"), module).unwrap();
    if !row.prepare.is_empty() {
        run(go(&engines::GOROOT, &directory, &[]).args(row.prepare));
    }
    let lock = directory.join("godirect.lock.json");
    let seed = directory.with_file_name(format!("{}.lock.json", sdk_name(version)));
    if seed.exists() {
        fs::copy(&seed, &lock).unwrap();
    }
    run(godirect(&directory).arg("lock"));
    fs::copy(&lock, &seed).unwrap();
    let generated = godirect(&directory).arg("generate").output().unwrap();
    if !generated.status.success() {
        return Err(String::from_utf8_lossy(&generated.stderr).into_owned());
    }
    if row.program == "c" {
        export_header(&directory);
    }
    let goroot = PathBuf::from(run(godirect(&directory).arg("goroot")).trim_end());
    Ok(Program { directory, goroot })
}

/// What C includes from other directories is a person's to say.
fn export_header(directory: &Path) {
    let edit = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(directory.join(name)).unwrap();
        assert!(text.contains(from), "{name}: {text}");
        fs::write(directory.join(name), text.replacen(from, to, 1)).unwrap();
    };
    edit("BUILD.bazel", "go_module(", "exports_files([\"include/shared.h\"])\n\ngo_module(");
    edit("cmd/own/BUILD.bazel", "        \"main.go\",\n", "        \"main.go\",\n        \"//:include/shared.h\",\n");
    edit("scale/BUILD.bazel", "        \"scale.h\",\n", "        \"scale.h\",\n        \"//:include/shared.h\",\n");
}

impl Cell {
    fn by_bazel(&self, program: &Program) -> PathBuf {
        let package = self.row.tested.unwrap_or(self.row.package);
        let package = if package == "." { "" } else { package };
        let is_windows = self.platform.starts_with("windows/");
        let (name, end) = match self.row.tested {
            None if self.row.suffix.is_empty() => ("program".to_owned(), if is_windows { ".exe" } else { "/program" }),
            None => ("program".to_owned(), self.row.suffix),
            Some(_) => (test_target(&program.directory.join(package)), if is_windows { ".test.exe" } else { ".test" }),
        };
        let target = format!("//{package}:{name}");
        let platform = format!("--platforms=@rules_go_direct//go/toolchain:{}", self.platform.replace('/', "_"));
        // With cgo, the machine's own platform has a C toolchain by itself.
        let flags: Vec<&str> = if self.row.program == "c" { vec![] } else { vec![&platform] };
        engines::bazel(&program.directory, &[&["build", "--remote_download_outputs=all"], &flags[..], &[&target]].concat());
        let printed = engines::bazel(&program.directory, &[&["cquery", "--output=files"], &flags[..], &[&target]].concat());
        let root = engines::bazel(&program.directory, &["info", "execution_root"]);
        let file = printed.lines().find(|line| line.ends_with(end)).unwrap_or_else(|| panic!("{target} has {printed}"));
        Path::new(root.trim_end()).join(file)
    }

    fn by_go(&self, program: &Program) -> PathBuf {
        let (goos, goarch) = self.platform.split_once('/').unwrap();
        let out = program.directory.with_file_name("go-out");
        let mut command = go(&program.goroot, &program.directory, &[("GOOS", goos), ("GOARCH", goarch)]);
        command.envs(self.row.env.iter().copied());
        let verb: &[&str] = if self.row.tested.is_some() { &["test", "-c"] } else { &["build"] };
        command.args(verb).args(["-trimpath", "-buildvcs=false"]).args(self.row.go);
        command.arg(format!("-ldflags={} -buildid=", self.row.ldflags));
        run(command.arg("-o").arg(&out).arg(format!("./{}", self.row.tested.unwrap_or(self.row.package))));
        out
    }
}

/// The name of the test in a directory's BUILD file.
fn test_target(directory: &Path) -> String {
    let text = fs::read_to_string(directory.join("BUILD.bazel")).unwrap();
    let rule = text.split_once("go_test(\n    name = \"").unwrap_or_else(|| panic!("there is no go_test in {text}")).1;
    rule.split('"').next().unwrap().to_owned()
}

#[test]
fn binaries_of_bazel_are_those_of_go_build() {
    let (mut failed, mut compared) = (Vec::new(), 0);
    let mut results: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    let cells = cells();
    for some in cells.chunk_by(|a, b| (a.row.name, a.version) == (b.row.name, b.version)) {
        let (row, version) = (some[0].row, some[0].version);
        let program = match program(row, version) {
            Ok(program) => program,
            Err(said) => {
                assert!(said.contains("the Bazel files can't have"), "{said}");
                println!("{:<18} not with Bazel", row.name);
                continue;
            }
        };
        for cell in some {
            let is_equal = fs::read(cell.by_bazel(&program)).unwrap() == fs::read(cell.by_go(&program)).unwrap();
            let shown = format!("{:<18} {:<13} go{version}", row.name, cell.platform);
            println!("{shown:<45} {}", if is_equal { "equal" } else { "DIFFERENT" });
            let (equal, of) = results.entry((row.name, cell.platform)).or_default();
            (*equal, *of, compared) = (*equal + usize::from(is_equal), *of + 1, compared + 1);
            failed.extend((!is_equal).then_some(shown));
        }
        if std::env::var_os(VARIABLE).is_some() {
            write_table(TABLE, &results);
        }
    }
    let used: BTreeSet<&str> = cells.iter().map(|cell| cell.version).collect();
    used.into_iter().for_each(|version| engines::end_bazel(&workspace(version)));
    assert!(failed.is_empty(), "{} of {compared} differ:\n{}", failed.len(), failed.join("\n"));
    println!("{compared} programs of Bazel are equal");
}
