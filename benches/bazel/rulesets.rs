//! `rules_go_direct` beside the real rules_go: the same programs, without modules of others.

use super::cost::{medians, row};
use super::workspace::Ruleset;
use super::{BUILT, Bench, Program, change_all};
use crate::programs::{self, write};

/// How many runs of a second or less are made in a round: one of them may take twice as long as the next.
const SHORT: usize = 10;

/// What comes before each run, of which the number of runs before is given.
type Prepare<'a> = &'a dyn Fn(&Bench, usize);

/// Prints a row for each thing to build.
pub fn compare(rounds: usize) {
    let pair = Pair::new("hello", &programs::hello());
    pair.row("hello with net/http, nothing built before", rounds, &|bench, _| bench.forget());
    pair.build();
    pair.row("hello with net/http, nothing changed", SHORT * rounds, &|_, _| ());
    pair.end();

    let pair = Pair::new("own", &programs::own());
    pair.row("120 packages that import a leaf, nothing built before", rounds, &|bench, _| bench.forget());
    pair.build();
    pair.row("120 packages that import a leaf, nothing changed", SHORT * rounds, &|_, _| ());
    let edit = |bench: &Bench, run| write(bench.workspace.root(), "leaf/leaf.go", &programs::leaf(run + 1));
    pair.row("120 packages that import a leaf, the body of its function changed", SHORT * rounds, &edit);
    pair.end();

    let pair = Pair::new("built", &programs::packages(BUILT, 0));
    pair.build();
    pair.row(&format!("{BUILT} packages changed, std is built"), rounds, &|bench, run| change_all(bench, run + 1));
    let by_new_server = |bench: &Bench, run| {
        change_all(bench, 2 * rounds + run + 1);
        bench.bazel(&["shutdown"]);
    };
    pair.row(&format!("{BUILT} packages changed, std is built, new server"), rounds, &by_new_server);
    pair.end();
}

/// A program in two workspaces: by rules_go, and by rules_go_direct.
struct Pair([Bench; 2]);

impl Pair {
    fn new(name: &str, files: &[(String, String)]) -> Pair {
        let rulesets = [("rules-go", Ruleset::RulesGo), ("direct", Ruleset::Direct)];
        Pair(rulesets.map(|(prefix, ruleset)| Bench::with(&format!("bench-{prefix}-{name}"), ruleset, files)))
    }

    fn build(&self) {
        for bench in &self.0 {
            bench.run(Program::Bazel, &[]);
        }
    }

    fn row(&self, title: &str, rounds: usize, prepare: Prepare) {
        let costs = medians(rounds, |index, before| {
            prepare(&self.0[index], before);
            self.0[index].run(Program::Bazel, &[])
        });
        row(title, costs);
    }

    fn end(self) {
        for bench in self.0 {
            bench.bazel(&["shutdown"]);
        }
    }
}
