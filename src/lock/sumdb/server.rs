//! Which database, and how it is reached: GOSUMDB, and mirrors by module proxies (`cmd/go/internal/modfetch/sumdb.go`).

use super::note::{KeyError, Verifier};
use crate::error::{Error, Result};
use crate::lock::proxy::{Proxy, Source, below};
use crate::lock::transport::{Failure, Request, Url};

/// The databases whose keys are known by name (`modfetch.knownGOSUMDB`): that of Go itself.
const KNOWN: [(&str, &str); 1] = [("sum.golang.org", "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")];
/// The same database, where it is reached from mainland China.
const ALIAS: (&str, &str) = ("sum.golang.google.cn", "sum.golang.org https://sum.golang.google.cn");

/// The most bytes of the answer that a proxy is a mirror, which say nothing.
const MAX_SUPPORTED: u64 = 1 << 16;

/// A checksum database, as GOSUMDB names it.
#[derive(Debug)]
pub(super) struct Server {
    /// Whose signatures count.
    pub verifier: Verifier,
    /// Where it is by its name.
    direct: Url,
    /// Where the user says that it is: no mirror is asked then.
    chosen: Option<Source>,
}

impl Server {
    /// The database that a GOSUMDB names, which isn't `off`.
    ///
    /// # Errors
    ///
    /// A malformed GOSUMDB.
    pub fn parse(gosumdb: &str) -> Result<Server> {
        let text = if gosumdb == ALIAS.0 { ALIAS.1 } else { gosumdb };
        let wrong = |why: &str| {
            Error::input(format!("malformed GOSUMDB: {why}"))
                .help("write the name of a database, or `name+hash+key`, and perhaps a space and its URL")
        };
        let mut fields = text.split_whitespace();
        let (key, url) = match (fields.next(), fields.next(), fields.next()) {
            (Some(key), url, None) => (key, url),
            (None, _, _) => return Err(wrong("it is empty")),
            _ => return Err(wrong("it has too many fields")),
        };
        let known = KNOWN.iter().find(|(name, _)| *name == key);
        let verifier: Verifier = known.map_or(key, |(_, key)| key).parse().map_err(|e: KeyError| wrong(&e.to_string()))?;
        let direct = direct(verifier.name()).ok_or_else(|| wrong("the name must be host or host/path"))?;
        let chosen = url.map(|url| source(url).ok_or_else(|| wrong("the URL is none of http, https or file"))).transpose()?;
        Ok(Server { verifier, direct, chosen })
    }

    /// The one that is used unless something else is set.
    pub fn default_verifier() -> Result<Verifier> {
        Ok(Server::parse(KNOWN[0].0)?.verifier)
    }

    /// Where to ask it: a proxy that says that it is a mirror is asked instead of the database, never besides it.
    ///
    /// # Errors
    ///
    /// A proxy that doesn't say whether it is a mirror.
    pub fn locate(&self, proxy: &Proxy) -> Result<Source> {
        if let Some(chosen) = &self.chosen {
            return Ok(chosen.clone());
        }
        let request = Request { what: self.verifier.name(), limit: MAX_SUPPORTED, progress: &|_| {} };
        let mirror = format!("sumdb/{}", self.verifier.name());
        let found = proxy.try_each(|source, reasons| match source {
            Source::Direct => Ok(Source::Http(self.direct.clone())),
            source => {
                proxy.get(source, &format!("{mirror}/supported"), reasons, &request, &mut Vec::new())?;
                Ok(match source {
                    Source::Http(url) => Source::Http(below(url, &mirror)),
                    Source::Directory(directory) => Source::Directory(directory.join(&mirror)),
                    other => other.clone(),
                })
            }
        });
        match found {
            Ok(source) => Ok(source),
            Err(Failure::NotFound(_)) => Ok(Source::Http(self.direct.clone())),
            Err(Failure::Other(error)) => Err(error),
        }
    }
}

/// The URL that a name stands for; `None` for a name that means more or something else than a host and a path.
fn direct(name: &str) -> Option<Url> {
    let text = format!("https://{name}");
    let url = Url::parse(&text).ok()?;
    // The parser writes an odd name in another way.
    let plain = url.as_str().trim_end_matches('/') == text && url.username().is_empty() && url.password().is_none();
    if plain && url.query().is_none() && url.fragment().is_none() { Some(url) } else { None }
}

fn source(text: &str) -> Option<Source> {
    let url = Url::parse(text).ok()?;
    match url.scheme() {
        "http" | "https" => Some(Source::Http(url)),
        "file" => url.to_file_path().ok().map(Source::Directory),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(gosumdb: &str) -> String {
        match Server::parse(gosumdb) {
            Ok(server) => format!("{} {} {:?}", server.verifier, server.direct, server.chosen.map(|s| s.to_string())),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn gosumdb_as_go_reads_it() {
        let go = "sum.golang.org+033de0ae https://sum.golang.org/";
        assert_eq!(shown("sum.golang.org"), format!("{go} None"));
        assert_eq!(shown(KNOWN[0].1), format!("{go} None"));
        assert_eq!(shown("sum.golang.google.cn"), format!("{go} Some(\"https://sum.golang.google.cn/\")"));
        assert_eq!(shown("  sum.golang.org   http://a.example:8/x "), format!("{go} Some(\"http://a.example:8/x\")"));
        assert_eq!(shown("sum.golang.org file:///srv/db"), format!("{go} Some(\"/srv/db\")"));
        for (gosumdb, expected) in [
            ("", "it is empty"),
            ("sum.example.com", "malformed verifier key"),
            ("sum.golang.org a b", "it has too many fields"),
            (
                "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
                "the verifier key has another hash than it says",
            ),
            ("sum.golang.org ftp://a.example", "the URL is none of http, https or file"),
            ("sum.golang.org a.example", "the URL is none of http, https or file"),
        ] {
            assert_eq!(shown(gosumdb), format!("malformed GOSUMDB: {expected}"));
        }
    }

    #[test]
    fn names_are_hosts_and_paths() {
        for name in ["sum.golang.org", "a.example/db", "a.example:8443/x/y"] {
            assert!(direct(name).is_some(), "{name}");
        }
        for name in
            ["", "/", "a.example/", "user@a.example", "a.example?x", "a.example#x", "a.example/../b", "a.example/%2e", "a b"]
        {
            assert!(direct(name).is_none(), "{name}");
        }
    }
}
