//! Build constraints: random expressions, well formed or not.

use godirect::source::constraint::{Constraint, go_build_expression, plus_build};
use serde_json::{Value, json};

use super::damage::{Random, damage};
use super::{Case, compare, values};

/// A random expression of `//go:build` lines; deeper ones have fewer operands.
fn expression(random: &mut Random, depth: usize) -> String {
    const TAGS: [&str; 12] =
        ["linux", "amd64", "cgo", "go1.21", "ignore", "a", "b", "c.d", "x_y", "é", "goexperiment.jsonv2", "amd64.v3"];
    let choice = if depth > 4 { 0 } else { random.below(6) };
    match choice {
        0 | 1 => TAGS[random.below(TAGS.len())].to_owned(),
        2 => format!("!{}", expression(random, depth + 3)),
        3 => format!("({})", expression(random, depth + 1)),
        _ => {
            let operator = [" && ", " || ", "&&", "||", "\t&& "][random.below(5)];
            let operands: Vec<String> = (0..2 + random.below(3)).map(|_| expression(random, depth + 1)).collect();
            operands.join(operator)
        }
    }
}

/// A random line of either kind.
fn line(random: &mut Random) -> String {
    if random.below(3) > 0 {
        let prefix = ["//go:build ", "//go:build\t", "  //go:build  ", "//go:build"][random.below(20).min(3) % 4];
        return format!("{prefix}{}", expression(random, 0));
    }
    let terms: Vec<String> = (0..random.below(5))
        .map(|_| {
            let words: Vec<String> = (0..1 + random.below(3))
                .map(|_| {
                    format!("{}{}", ["", "", "!", "!!"][random.below(4)], ["a", "linux", "x-y", "go1.2", ""][random.below(5)])
                })
                .collect();
            words.join(",")
        })
        .collect();
    format!("{}{}", ["// +build ", "//+build ", "//\t+build\t", "// +build"][random.below(4)], terms.join(" "))
}

/// What the oracle must say of a line.
fn check((_, content): &Case, theirs: &Value) -> Result<(), Value> {
    let Ok(text) = std::str::from_utf8(content) else { return Ok(()) };
    // Both kinds of lines are looked for in lines without white space around them.
    let go_build = go_build_expression(text);
    let plus = plus_build(text);
    let parsed = match (go_build, &plus) {
        (Some(expression), _) => expression.parse::<Constraint>().map_err(|e| e.message),
        (None, Some(constraint)) => Ok(constraint.clone()),
        (None, None) => Err("not a build constraint".to_owned()),
    };
    let too_complex = theirs["Error"] == "expression too complex for // +build lines";
    let mut ours = json!({"GoBuild": go_build.is_some(), "PlusBuild": plus.is_some() || too_complex && go_build.is_none(),
        "Error": "", "Text": "", "Values": null});
    match parsed {
        Ok(constraint) => {
            (ours["Text"], ours["Values"]) = (json!(constraint.to_string()), json!(values(Some(&constraint))));
        }
        Err(_) if too_complex && go_build.is_none() => ours["Error"] = theirs["Error"].clone(),
        Err(message) => ours["Error"] = json!(message),
    }
    let mut theirs = theirs.clone();
    // `!(!a)` is kept as `!!a` by Go, which can't read that itself.
    if theirs["Text"].as_str().unwrap().contains("!!") {
        (theirs["Text"], ours["Text"]) = (Value::Null, Value::Null);
    }
    if theirs == ours { Ok(()) } else { Err(ours) }
}

const PIECES: [&[u8]; 23] = [
    b"(",
    b")",
    b"!",
    b"&&",
    b"||",
    b"&",
    b"|",
    b",",
    b" ",
    b"\t",
    b"\r",
    b".",
    b"_",
    b"-",
    b"//",
    b"+build",
    b"go:build",
    b"\xc2\xa0",
    b"\xc3\xa9",
    b"\xe2\x80\x83",
    b"a",
    b"linux",
    b"=",
];

#[test]
fn random_constraints() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let lines: Vec<Vec<u8>> = (0..40_000).map(|_| line(&mut random).into_bytes()).collect();
    let mut cases: Vec<Case> = lines.iter().map(|line| (b'l', line.clone())).collect();
    cases.extend(lines.iter().map(|line| (b'l', damage(line, &lines, &PIECES, &mut random))));
    compare(&cases, check);
}

#[test]
fn long_constraints() {
    let repeated = |prefix: &str, piece: &str, times: usize, end: &str| {
        (b'l', format!("{prefix}{}{end}", piece.repeat(times)).into_bytes())
    };
    let mut cases: Vec<Case> = Vec::new();
    for times in [90, 98, 99, 100, 101, 102, 998, 999, 1000, 1001] {
        cases.push(repeated("//go:build ", "a && ", times, "b"));
        cases.push(repeated("//go:build ", "a || !b && ", times / 2, "c"));
        cases.push(repeated("// +build ", "a ", times, "b"));
        cases.push(repeated("// +build ", "a,", times, "b"));
        cases.push(repeated("// +build ", "a,b ", times / 2, "c"));
    }
    compare(&cases, check);
}
