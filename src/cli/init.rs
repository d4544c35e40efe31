//! `godirect init`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output;
use crate::error::{self, Error, Result};
use crate::files::Files;
use crate::module::workspace::Workspace;
use crate::platform::OsArch;
use crate::spec;
use crate::write;

/// Write a starter spec, godirect.star, from go.mod or go.work.
///
/// The spec asks for the SDK of go.mod, for linux/amd64, linux/arm64 and this machine's platform, for every main package, and for Nix and
/// Bazel files. It is yours to edit from then on; an existing one is never overwritten (exit 2).
///
/// Example: `godirect init && godirect all`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {}

pub fn run(directory: &Path, _: &Arguments) -> Result<ExitCode> {
    output::line("wrote", write_starter(directory)?.display());
    output::line("next", "godirect all");
    Ok(ExitCode::SUCCESS)
}

/// Writes the starter spec and gives its path.
pub fn write_starter(directory: &Path) -> Result<PathBuf> {
    let path = error::file_in(directory, spec::FILE);
    if path.exists() {
        let error = Error::input(format!("there is already a {}", path.display()));
        return Err(error.help("edit it, or delete it to start anew; `godirect lock` is next"));
    }
    let workspace = Workspace::load(&Files::default(), directory)?;
    write::atomic(&path, starter(&workspace, OsArch::host()?).as_bytes())?;
    Ok(path)
}

/// The text of a starter spec. Its calls are also the documentation that a new user sees first.
fn starter(workspace: &Workspace, host: OsArch) -> String {
    let file = if workspace.work.is_some() { "go.work" } else { "go.mod" };
    let mut platforms = vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()];
    if !platforms.contains(&host.to_string()) {
        platforms.push(host.to_string());
    }
    let mut machines = vec!["linux/amd64".to_owned()];
    if !machines.contains(&host.to_string()) {
        machines.push(host.to_string());
    }
    let list = |names: &[String]| names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
    format!(
        "# What to build, with which Go, for whom. `godirect all` does the rest.\n\
         \n\
         go_sdk(\n    version = from_go_mod(),  # the toolchain or go line of {file}\n    exec_platforms = [{}],  # machines that build\n)\n\
         \n\
         platforms({})\n\
         \n\
         # Without binary(\"./cmd/…\") every main package is built.\n\
         \n\
         nix()\n\
         \n\
         bazel()\n",
        list(&machines),
        list(&platforms)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_is_a_spec() {
        for host in OsArch::all() {
            let text = starter(&Workspace::default(), host);
            let spec = spec::parse(&text).unwrap();
            assert!(spec.sdks[spec::DEFAULT_SDK].exec_platforms.contains(&host) && spec.bazel.is_some() && spec.nix.is_some());
        }
    }
}
