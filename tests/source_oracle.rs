//! The pinned SDK's own code against what godirect reads from single files: heads, build constraints, names. A program that is
//! compiled into `cmd/go` answers for the go command, many files in one run.

#[path = "source_oracle/cgo.rs"]
mod cgo;
#[path = "support/damage.rs"]
mod damage;
#[path = "source_oracle/functions.rs"]
mod functions;
#[path = "source_oracle/heads.rs"]
mod heads;
#[path = "source_oracle/language.rs"]
mod language;
#[path = "source_oracle/lines.rs"]
mod lines;
#[path = "source_oracle/names.rs"]
mod names;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use godirect::source::constraint::Constraint;
use serde_json::{Value, json};

fn goroot() -> PathBuf {
    let root = std::env::var_os("GODIRECT_TEST_GOROOT").expect("set GODIRECT_TEST_GOROOT to a GOROOT of the pinned SDK");
    PathBuf::from(root)
}

/// The program, which is made of three files that the go command is told to see in its own source.
fn oracle() -> &'static Path {
    static ORACLE: OnceLock<PathBuf> = OnceLock::new();
    ORACLE.get_or_init(|| {
        let (goroot, out) = (goroot(), Path::new(env!("CARGO_TARGET_TMPDIR")).join("source-oracle"));
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/source_oracle");
        let overlay = json!({"Replace": {
            goroot.join("src/cmd/go/internal/modindex/oracle.go").to_str().unwrap(): sources.join("modindex.go"),
            goroot.join("src/cmd/go/internal/load/oracle.go").to_str().unwrap(): sources.join("testfuncs.go"),
            goroot.join("src/cmd/go/oracle/main.go").to_str().unwrap(): sources.join("main.go"),
        }});
        std::fs::create_dir_all(&out).unwrap();
        std::fs::write(out.join("overlay.json"), overlay.to_string()).unwrap();
        let status = Command::new(goroot.join("bin/go"))
            .args(["build", "-overlay"])
            .arg(out.join("overlay.json"))
            .arg("-o")
            .args([&out.join("oracle"), Path::new("cmd/go/oracle")])
            .current_dir(goroot.join("src/cmd"))
            .env_clear()
            .env("GOROOT", &goroot)
            .env("GOTOOLCHAIN", "local")
            .env("GOPROXY", "off")
            .env("HOME", &out)
            .env("GOENV", "off")
            .env("GOCACHE", out.join("cache"))
            .status()
            .unwrap();
        assert!(status.success(), "the oracle can't be compiled");
        out.join("oracle")
    })
}

/// What is asked: a letter that says what the bytes are, and the bytes.
type Case = (u8, Vec<u8>);

/// What the go command says to each case, in order, compared with what `ours` makes of that and the case.
fn compare(cases: &[Case], ours: impl Fn(&Case, &Value) -> Result<(), Value>) {
    let mut child = Command::new(oracle()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut wrong = Vec::new();
    let mut answers = 0;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for (kind, content) in cases {
                stdin.write_all(&[*kind]).unwrap();
                stdin.write_all(&(content.len() as u32).to_le_bytes()).unwrap();
                stdin.write_all(content).unwrap();
            }
        });
        for (case, line) in cases.iter().zip(stdout.lines()) {
            let theirs: Value = serde_json::from_str(&line.unwrap()).unwrap();
            answers += 1;
            if let Err(found) = ours(case, &theirs) {
                wrong.push(format!("{:?}\n  go:       {theirs}\n  godirect: {found}", String::from_utf8_lossy(&case.1)));
            }
        }
    });
    assert!(child.wait().unwrap().success());
    assert_eq!(answers, cases.len());
    let count = wrong.len();
    wrong.sort_by_key(String::len);
    wrong.truncate(10);
    assert!(count == 0, "{count} of {answers} cases differ, among them:\n{}", wrong.join("\n"));
}

/// The values of a constraint for some choices of tags: those of the oracle, which need no list of all tags.
fn values(constraint: Option<&Constraint>) -> Vec<bool> {
    let value = |bit: u32| constraint.is_none_or(|c| c.eval(&|tag| crc32fast::hash(tag.as_bytes()) >> bit & 1 == 1));
    (0..8).map(value).collect()
}
