//! The rules of a package's tests.

use super::build_file::{dependencies, leave_out, module_target, program_rule, vary, where_missing};
use super::layout::Layout;
use super::rule::{Expr, Rule, sorted};
use super::{Input, PackageFiles, Test};
use crate::error::Result;

/// One rule, or one for each file where a directive says so; `library` is the target of the tested package, unless it consists of tests.
pub(super) fn rules(input: &Input, layout: &Layout, test: &Test, dir: &str, library: Option<&str>) -> Result<Vec<Rule>> {
    let mut files = test.files.clone();
    leave_out(&mut files, layout, dir);
    if !layout.settings(dir).test_per_file {
        let name = layout.test(test.program.main.as_str(), dir);
        return Ok(vec![rule(input, layout, test, dir, library, &name, files)?]);
    }
    let mut rules = Vec::new();
    for source in files.sources.iter().filter(|name| name.ends_with(".go")) {
        let only = |name: &String| name == source || !name.ends_with(".go");
        let sources: Vec<String> = files.sources.iter().filter(|name| only(name)).cloned().collect();
        let constraints =
            files.constraints.iter().filter(|(name, _)| only(name)).map(|(n, c)| (n.clone(), c.clone())).collect();
        let one = PackageFiles { sources, constraints, embed: files.embed.clone() };
        rules.push(rule(input, layout, test, dir, library, source.trim_end_matches(".go"), one)?);
    }
    Ok(rules)
}

fn rule(
    input: &Input,
    layout: &Layout,
    test: &Test,
    dir: &str,
    library: Option<&str>,
    name: &str,
    files: PackageFiles,
) -> Result<Rule> {
    let imported = |std: bool| {
        let of = |(platform, paths)| dependencies(input, layout, paths, dir, std).into_iter().map(move |item| (platform, item));
        vary(input, test.imports.iter().flat_map(of))
    };
    let external = test.external.iter().filter(|name| files.sources.contains(name)).cloned().collect();
    let mut rule = program_rule(input, layout, "go_test", name, &test.program, dir)?
        .with("srcs", Expr::List(sorted(files.sources)))
        .with("constraints", Expr::StringDict(files.constraints))
        .with("data", layout.data(test, dir))
        .with("embedsrcs", Expr::List(sorted(files.embed.values().flatten().cloned().collect())))
        .with("embed_patterns", Expr::Dict(files.embed.into_iter().collect()))
        // Its default is that they aren't known; likewise those of std.
        .with_explicit("external_srcs", Expr::List(external))
        .with_explicit("std_imports", imported(true))
        .with("fuzz", Expr::String(if test.program.profile.fuzz { "on" } else { "" }.to_owned()))
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
