//! What the user has set up for Go's downloads: the environment, `go env -w`, and netrc.

use std::path::PathBuf;

/// Go's settings: the environment, then the file of `go env -w`.
pub(super) struct GoEnv {
    file: String,
}

impl GoEnv {
    pub fn read() -> GoEnv {
        let path = match std::env::var_os("GOENV") {
            Some(path) if path == "off" => None,
            Some(path) if !path.is_empty() => Some(PathBuf::from(path)),
            _ => config_directory().map(|directory| directory.join("go").join("env")),
        };
        GoEnv { file: path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default() }
    }

    /// A setting; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<String> {
        let from_file = || {
            let line = |line: &str| line.strip_prefix(name)?.strip_prefix('=').map(|v| v.trim().to_owned());
            self.file.lines().find_map(line)
        };
        std::env::var(name).ok().filter(|v| !v.is_empty()).or_else(from_file).filter(|v| !v.is_empty())
    }
}

/// `os.UserConfigDir`.
fn config_directory() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let home = etcetera::home_dir().ok()?;
    if cfg!(target_os = "macos") {
        return Some(home.join("Library/Application Support"));
    }
    Some(etcetera::choose_base_strategy().ok()?.config_dir())
}

/// A user's name and password.
pub(super) type Credentials = (String, String);

/// The passwords of `$NETRC`, or else of `.netrc` in the home directory (on Windows `_netrc`).
#[derive(Default)]
pub(super) struct Netrc(Vec<(String, Credentials)>);

impl Netrc {
    /// Reads the file; what isn't there or is malformed gives no passwords, as with Go.
    pub fn read() -> Netrc {
        let name = if cfg!(windows) { "_netrc" } else { ".netrc" };
        let path = match std::env::var_os("NETRC") {
            Some(path) if !path.is_empty() => Some(PathBuf::from(path)),
            _ => etcetera::home_dir().ok().map(|home| home.join(name)),
        };
        Netrc::parse(&path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default())
    }

    /// The entries that have machine, login and password; those after `default` don't count
    /// (`cmd/go/internal/auth/netrc.go`).
    pub fn parse(text: &str) -> Netrc {
        let mut entries = Vec::new();
        let (mut machine, mut login, mut password) = (None, None, None);
        let mut in_macro = false;
        for line in text.lines() {
            if in_macro {
                in_macro = !line.trim().is_empty();
                continue;
            }
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    "machine" => (machine, login, password) = (words.next(), None, None),
                    "login" => login = words.next(),
                    "password" => password = words.next(),
                    "default" => return Netrc(entries),
                    "macdef" => {
                        in_macro = true;
                        break;
                    }
                    _ => {}
                }
                if let (Some(host), Some(login), Some(password)) = (machine, login, password) {
                    entries.push((host.to_owned(), (login.to_owned(), password.to_owned())));
                    machine = None;
                }
            }
        }
        Netrc(entries)
    }

    /// The first entry for a host.
    pub fn get(&self, host: &str) -> Option<&Credentials> {
        self.0.iter().find(|(machine, _)| machine == host).map(|(_, credentials)| credentials)
    }
}

/// Whether a glob matches as many leading elements of a path as it has itself (`module.MatchPrefixPatterns`).
pub(super) fn matches_prefix(pattern: &str, path: &str) -> bool {
    let count = pattern.trim_end_matches('/').split('/').count();
    let elements: Vec<&str> = path.split('/').collect();
    elements.len() >= count
        && pattern
            .trim_end_matches('/')
            .split('/')
            .zip(elements)
            .all(|(glob, element)| matches_glob(glob.as_bytes(), element.as_bytes()))
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
    fn netrc_as_go_reads_it() {
        let text = "machine a.example login u password p\nmachine b.example\n  login v\n  password q\n\
                    macdef init\nmachine c.example login x password y\n\nmachine d.example login only\n\
                    machine e.example password r login w\ndefault login z password z\nmachine f.example login a password b\n";
        let netrc = Netrc::parse(text);
        let get = |host: &str| netrc.get(host).map(|(login, password)| format!("{login}:{password}"));
        assert_eq!(get("a.example").as_deref(), Some("u:p"));
        assert_eq!(get("b.example").as_deref(), Some("v:q"));
        assert_eq!(get("e.example").as_deref(), Some("w:r"));
        assert_eq!((get("c.example"), get("d.example"), get("f.example")), (None, None, None));
    }

    #[test]
    fn patterns_match_leading_elements() {
        for (pattern, path, expected) in [
            ("corp.example", "corp.example/a/b", true),
            ("*.corp.example", "git.corp.example/a", true),
            ("corp.example/pri*", "corp.example/private/x", true),
            ("corp.example/pri*", "corp.example", false),
            ("corp.exampl", "corp.example", false),
        ] {
            assert_eq!(matches_prefix(pattern, path), expected, "{pattern} {path}");
        }
    }
}
