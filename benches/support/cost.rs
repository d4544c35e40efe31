//! What runs of programs take.

use std::process::Command;
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What one run took.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    pub time: Duration,
    /// Of the program, and of all that it started.
    pub cpu: Duration,
}

impl Cost {
    /// Runs a program, which must succeed.
    pub fn of(command: &mut Command) -> Cost {
        let begin = Instant::now();
        let used = command.spawn().expect("a program that can be started").wait4().expect("a child to wait for");
        let time = begin.elapsed();
        assert!(used.status.success(), "{command:?} failed");
        Cost { time, cpu: used.rusage.utime + used.rusage.stime }
    }
}

/// The medians of several things to run, by their numbers, in rounds that alternate: what else the machine does hits all of them. `run` is also told how
/// many runs there were before.
pub fn medians<const N: usize>(rounds: usize, mut run: impl FnMut(usize, usize) -> Cost) -> [Cost; N] {
    let mut costs: [Vec<Cost>; N] = std::array::from_fn(|_| Vec::new());
    for round in 0..rounds {
        for place in 0..N {
            let index = (place + round) % N;
            costs[index].push(run(index, N * round + place));
        }
    }
    costs.map(|mut costs| {
        costs.sort();
        costs[costs.len() / 2]
    })
}

/// A row of a table that compares two programs: time and CPU time of both, and the second one's share of the first one's.
pub fn row(name: &str, [first, second]: [Cost; 2]) {
    let (time, cpu) =
        (second.time.as_secs_f64() / first.time.as_secs_f64(), second.cpu.as_secs_f64() / first.cpu.as_secs_f64());
    println!(
        "| {name} | {:.0} ms | {:.0} ms | {:.0} ms | {:.0} ms | {time:.2}× | {cpu:.2}× |",
        milliseconds(first.time),
        milliseconds(first.cpu),
        milliseconds(second.time),
        milliseconds(second.cpu)
    );
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// How many rounds the user wants.
pub fn rounds(default: usize) -> usize {
    std::env::args().skip(1).find(|a| a != "--bench").map_or(default, |text| text.parse().expect("a number of rounds"))
}
