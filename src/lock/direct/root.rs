//! Which repository has a module, where its path tells (`cmd/go/internal/vcs`, `vcsPaths`), and which programs GOVCS allows.

use super::super::goenv::matches_any;
use super::super::transport::Url;
use crate::error::{Error, Result};

/// Where the modules are whose paths begin with the same elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Root {
    /// The module path of the repository's top directory, or of `directory`.
    pub path: String,
    /// The directory of the repository that has this path; empty for the top.
    pub directory: String,
    /// What to ask.
    pub place: Place,
}

/// A repository, or a module proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A git repository, at the first of these URLs that answers.
    Git(Vec<Url>),
    /// A module proxy.
    Proxy(Url),
}

/// Version control programs whose names are part of a module path, as in `host/path/repository.git/directory`.
const SUFFIXES: [&str; 4] = ["fossil", "git", "hg", "svn"];

/// The repository of a module whose path tells it; `None` if its host must be asked.
///
/// # Errors
///
/// A path that can't be one of its host, and a program that isn't git.
pub(super) fn of_path(path: &str, insecure: bool) -> Result<Option<(Root, &'static str)>> {
    let elements: Vec<&str> = path.split('/').collect();
    let wrong = || Error::input(format!("invalid {} import path \"{path}\"", elements[0]));
    // How many elements name the repository.
    let count = match elements.as_slice() {
        ["github.com" | "bitbucket.org", ..] => 3,
        ["hub.jazz.net", "git", ..] => 4,
        ["git.openstack.org", ..] => 3,
        ["git.apache.org", ..] => 2,
        _ => return of_suffix(&elements, insecure),
    };
    if elements.len() < count || !elements.iter().all(|element| is_plain(element)) {
        return Err(wrong());
    }
    let root = elements[..count].join("/");
    let has_suffix = SUFFIXES.iter().any(|vcs| root.ends_with(&format!(".{vcs}")));
    match elements[0] {
        "git.apache.org" if !root.ends_with(".git") => return Err(wrong()),
        "git.apache.org" | "git.openstack.org" => {}
        host if has_suffix => {
            return Err(Error::input(format!("invalid version control suffix in {host}/ path \"{path}\""))
                .help("leave out `.git` from the module path"));
        }
        _ => {}
    }
    let url = url(&format!("https://{root}"))?;
    Ok(Some((Root { path: root, directory: String::new(), place: Place::Git(vec![url]) }, "git")))
}

/// `host/path/repository.git/directory`: the suffix names the program, and isn't part of the URL.
fn of_suffix(elements: &[&str], insecure: bool) -> Result<Option<(Root, &'static str)>> {
    let host_is_fine = elements[0].split('.').all(|label| !label.is_empty()) && elements[0].contains('.');
    let is_fine = |element: &&str| is_plain(element.strip_prefix('~').unwrap_or(element));
    if !host_is_fine || !elements[1..].iter().all(is_fine) {
        return Ok(None);
    }
    let found = elements[1..].iter().enumerate().find_map(|(i, element)| {
        let (name, suffix) = element.rsplit_once('.')?;
        let vcs = SUFFIXES.into_iter().find(|vcs| *vcs == suffix)?;
        if name.is_empty() { None } else { Some((i + 2, vcs)) }
    });
    let Some((count, vcs)) = found else { return Ok(None) };
    let root = elements[..count].join("/");
    let repository = &root[..root.len() - vcs.len() - 1];
    let schemes: &[&str] = match insecure {
        true => &["git", "https", "http", "git+ssh", "ssh"],
        false => &["https", "git+ssh", "ssh"],
    };
    let urls = schemes.iter().map(|scheme| url(&format!("{scheme}://{repository}"))).collect::<Result<Vec<_>>>()?;
    Ok(Some((Root { path: root.clone(), directory: String::new(), place: Place::Git(urls) }, vcs)))
}

/// Whether an element has only letters, digits, `_`, `.` and `-`.
fn is_plain(element: &str) -> bool {
    !element.is_empty() && element.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// The URL of a repository. What git would take for an option, a path or a helper program (`ext::`) isn't one.
///
/// # Errors
///
/// The reason, without the URL, which may have a password.
pub(super) fn url(text: &str) -> Result<Url> {
    let wrong = |why: String| {
        Error::input(format!("refused repository URL: {why}"))
            .help("godirect fetches from https, ssh and git URLs; tell who runs the host of the module path")
    };
    let url = Url::parse(text).map_err(|e| wrong(e.to_string()))?;
    if !matches!(url.scheme(), "https" | "http" | "ssh" | "git+ssh" | "ssh+git" | "git") || !text.contains("://") {
        return Err(wrong(format!("its scheme `{}` is not one for repositories", url.scheme())));
    }
    let user_or_host = [url.username(), url.host_str().unwrap_or_default()];
    if url.host_str().is_none_or(str::is_empty) || user_or_host.iter().any(|name| name.starts_with('-')) {
        return Err(wrong("its host or user is missing or begins with a dash".to_owned()));
    }
    Ok(url)
}

/// Whether a version control program may be used for a repository (`checkGOVCS`).
///
/// # Errors
///
/// A malformed GOVCS, and a program that it doesn't allow.
pub(super) fn check_govcs(govcs: &str, goprivate: &str, root: &str, program: &str) -> Result<()> {
    let private = matches_any(goprivate, root);
    let wrong = |why: String| Error::input(format!("malformed GOVCS: {why}")).help("write e.g. `public:git,private:all`");
    let mut rules = Vec::new();
    for item in govcs.split(',').map(str::trim).filter(|_| !govcs.trim().is_empty()) {
        if item.is_empty() {
            return Err(wrong("empty entry".to_owned()));
        }
        let (pattern, programs) = item.split_once(':').ok_or_else(|| wrong(format!("missing colon: \"{item}\"")))?;
        let (pattern, programs) = (pattern.trim(), programs.split('|').map(str::trim).collect::<Vec<_>>());
        if pattern.is_empty() || programs.iter().any(|program| program.is_empty()) {
            return Err(wrong(format!("empty pattern or program: \"{item}\"")));
        }
        if pattern.starts_with("./") || pattern.starts_with("../") || [".", ".."].contains(&pattern) {
            return Err(wrong(format!("relative pattern not allowed: \"{pattern}\"")));
        }
        if rules.iter().any(|(before, _)| *before == pattern) {
            return Err(wrong(format!("unreachable pattern: \"{item}\"")));
        }
        rules.push((pattern, programs));
    }
    rules.extend([("private", vec!["all"]), ("public", vec!["git", "hg"])]);
    let matches = |pattern: &str| match pattern {
        "private" => private,
        "public" => !private,
        _ => matches_any(pattern, root),
    };
    let allowed = rules.iter().find(|(pattern, _)| matches(pattern)).is_some_and(|(_, programs)| {
        let is_allowed = |allowed: &&str| *allowed == program || *allowed == "all";
        programs.iter().any(is_allowed)
    });
    if allowed {
        return Ok(());
    }
    let what = if private { "private" } else { "public" };
    Err(Error::input(format!("GOVCS disallows using {program} for {what} {root}")).help("`go help vcs` explains GOVCS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str) -> String {
        match of_path(path, false) {
            Ok(None) => "ask".to_owned(),
            Ok(Some((Root { path, place: Place::Git(urls), .. }, vcs))) => {
                let urls: Vec<&str> = urls.iter().map(Url::as_str).collect();
                format!("{vcs} {path} {}", urls.join(" "))
            }
            Ok(Some(_)) => "proxy".to_owned(),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn hosts_that_are_known() {
        for (path, expected) in [
            ("github.com/u/r", "git github.com/u/r https://github.com/u/r"),
            ("github.com/u/r/a/v2", "git github.com/u/r https://github.com/u/r"),
            ("bitbucket.org/u/r", "git bitbucket.org/u/r https://bitbucket.org/u/r"),
            ("hub.jazz.net/git/u/r/a", "git hub.jazz.net/git/u/r https://hub.jazz.net/git/u/r"),
            ("git.apache.org/r.git/a", "git git.apache.org/r.git https://git.apache.org/r.git"),
            ("git.openstack.org/u/r/a", "git git.openstack.org/u/r https://git.openstack.org/u/r"),
            ("github.com/u", "invalid github.com import path \"github.com/u\""),
            ("github.com/u/r+x", "invalid github.com import path \"github.com/u/r+x\""),
            ("git.apache.org/r", "invalid git.apache.org import path \"git.apache.org/r\""),
            ("github.com/u/r.git", "invalid version control suffix in github.com/ path \"github.com/u/r.git\""),
            ("gitlab.com/g/s/r", "ask"),
            ("gopkg.in/yaml.v3", "ask"),
            ("a.example/r.git/d", "git a.example/r.git https://a.example/r git+ssh://a.example/r ssh://a.example/r"),
            (
                "a.example/~u/r.git",
                "git a.example/~u/r.git https://a.example/~u/r git+ssh://a.example/~u/r ssh://a.example/~u/r",
            ),
            ("a.example/r.hg/x.git", "hg a.example/r.hg https://a.example/r git+ssh://a.example/r ssh://a.example/r"),
            ("a.example/.git/d", "ask"),
            ("a.example/r.git/d+x", "ask"),
            ("local/r.git", "ask"),
        ] {
            assert_eq!(shown(path), expected, "{path}");
        }
    }

    #[test]
    fn urls_that_git_would_take_for_something_else() {
        for (text, why) in [
            ("ext::sh", "its scheme `ext` is not one for repositories"),
            ("ext::sh -c touch% /tmp/x://", "its scheme `ext` is not one for repositories"),
            ("file:///etc", "its scheme `file` is not one for repositories"),
            ("host:path", "its scheme `host` is not one for repositories"),
            ("/etc", "relative URL without a base"),
            ("--upload-pack=x", "relative URL without a base"),
            ("ssh://-oProxyCommand=x/y", "its host or user is missing or begins with a dash"),
            ("ssh://-oProxyCommand=x@host/y", "its host or user is missing or begins with a dash"),
        ] {
            assert_eq!(url(text).unwrap_err().message(), format!("refused repository URL: {why}"), "{text}");
        }
    }

    #[test]
    fn govcs() {
        let check = |govcs: &str, root: &str, program: &str| match check_govcs(govcs, "corp.example", root, program) {
            Ok(()) => String::new(),
            Err(error) => error.message().to_owned(),
        };
        assert_eq!(check("", "a.example", "git"), "");
        assert_eq!(check("", "a.example", "svn"), "GOVCS disallows using svn for public a.example");
        assert_eq!(check("", "corp.example/x", "svn"), "");
        assert_eq!(check("*:off", "corp.example/x", "git"), "GOVCS disallows using git for private corp.example/x");
        assert_eq!(check("a.example:hg | git, public:off", "a.example/x", "git"), "");
        assert_eq!(check("a.example:hg, public:off", "b.example", "git"), "GOVCS disallows using git for public b.example");
        for (govcs, why) in [
            ("a,b", "missing colon: \"a\""),
            ("a:git,,", "empty entry"),
            ("a:", "empty pattern or program: \"a:\""),
            ("./a:git", "relative pattern not allowed: \"./a\""),
            ("a:git,a:hg", "unreachable pattern: \"a:hg\""),
        ] {
            assert_eq!(check(govcs, "a.example", "git"), format!("malformed GOVCS: {why}"));
        }
    }
}
