//! The rule of a package's tests.

use super::build_file::{dependencies, module_target, program_rule, sorted, vary, where_missing};
use super::rule::{Expr, Rule};
use super::{Input, Test};
use crate::error::Result;

/// The rule; `library` is the target of the tested package, unless it consists of tests.
pub(super) fn rule(input: &Input, test: &Test, library: Option<&str>) -> Result<Rule> {
    let files = test.files.clone();
    let imported = |std: bool| {
        let of = |(platform, paths)| dependencies(input, paths, std).into_iter().map(move |item| (platform, item));
        vary(input, test.imports.iter().flat_map(of))
    };
    let testdata = if test.has_testdata { vec!["testdata/**".to_owned()] } else { Vec::new() };
    let mut rule = program_rule("go_test", &test.program)?
        .with("srcs", Expr::List(sorted(files.sources)))
        .with("constraints", Expr::StringDict(files.constraints))
        .with("data", Expr::Glob(testdata))
        .with("embedsrcs", Expr::List(sorted(files.embed.values().flatten().cloned().collect())))
        .with("embed_patterns", Expr::Dict(files.embed.into_iter().collect()))
        // Its default is that they aren't known; likewise those of std.
        .with_explicit("external_srcs", Expr::List(test.external.clone()))
        .with_explicit("std_imports", imported(true))
        .with("target_compatible_with", where_missing(input, test.imports.keys()))
        .with("deps", imported(false));
    rule = match library {
        Some(library) => rule.with("embed", Expr::List(vec![format!(":{library}")])),
        None => rule
            .with("importpath", Expr::String(test.program.main.to_string()))
            .with("module", Expr::String(module_target(&input.mains[test.module].directory))),
    };
    Ok(rule)
}
