//! Which repository has a module, where its host tells: `<meta name="go-import" content="prefix vcs URL [directory]">` of the page
//! `https://<module path>?go-get=1` (`cmd/go/internal/vcs`, discovery.go; <https://go.dev/ref/mod#vcs-find>).

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::super::transport::{Page, Request, Transport, Url};
use super::root::{self, Place, Root};
use crate::error::{Error, Result};

/// What one tag says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    prefix: String,
    vcs: String,
    url: String,
    directory: String,
}

const WRONG_HOST: &str = "the host of the module path is set up wrongly: tell who runs it";

/// The most bytes of a page that are read.
const MAX_PAGE: u64 = 1 << 20;

/// Asks a module's host for its repository, and gets the name of the program for it; by the first of these schemes that answers.
///
/// # Errors
///
/// No answer, no tag for this path, and one that another page of the host contradicts.
pub(super) fn ask(transport: &Transport, path: &str, schemes: &[&str]) -> Result<(Root, String)> {
    let page = get(transport, path, schemes)?;
    let found = choose(&page, path)?;
    // A page could claim a prefix that isn't its own, so the page of the prefix must say the same.
    if found.prefix != path {
        let other = get(transport, &found.prefix, schemes)?;
        if choose(&other, path)? != found {
            return Err(Error::environment(format!(
                "{} and {} disagree about go-import for {}",
                page.url, other.url, found.prefix
            ))
            .help("the host of the module path is set up wrongly: tell who runs it"));
        }
    }
    if found.directory.starts_with(['/', '-']) {
        let why = format!("{}: invalid subdirectory \"{}\"", page.url, found.directory.escape_debug());
        return Err(Error::environment(why).help(WRONG_HOST));
    }
    let url = root::url(&found.url).map_err(|e| e.context(&page.url))?;
    let place = if found.vcs == "mod" { Place::Proxy(url) } else { Place::Git(vec![url]) };
    Ok((Root { path: found.prefix, directory: found.directory, place }, found.vcs))
}

/// The page of a module path.
fn get(transport: &Transport, path: &str, schemes: &[&str]) -> Result<Page> {
    if !path.split('/').next().is_some_and(|host| host.contains('.')) {
        return Err(Error::input(format!("the first element of {path} is not a host, so no server can be asked for it"))
            .help("`replace` it by a local directory, or use a module proxy that has it"));
    }
    let request = Request { what: "the page that names its repository", limit: MAX_PAGE, progress: &|_| {} };
    let mut failure = Error::input("there is no scheme to fetch the page by");
    for scheme in schemes {
        let slash = if path.contains('/') { "" } else { "/" };
        let url = Url::parse(&format!("{scheme}://{path}{slash}?go-get=1"));
        let url = url.map_err(|e| Error::input(format!("{path} is not a URL's host and path: {e}")))?;
        match transport.page(&url, &request) {
            Ok(page) => return Ok(page),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// The tag of a page that is for a module path.
fn choose(page: &Page, path: &str) -> Result<Import> {
    let imports = imports(&page.body);
    let is_prefix = |import: &&Import| {
        path.strip_prefix(import.prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut matching = imports.iter().filter(is_prefix);
    let Some(first) = matching.next() else {
        let why = match (page.status, imports.as_slice()) {
            (200, []) => "no go-import meta tags".to_owned(),
            (status, []) => format!("{status} instead of a page with a go-import meta tag"),
            (_, others) => {
                let prefixes: Vec<&str> = others.iter().map(|import| import.prefix.as_str()).collect();
                format!("its go-import meta tags are for {}", prefixes.join(", "))
            }
        };
        return Err(Error::environment(format!("{} names no repository: {why}", page.url)).help(
            "check the module path in go.mod; for a private repository set GOPRIVATE and let git in by SSH or netrc, \
             or use a path that ends with `.git`",
        ));
    };
    // What `mod` says goes before the others, and those don't matter then.
    match matching.next() {
        Some(second) if first.vcs != "mod" || second.vcs == "mod" => {
            Err(Error::environment(format!("{}: multiple go-import meta tags match {path}", page.url)).help(WRONG_HOST))
        }
        _ => Ok(first.clone()),
    }
}

/// The tags in the head of a page, those for module proxies first; what is malformed ends the search, as it does for Go.
fn imports(html: &str) -> Vec<Import> {
    let mut reader = Reader::from_str(html);
    let config = reader.config_mut();
    (config.check_end_names, config.allow_unmatched_ends, config.allow_dangling_amp) = (false, true, true);
    let mut found = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                if tag.local_name().as_ref().eq_ignore_ascii_case(b"body") {
                    break;
                }
                found.extend(import(&tag));
            }
            Ok(Event::End(tag)) if tag.local_name().as_ref().eq_ignore_ascii_case(b"head") => break,
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let (mut first, rest): (Vec<Import>, Vec<Import>) = found.into_iter().partition(|import| import.vcs == "mod");
    let superseded: Vec<String> = first.iter().map(|import| import.prefix.clone()).collect();
    first.extend(rest.into_iter().filter(|import| !superseded.contains(&import.prefix)));
    first
}

/// What a tag says, if it is a `go-import` one.
fn import(tag: &BytesStart<'_>) -> Option<Import> {
    if !tag.local_name().as_ref().eq_ignore_ascii_case(b"meta") {
        return None;
    }
    let value = |name: &str| {
        let mut attributes = tag.html_attributes();
        let attributes = attributes.with_checks(false).flatten();
        let raw = attributes.into_iter().find(|a| a.key.local_name().as_ref().eq_ignore_ascii_case(name.as_bytes()))?.value;
        let text = std::str::from_utf8(&raw).ok()?;
        Some(quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned))
    };
    if value("name")? != "go-import" {
        return None;
    }
    let content = value("content")?;
    let fields: Vec<&str> = content.split_whitespace().collect();
    let (directory, [prefix, vcs, url]) = match fields.as_slice() {
        [prefix, vcs, url] => ("", [prefix, vcs, url]),
        [prefix, vcs, url, directory] => (*directory, [prefix, vcs, url]),
        _ => return None,
    };
    let [prefix, vcs, url] = [prefix, vcs, url].map(|field| (*field).to_owned());
    Some(Import { prefix, vcs, url, directory: directory.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> Vec<String> {
        imports(html).into_iter().map(|i| format!("{} {} {} {}", i.prefix, i.vcs, i.url, i.directory)).collect()
    }

    #[test]
    fn tags_as_go_reads_them() {
        let one = ["a.example/m git https://b.example/m "];
        for html in [
            "<meta name=\"go-import\" content=\"a.example/m git https://b.example/m\">",
            "<!doctype html>\n<html><head><meta charset=utf-8><META NAME='go-import' CONTENT='a.example/m  git\n https://b.example/m'/>",
            "<head><link rel=x><br><meta content=\"a.example/m git https&#58;//b.example/m\" name=go-import></head>\
             <body><meta name=\"go-import\" content=\"x git https://x\">",
            "<head><!-- <meta name=\"go-import\" content=\"x git https://x\"> --><title>a & b</title>\
             <meta name=\"go-import\" content=\"a.example/m git https://b.example/m\"><p></b></head>\
             <meta name=\"go-import\" content=\"x git https://x\">",
            "<meta name=\"go-import\" content=\"a.example/m git https://b.example/m\"><meta name=\"go-import\" content=\"x git\"><",
        ] {
            assert_eq!(shown(html), one, "{html}");
        }
        let several = "<meta name=\"go-import\" content=\"a git https://1\"><meta name=\"go-import\" content=\"a mod https://2\">\
                       <meta name=\"go-import\" content=\"b git https://3 dir\"><meta name=\"go-source\" content=\"a x y z\">";
        assert_eq!(shown(several), ["a mod https://2 ", "b git https://3 dir"]);
        assert!(shown("no tags").is_empty());
    }
}
