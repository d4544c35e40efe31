//! Pipelines for CI systems: spec and lock are checked, and what a change can touch is built and tested, as `godirect affected` says.

use handlebars::Handlebars;
use serde::Serialize;

use super::HEADER;
use crate::error::{Error, Result};
use crate::spec::{Ci, CiEngine, CiSystem};
use crate::write::{GeneratedFile, GeneratedFiles};

/// What compares, in every system, with the commit in the variable BASE.
const COMPARE: &str = include_str!("../../templates/ci/compare.sh");

/// A file of a system: its path, relative to the spec, and its template.
type File = (&'static str, &'static str);

const GITHUB: [File; 1] = [(".github/workflows/godirect.yml", include_str!("../../templates/ci/github.yml.hbs"))];
const GITLAB: [File; 2] = [
    (".gitlab/godirect.yml", include_str!("../../templates/ci/gitlab.yml.hbs")),
    (".gitlab/godirect-affected.yml", include_str!("../../templates/ci/gitlab-affected.yml.hbs")),
];
const JENKINS: [File; 1] = [(".jenkins/godirect.Jenkinsfile", include_str!("../../templates/ci/Jenkinsfile.hbs"))];
const BUILDKITE: [File; 2] = [
    (".buildkite/godirect.yml", include_str!("../../templates/ci/buildkite.yml.hbs")),
    (".buildkite/godirect-affected.sh", include_str!("../../templates/ci/buildkite-affected.sh.hbs")),
];

/// What templates are filled in with.
#[derive(Serialize)]
struct Values<'a> {
    header: &'a str,
    branch: &'a str,
    shards: u32,
    truth: &'a str,
    install: Option<&'a str>,
    image: Option<&'a str>,
    runner: Option<&'a str>,
}

fn files(system: CiSystem) -> &'static [File] {
    match system {
        CiSystem::Github => &GITHUB,
        CiSystem::Gitlab => &GITLAB,
        CiSystem::Jenkins => &JENKINS,
        CiSystem::Buildkite => &BUILDKITE,
    }
}

/// All paths that [`render`] may give.
pub fn paths() -> impl Iterator<Item = String> {
    CiSystem::ALL.into_iter().flat_map(files).map(|(path, _)| (*path).to_owned())
}

/// Renders the pipeline for a system.
///
/// # Errors
///
/// When a template is wrong.
pub fn render(system: CiSystem, ci: &Ci) -> Result<GeneratedFiles> {
    let (build, truth) = match ci.engine {
        CiEngine::Godirect => (include_str!("../../templates/ci/godirect.sh"), "go"),
        CiEngine::Bazel => (include_str!("../../templates/ci/bazel.sh"), "bazel"),
        CiEngine::Nix => (include_str!("../../templates/ci/nix.sh"), "nix"),
    };
    let usual_runner = (system == CiSystem::Github).then_some("ubuntu-latest");
    let values = Values {
        header: HEADER,
        branch: &ci.branch,
        shards: ci.shards,
        truth,
        install: ci.install.as_deref(),
        image: ci.image.as_deref(),
        runner: ci.runner.as_deref().or(usual_runner),
    };
    let mut rendered = GeneratedFiles::new();
    for (path, template) in files(system) {
        let text = fill(system, path.ends_with(".sh"), template, build, &values);
        let text = text.map_err(|e| Error::input(format!("the template of {path}: {e}")))?;
        rendered.insert((*path).to_owned(), GeneratedFile { text, merged: false });
    }
    Ok(rendered)
}

fn fill(
    system: CiSystem,
    is_shell: bool,
    template: &str,
    build: &str,
    values: &Values,
) -> std::result::Result<String, handlebars::RenderError> {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    // The agent fills in variables of what it uploads.
    let is_uploaded = system == CiSystem::Buildkite && !is_shell;
    let code = |text: &str| if is_uploaded { text.replace('$', "$$") } else { text.to_owned() };
    handlebars.register_partial("compare", code(COMPARE))?;
    handlebars.register_partial("build", code(build))?;
    match system {
        CiSystem::Jenkins => handlebars.register_escape_fn(groovy),
        CiSystem::Buildkite => handlebars.register_escape_fn(|text| yaml(&text.replace('$', "$$"))),
        CiSystem::Github | CiSystem::Gitlab => handlebars.register_escape_fn(yaml),
    }
    handlebars.render_template(template, values)
}

/// A scalar of YAML, which takes all strings of JSON.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A string of Groovy that nothing is filled in into.
fn groovy(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\t', "\\t"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_says_is_quoted() {
        let ci = Ci {
            engine: CiEngine::Bazel,
            branch: "it's \"main\"".to_owned(),
            shards: 3,
            install: Some("x='$A' \\\n\"y\"".to_owned()),
            image: None,
            runner: None,
            location: None,
        };
        let text = |system| render(system, &ci).unwrap().into_values().map(|file| file.text).collect::<String>();
        assert!(text(CiSystem::Github).contains("run: \"x='$A' \\\\\\n\\\"y\\\"\"\n"));
        assert!(text(CiSystem::Github).contains("branches: [\"it's \\\"main\\\"\"]"));
        assert!(text(CiSystem::Jenkins).contains("sh 'x=\\'$A\\' \\\\\\n\"y\"'\n"));
        assert!(text(CiSystem::Buildkite).contains("- \"x='$$A' \\\\\\n\\\"y\\\"\"\n"));
        assert!(text(CiSystem::Buildkite).contains("set -eu\nx='$A' \\\n\"y\"\n"));
    }
}
