//! Go's download page, or a mirror of it, as JSON: which archive a version has for a platform, and its hash.
//!
//! The format is that of <https://go.dev/dl/?mode=json&include=all>, which <https://go.dev/dl/> links to.

use serde::Deserialize;

use super::ArchivePin;
use crate::error::{Error, Result};
use crate::lock::fetch::Fetcher;
use crate::lock::transport::Url;
use crate::name::GoVersion;
use crate::platform::OsArch;

/// The most bytes of a page; Go's own has about 3 MB.
const MAX_PAGE: u64 = 64 << 20;

/// A download page.
pub struct Page {
    index: String,
    releases: Vec<Release>,
}

#[derive(Deserialize)]
struct Release {
    version: String,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    os: String,
    arch: String,
    kind: String,
    /// Empty for releases before 1.4.
    #[serde(default)]
    sha256: String,
    size: Option<u64>,
}

impl Page {
    /// Fetches the page.
    ///
    /// # Errors
    ///
    /// No answer, and one that isn't such a page.
    pub fn fetch(index: &str, fetcher: &Fetcher<'_>) -> Result<Page> {
        let bytes = fetcher.proxy.document("the download page", index, MAX_PAGE)?;
        let releases = serde_json::from_slice(&bytes).map_err(|e| {
            Error::environment(format!("{index} is not a download page of Go: {e}"))
                .help("the spec's archive(index = …) takes JSON like that of https://go.dev/dl/?mode=json")
        })?;
        Ok(Page { index: index.to_owned(), releases })
    }

    /// Where a version's archive for a platform is, and its hash.
    ///
    /// # Errors
    ///
    /// When the page doesn't have it, or names a file that can't be one.
    pub fn archive(&self, version: &GoVersion, platform: OsArch) -> Result<ArchivePin> {
        let Page { index, releases } = self;
        let name = format!("go{version}");
        let release = releases.iter().find(|release| release.version == name).ok_or_else(|| {
            Error::input(format!("{index} has no {name}"))
                .help("check the version, or add include=all to the URL, which also lists old releases")
        })?;
        // ARM's archives are made for GOARM=6, and are called so.
        let arch = if platform.goarch == "arm" { "armv6l" } else { platform.goarch };
        let fits = |f: &&File| f.kind == "archive" && f.os == platform.goos && f.arch == arch;
        let file = release.files.iter().find(fits).ok_or_else(|| {
            Error::input(format!("{index} has no archive of {name} for {platform}"))
                .help("take another execution platform, or module_proxy()")
        })?;
        let File { filename, sha256, size, .. } = file;
        let plain = filename.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c)) && !filename.starts_with('.');
        if !plain || !(filename.ends_with(".tar.gz") || filename.ends_with(".zip")) {
            let shown = filename.escape_debug();
            return Err(Error::verification(format!("{index} calls an archive of {name} `{shown}`, which is no name of one")));
        }
        let sha256 = sha256.parse().map_err(|_| {
            Error::input(format!("{index} gives no sha256 of {filename}")).help("write it into the spec: archive(sha256 = {…})")
        })?;
        Ok(ArchivePin { urls: vec![beside(index, filename)?], sha256, size: *size, by: index.clone() })
    }
}

/// The URL of a file beside the page.
///
/// # Errors
///
/// When the page's URL is malformed.
pub fn beside(index: &str, filename: &str) -> Result<String> {
    let url = Url::parse(index).and_then(|url| url.join(filename));
    url.map(String::from).map_err(|e| Error::input(format!("malformed URL `{index}`: {e}")))
}
