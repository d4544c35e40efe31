//! How long `godirect generate` takes for BUILD files, and how that grows.
//!
//! ```sh
//! cargo bench --bench generate          # the table, CSV file and plot of docs/benchmarks.md
//! cargo bench --bench generate -- 21    # with as many rounds, instead of 7
//! ```
//!
//! One module is real, the others are made as those of the bench `list`; all for linux/amd64 and windows/amd64. Rounds alternate.

#[path = "../../tests/list_oracle/answers.rs"]
#[allow(dead_code)]
mod answers;
#[path = "../list/plot.rs"]
mod plot;
#[path = "../../tests/list_oracle/rows.rs"]
#[allow(dead_code)]
mod rows;
#[path = "../../tests/support/cli.rs"]
#[allow(dead_code)]
mod support;
#[path = "../list/synthetic.rs"]
#[allow(dead_code)]
mod synthetic;
#[path = "../../tests/list_oracle/trees.rs"]
#[allow(dead_code)]
mod trees;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use answers::CACHE;
use plot::Plot;
use rows::{Role, Row};
use support::repository;
use synthetic::Shape;

const ROUNDS: usize = 7;
/// Of a measurement that is one point of a plot.
const ROUNDS_OF_POINT: usize = 3;
/// A module of 2,300 files, and the file in it that imports something more or less.
const REAL: (&str, &str) = ("k8s.io/client-go@v0.34.2", "rest/client.go");
/// The same file of those that are made.
const EDITED: &str = "p0/p40/f0.go";

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// There are no BUILD files, and nothing is known.
    Cold,
    /// An import was added, or taken out again.
    Edited,
    /// Nothing has changed.
    Same,
}

const ALL: [(What, &str); 3] = [
    (What::Cold, "no BUILD files, nothing known"),
    (What::Edited, "an import was added or removed"),
    (What::Same, "nothing changed"),
];

fn main() {
    let rounds =
        std::env::args().skip(1).find(|a| a != "--bench").map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    let times = [measure(&made(Shape { packages: 500, files: 6 }), EDITED, rounds), measure(&real(), REAL.1, rounds)];
    println!("| | 3,000 files in 500 packages | {} |\n|---|---:|---:|", REAL.0);
    for (index, (_, name)) in ALL.iter().enumerate() {
        println!("| {name} | {:.0} ms | {:.0} ms |", times[0][index], times[1][index]);
    }
    let mut plot = Plot::new("files", &["no BUILD files", "an import changed", "nothing changed"]);
    for packages in [300, 1000, 3000, 10_000] {
        eprintln!("{packages} packages");
        plot.add(3 * packages, measure(&made(Shape { packages, files: 3 }), EDITED, ROUNDS_OF_POINT));
    }
    plot.write("generate-files");
    fs::remove_dir_all(trees::place("removed")).expect("a writable directory");
}

fn made(shape: Shape) -> PathBuf {
    with_bazel(&synthetic::make(shape))
}

fn real() -> PathBuf {
    let row = Row {
        modules: vec![REAL.0.to_owned()],
        role: Role::Tidied,
        tags: vec![String::new()],
        start: String::new(),
        packages: String::new(),
    };
    with_bazel(&trees::make(&row).expect("a module that can be locked"))
}

/// A copy of a module, with its lock, for two platforms and Bazel.
fn with_bazel(source: &Path) -> PathBuf {
    let root = trees::place("generate").join(source.file_name().expect("a name"));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.parent().expect("a directory")).expect("a writable directory");
    let copied = std::process::Command::new("cp").arg("-r").arg(source).arg(&root).status().expect("cp");
    assert!(copied.success());
    let spec = "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\", \"windows/amd64\")\n\nbazel()\n";
    fs::write(root.join("godirect.star"), spec).expect("a writable directory");
    answers::output(answers::godirect(&root, &["lock"])).expect("a module that can be locked");
    root
}

/// Takes all BUILD files away, to a directory where nothing else is. They aren't deleted before all is measured: a file system such as ext4
/// passes over what was freed within the last seconds, one by one, whenever a file is made.
fn remove_build_files(directory: &Path, removed: &Path) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            remove_build_files(&path, removed);
        } else if path.file_name().is_some_and(|name| name == "BUILD.bazel") {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let name = COUNT.fetch_add(1, Ordering::Relaxed).to_string();
            fs::rename(path, removed.join(name)).expect("a writable directory");
        }
    }
}

fn run(what: What, root: &Path, edited: &str, round: usize) -> f64 {
    match what {
        What::Cold => {
            let removed = trees::place("removed");
            fs::create_dir_all(&removed).expect("a writable directory");
            remove_build_files(root, &removed);
            for name in ["memo", "parsed"] {
                let _ = fs::remove_dir_all(CACHE.join(name));
            }
        }
        What::Edited => {
            const IMPORT: &str = "\t_ \"os\"\n";
            let path = root.join(edited);
            let mut text = fs::read_to_string(&path).expect("a file of the module").replace(IMPORT, "");
            if round.is_multiple_of(2) {
                text = text.replacen("import (\n", &format!("import (\n{IMPORT}"), 1);
            }
            fs::write(&path, text).expect("a writable directory");
        }
        What::Same => {
            // The run after a change remembers, and the next one is asked the same.
            let status = answers::godirect(root, &["generate"]).stdout(Stdio::null()).status().expect("godirect");
            assert!(status.success());
        }
    }
    let begin = Instant::now();
    let status = answers::godirect(root, &["generate"]).stdout(Stdio::null()).status().expect("godirect");
    let time = begin.elapsed().as_secs_f64() * 1000.0;
    assert!(status.success());
    time
}

/// The medians of all, in milliseconds.
fn measure(root: &Path, edited: &str, rounds: usize) -> Vec<f64> {
    let mut times = vec![Vec::new(); ALL.len()];
    for round in 0..rounds {
        for (index, (what, _)) in ALL.iter().enumerate() {
            times[index].push(run(*what, root, edited, round));
        }
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    times.iter().map(|times| times[times.len() / 2]).collect()
}

/// Where the plot is.
fn place_of(name: &str) -> PathBuf {
    repository("docs/benchmarks").join(name)
}
