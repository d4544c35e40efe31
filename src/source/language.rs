//! What versions of the Go language decide about: constructs that the compiler allows from one of them on, or that mean something else
//! from there (`cmd/compile/internal/types2/version.go`, `noder/writer.go`).

use std::ops::RangeInclusive;

use crate::source::token::{Kind, Lexer, Token};

/// The minor versions between which tokens tell all. Before them, build constraints don't choose a file's own version; after them,
/// what a literal may name is a matter of types.
const KNOWN: RangeInclusive<u32> = 21..=26;

/// Each iteration has its own variables, which export data say of each loop, whether it has any or not; one can range over integers.
const LOOPS: u32 = 22;
/// One can range over functions; aliases can have type parameters.
const FUNCTIONS_AND_ALIASES: u32 = 23;
/// `new` takes values.
const NEW: u32 = 26;

/// Whether a Go file means the same in two versions of the language, such as `1.24`: it has nothing that only one of them may allow or
/// see in another way. Rather not, where only types could tell; any bytes are accepted.
pub fn means_the_same(content: &[u8], one: &str, other: &str) -> bool {
    let Some((one, other)) = known(one, other) else { return false };
    has_nothing_of(content, one.min(other) + 1..=one.max(other))
}

/// Whether a Go file that compiles in a version of the language means the same in another one. What only newer versions allow isn't in it, so
/// that one of them decides only about what it sees in another way.
pub fn stays_the_same(content: &[u8], from: &str, to: &str) -> bool {
    match known(from, to) {
        Some((from, to)) if from < to => !(from + 1..=to).contains(&LOOPS) || has_nothing_of(content, LOOPS..=LOOPS),
        _ => means_the_same(content, from, to),
    }
}

/// The minor versions, if tokens tell all between them.
fn known(one: &str, other: &str) -> Option<(u32, u32)> {
    let minor = |version: &str| version.strip_prefix("1.")?.parse().ok().filter(|minor| KNOWN.contains(minor));
    Some((minor(one)?, minor(other)?))
}

/// Whether a file has nothing that one of the versions decides about.
fn has_nothing_of(content: &[u8], versions: RangeInclusive<u32>) -> bool {
    let Some(tokens) = tokens(content) else { return false };
    !(0..tokens.len()).any(|at| versions_of(&tokens[at..]).iter().any(|version| versions.contains(version)))
}

/// The tokens without comments; `None` if some can't be read.
fn tokens(content: &[u8]) -> Option<Vec<Token<'_>>> {
    let mut lexer = Lexer::new(content);
    let all = std::iter::from_fn(|| Some(lexer.next_significant()).filter(|token| token.kind != Kind::End)).collect();
    lexer.errors().is_empty().then_some(all)
}

/// The versions that decide about a construct which may begin with the first of the tokens.
fn versions_of(tokens: &[Token]) -> &'static [u32] {
    match tokens {
        [for_, ..] if for_.is_word("for") => &[LOOPS],
        [range, ..] if range.is_word("range") => &[FUNCTIONS_AND_ALIASES],
        [type_, declared @ ..] if type_.is_word("type") && has_generic_alias(declared) => &[FUNCTIONS_AND_ALIASES],
        [new, open, ..] if new.is_word("new") && open.is_operator("(") => &[NEW],
        _ => &[],
    }
}

/// Whether what follows `type` declares an alias with type parameters, alone or in parentheses.
fn has_generic_alias(declared: &[Token]) -> bool {
    match declared {
        [open, group @ ..] if open.is_operator("(") => {
            let group = &group[..inner_length(group, "(", ")")];
            let begins = |at: &usize| *at == 0 || group[at - 1].kind == Kind::Semicolon;
            (0..group.len()).filter(begins).any(|at| is_generic_alias(&group[at..]))
        }
        single => is_generic_alias(single),
    }
}

fn is_generic_alias(spec: &[Token]) -> bool {
    let [name, open, rest @ ..] = spec else { return false };
    let is_generic = name.kind == Kind::Ident && open.is_operator("[");
    is_generic && rest.get(inner_length(rest, "[", "]") + 1).is_some_and(|token| token.is_operator("="))
}

/// How many tokens stand before the bracket that closes one which was opened before them.
fn inner_length(tokens: &[Token], open: &str, close: &str) -> usize {
    let mut depth = 1;
    let closes = |token: &Token| {
        depth += usize::from(token.is_operator(open));
        depth -= usize::from(token.is_operator(close));
        depth == 0
    };
    tokens.iter().position(closes).unwrap_or(tokens.len())
}

#[cfg(test)]
mod tests {
    use super::means_the_same;

    /// What only some versions allow, or see in another way, with the pairs of minor versions for which that makes no difference.
    #[test]
    fn versions_decide_about_what_there_is() {
        for (code, same) in [
            ("func f() {}", &[(21, 26)][..]),
            ("func f(a []int) { for range a {\n} }", &[(23, 26)]),
            ("func f() { for i, j := 0, 1; i < j; i++ {\n} }", &[(22, 26)]),
            ("func f() { for i := range 3 {\n_ = i\n} }", &[(23, 26)]),
            ("func f() { for {\n} }", &[(22, 26)]),
            ("type A[P any] = []P", &[(21, 22), (23, 26)]),
            ("type (\n\tA int\n\tB[P any, Q [2]int] = map[int]P\n)", &[(21, 22), (23, 26)]),
            (
                "type (\n\tA struct {\n\t\ta [2]int\n\t}\n\tB[P any] []P\n\tC = int\n)\n\nvar a [2]int\n\nfunc f() { a[1] = 2 }",
                &[(21, 26)],
            ),
            ("var a = new(int)", &[(21, 25)]),
            ("// for i := range new(A)\nvar a = \"range\"", &[(21, 26)]),
        ] {
            for one in 21..=26 {
                for other in (21..=26).filter(|other| *other != one) {
                    let (low, high) = (one.min(other), one.max(other));
                    let wanted = same.iter().any(|(from, to): &(u32, u32)| *from.min(to) <= low && high <= *from.max(to));
                    let found =
                        means_the_same(format!("package p\n\n{code}\n").as_bytes(), &format!("1.{one}"), &format!("1.{other}"));
                    assert_eq!(found, wanted, "{code} in 1.{one} and 1.{other}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_known_is_not_the_same() {
        let same = |text: &str, one: &str, other: &str| means_the_same(text.as_bytes(), one, other);
        assert!(same("package p\n", "1.24", "1.25"));
        for (text, one, other) in [
            ("package p\n", "1.20", "1.21"),
            ("package p\n", "1.26", "1.27"),
            ("package p\n", "", "1.24"),
            ("package p\n", "1.24", "2.25"),
            ("package p\n\x00", "1.24", "1.25"),
            ("package p\nvar a = \"\n", "1.24", "1.25"),
        ] {
            assert!(!same(text, one, other), "{text} in {one} and {other}");
        }
    }
}
