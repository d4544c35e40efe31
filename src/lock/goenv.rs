//! What the user has set up for Go's downloads: the environment, the file of `go env -w`, the SDK's `go.env`
//! (`cmd/go/internal/cfg`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Go's settings for downloads, each with its default where the user has set nothing.
///
/// The environment counts before the file of `go env -w`, and that before the SDK's `go.env`; an empty variable counts as absent.
/// There is no `Debug`: GOPROXY may have a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct GoEnv {
    /// Module proxies, separated by `,` or `|`.
    pub goproxy: String,
    /// Glob patterns of modules whose paths nobody else is told.
    pub goprivate: String,
    /// Glob patterns of modules that are not asked of a proxy; GOPRIVATE if it isn't set.
    pub gonoproxy: String,
    /// Glob patterns of modules that the checksum database isn't asked about; GOPRIVATE if it isn't set.
    pub gonosumdb: String,
    /// The checksum database: name, key and URL, or `off`.
    pub gosumdb: String,
    /// Glob patterns of modules that may be fetched without TLS or with a certificate that nobody vouches for.
    pub goinsecure: String,
    /// Ways to get credentials, separated by `;`.
    pub goauth: String,
    /// Which version control programs may be used for which modules.
    pub govcs: String,
    /// Go's own cache of downloaded modules; empty if there is no home directory.
    pub gomodcache: PathBuf,
    /// The file with passwords, which need not exist.
    pub netrc: Option<PathBuf>,
}

/// What the SDK's `go.env` has had since there is such a file.
const DEFAULTS: [(&str, &str); 2] = [("GOPROXY", "https://proxy.golang.org,direct"), ("GOSUMDB", "sum.golang.org")];

/// The proxy that Go's downloads come from where nobody has set another one.
pub fn default_proxy() -> &'static str {
    let [(_, proxies), _] = DEFAULTS;
    proxies.split(',').next().unwrap_or(proxies)
}

impl GoEnv {
    /// The settings of this process, with the defaults of an SDK if one is at hand.
    pub fn read(goroot: Option<&Path>) -> GoEnv {
        GoEnv::of(&|name| std::env::var(name).ok(), goroot)
    }

    /// The settings in an environment, which is given as a function.
    pub fn of(environment: &dyn Fn(&str) -> Option<String>, goroot: Option<&Path>) -> GoEnv {
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let home = variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from);
        let mut files = DEFAULTS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        read_file(goroot.map(|goroot| goroot.join("go.env")), &mut files);
        read_file(user_file(&variable), &mut files);
        let set = |name: &str| variable(name).or_else(|| files.get(name).cloned().filter(|value| !value.is_empty()));
        let or_empty = |name: &str| set(name).unwrap_or_default();
        let goprivate = or_empty("GOPRIVATE");
        let gopath = set("GOPATH").map(|list| std::env::split_paths(&list).next().unwrap_or_default());
        let gopath = gopath.or_else(|| home.as_ref().map(|home| home.join("go"))).filter(|p| !p.as_os_str().is_empty());
        GoEnv {
            goproxy: or_empty("GOPROXY"),
            gonoproxy: set("GONOPROXY").unwrap_or_else(|| goprivate.clone()),
            gonosumdb: set("GONOSUMDB").unwrap_or_else(|| goprivate.clone()),
            goprivate,
            gosumdb: or_empty("GOSUMDB"),
            goinsecure: or_empty("GOINSECURE"),
            goauth: set("GOAUTH").unwrap_or_else(|| "netrc".to_owned()),
            govcs: or_empty("GOVCS"),
            gomodcache: set("GOMODCACHE").map(PathBuf::from).or(gopath.map(|p| p.join("pkg/mod"))).unwrap_or_default(),
            netrc: variable("NETRC").map(PathBuf::from).or_else(|| home.map(|home| netrc_in(&home))),
        }
    }
}

/// The file of `go env -w` (`cfg.EnvFile`).
fn user_file(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    match variable("GOENV") {
        Some(off) if off == "off" => None,
        Some(path) => Some(PathBuf::from(path)),
        None => Some(config_directory(variable)?.join("go/env")),
    }
}

/// The user's directory for settings (`os.UserConfigDir`).
fn config_directory(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if cfg!(windows) {
        return variable("AppData").map(PathBuf::from);
    }
    if cfg!(target_os = "macos") {
        return Some(PathBuf::from(variable("HOME")?).join("Library/Application Support"));
    }
    match variable("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(path) => Some(path).filter(|path| path.is_absolute()),
        None => Some(PathBuf::from(variable("HOME")?).join(".config")),
    }
}

/// Adds the lines `NAME=value` of a file in place of what is there; Go ignores all other lines, and a file that isn't there.
fn read_file(path: Option<PathBuf>, into: &mut BTreeMap<String, String>) {
    let Some(bytes) = path.and_then(|path| std::fs::read(path).ok()) else { return };
    for line in String::from_utf8_lossy(&bytes).split('\n') {
        if let Some((name, value)) = line.split_once('=')
            && name.starts_with(|c: char| c.is_ascii_uppercase())
        {
            into.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// On Windows there is an older name, too.
fn netrc_in(home: &Path) -> PathBuf {
    let older = home.join("_netrc");
    if cfg!(windows) && older.exists() { older } else { home.join(".netrc") }
}

/// Whether a comma-separated list of globs has one for a module path or for leading elements of it
/// (`module.MatchPrefixPatterns`).
pub fn matches_any(patterns: &str, path: &str) -> bool {
    patterns.split(',').any(|pattern| !pattern.is_empty() && matches_prefix(pattern, path))
}

/// Whether a glob matches as many leading elements of a path as it has itself.
fn matches_prefix(pattern: &str, path: &str) -> bool {
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    let count = pattern.split('/').count();
    let elements: Vec<&str> = path.split('/').collect();
    elements.len() >= count
        && pattern.split('/').zip(elements).all(|(glob, element)| matches_glob(glob.as_bytes(), element.as_bytes()))
}

fn matches_glob(glob: &[u8], text: &[u8]) -> bool {
    match (glob.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => matches_glob(rest, text) || text.split_first().is_some_and(|(_, t)| matches_glob(glob, t)),
        (Some((b'?', rest)), Some((_, text))) => matches_glob(rest, text),
        (Some((c, rest)), Some((t, text))) => c == t && matches_glob(rest, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_leading_elements() {
        for (pattern, path, expected) in [
            ("corp.example", "corp.example/a/b", true),
            ("*.corp.example", "git.corp.example/a", true),
            ("corp.example/pri*", "corp.example/private/x", true),
            ("corp.example/pri*", "corp.example", false),
            ("corp.exampl", "corp.example", false),
            ("x,,corp.example/", "corp.example/a", true),
            (",", "corp.example", false),
        ] {
            assert_eq!(matches_any(pattern, path), expected, "{pattern} {path}");
        }
    }
}
