//! Go SDKs as derivations: from the download to a GOROOT, the programs that the first one compiles, and SDKs from source.
//!
//! This is `templates/nix/sdks.nix`, with what it takes of `templates/nix/godirect.nix`, and makes the same derivations.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::aterm::{Fixed, placeholder};
use super::derivations::Builder;
use super::store::{Attributes, Derivation, Text, store_name};
use super::symlinks;
use crate::digest::{H1, Sha256};
use crate::error::{Error, Result};
use crate::lock::file::{LockedSdk, SdkBuild, SdkDownload, SdkSource};
use crate::lock::sdk::toolchain_module;
use crate::name::GoVersion;

/// An SDK, ready to be used.
pub(super) struct Sdk {
    /// GOROOT.
    pub goroot: Text,
    /// Its tools for this machine.
    pub tools: Text,
    /// The platform that its programs run on.
    pub platform: String,
    /// `go` and `gofmt`.
    pub commands: Rc<Derivation>,
    /// The release built from its source; `None` where the SDK isn't a module.
    pub rebuilt: Option<Rc<Derivation>>,
}

/// A release as it was downloaded.
struct Release<'l> {
    goroot: Text,
    bootstrap: Text,
    download: &'l SdkDownload,
}

fn h1_of(download: &SdkDownload) -> Result<H1> {
    download.h1.ok_or_else(|| Error::input("the lock has no h1 of the SDK").help("run `godirect lock`"))
}

impl<'l> Builder<'l> {
    /// The SDK of this name and version (`makeSdk`).
    pub(super) fn sdk(&mut self, name: &str, version: &GoVersion) -> Result<Sdk> {
        let locked = self.locked(name, version)?;
        let release = self.release(&locked.version, locked.source, &locked.downloads)?;
        // The first one whose programs run.
        let first = match &locked.build {
            Some(build) => &self.release(&build.bootstrap.version, SdkSource::Module, &build.bootstrap.downloads)?,
            None => &release,
        };
        let goroot = match &locked.build {
            Some(build) => {
                let (name, arguments) = (format!("go-{version}-from-source"), self.build_arguments(build)?);
                self.build_sdk(&release, first, arguments, &name, None)?.out()
            }
            None => release.goroot.clone(),
        };
        let rebuilt = match locked.source {
            SdkSource::Module => {
                let hash = Fixed::Recursive(release.download.nar.0);
                Some(self.build_sdk(&release, first, Vec::new(), &format!("go-{version}-rebuilt"), Some(hash))?)
            }
            SdkSource::Archive => None,
        };
        let links = ["go", "gofmt"].map(|name| (name.to_owned(), goroot.within("", format!("/bin/{name}"))));
        let commands = symlinks::derivation(&mut self.store, &format!("go-{version}-commands"), "bin", links.into())?;
        let platform = release.download.platform.to_string();
        let tools = goroot.within("", format!("/pkg/tool/{}", platform.replace('/', "_")));
        Ok(Sdk { goroot, tools, platform, commands, rebuilt })
    }

    /// A GOROOT that is good for one compilation, of the first SDK whose programs run.
    pub(super) fn first_bootstrap(&mut self, name: &str, version: &GoVersion) -> Result<Text> {
        let locked = self.locked(name, version)?;
        let (bootstrap, _) = match &locked.build {
            Some(build) => self.bootstrap(&build.bootstrap.version, SdkSource::Module, &build.bootstrap.downloads)?,
            None => self.bootstrap(&locked.version, locked.source, &locked.downloads)?,
        };
        Ok(bootstrap)
    }

    fn locked(&self, name: &str, version: &GoVersion) -> Result<&'l LockedSdk> {
        let found = self.lock.sdks.iter().find(|sdk| sdk.name == name && sdk.version == *version);
        found.ok_or_else(|| Error::input(format!("the lock pins no SDK {name} of Go {version}")).help("run `godirect lock`"))
    }

    /// What a download becomes (`makeRelease`).
    fn release(&mut self, version: &GoVersion, source: SdkSource, downloads: &'l [SdkDownload]) -> Result<Release<'l>> {
        let (bootstrap, download) = self.bootstrap(version, source, downloads)?;
        let goroot = match source {
            SdkSource::Module => {
                let hashes = (download.sha256, h1_of(download)?, download.nar);
                let module = toolchain_module(version, download.platform)?;
                self.unzip(&format!("go-{version}"), &module, hashes, true)?.out()
            }
            SdkSource::Archive => bootstrap.clone(),
        };
        Ok(Release { goroot, bootstrap, download })
    }

    /// What Nix alone makes of a download, and the download.
    fn bootstrap(
        &mut self,
        version: &GoVersion,
        source: SdkSource,
        downloads: &'l [SdkDownload],
    ) -> Result<(Text, &'l SdkDownload)> {
        let download = self.download(downloads)?;
        let archive = match source {
            SdkSource::Module => {
                let module = toolchain_module(version, download.platform)?;
                self.fetch_module(&module, (download.sha256, h1_of(download)?), true)?
            }
            SdkSource::Archive => self.fetch_archive(&download.urls, download.sha256)?,
        };
        // The names are short because symbolic links in an archive can't be long.
        let attributes = Attributes::new("go", "builtin", "builtin:unpack-channel")
            .with("channelName", "go")
            .with("src", archive.out())
            .value("preferLocalBuild", true);
        let files = self.store.derivation(attributes)?.out();
        if source == SdkSource::Archive {
            return Ok((files.within("", "/go"), download));
        }
        let tree = files.within("", format!("/go/toolchain@{}", toolchain_module(version, download.platform)?.version));
        let mut links: BTreeMap<String, Text> = BTreeMap::from([
            ("files".to_owned(), tree.clone()),
            ("VERSION".to_owned(), "./files/VERSION".into()),
            ("go.env".to_owned(), "./files/go.env".into()),
            ("pkg/include".to_owned(), "./../files/pkg/include".into()),
            ("src".to_owned(), "./files/src".into()),
        ]);
        let host = download.platform.to_string().replace('/', "_");
        for (tool, hash) in &download.tools {
            let place = if tool == "go" { "bin/go".to_owned() } else { format!("pkg/tool/{host}/{tool}") };
            let url = tree.within("file://", format!("/{place}"));
            let program = self.fetch(&format!("go-{tool}"), url, Fixed::Recursive(hash.0), true)?;
            links.insert(place, program.out());
        }
        Ok((symlinks::derivation(&mut self.store, "go-bootstrap", "go", links)?.out().within("", "/go"), download))
    }

    /// The one whose programs run on the machine that builds.
    fn download(&self, downloads: &'l [SdkDownload]) -> Result<&'l SdkDownload> {
        let system = self.settings.system;
        downloads.iter().find(|download| download.platform.nix_system() == Some(system)).ok_or_else(|| {
            let known: Vec<String> = downloads.iter().map(|download| download.platform.to_string()).collect();
            let message = format!("the lock pins no Go SDK that runs on {system}, only on {}", known.join(", "));
            Error::input(message).help("add the machine to go_sdk(exec_platforms = …) and run `godirect lock`")
        })
    }

    /// The program in `sdk/` builds a release's source with the SDK `first` (`buildSdk`).
    fn build_sdk(
        &mut self,
        release: &Release,
        first: &Release,
        arguments: Vec<Text>,
        name: &str,
        hash: Option<Fixed>,
    ) -> Result<Rc<Derivation>> {
        let from = format!("{}/sdk", self.settings.directory);
        let source = self.local_files(&from, "godirect-sdk-source", &["go.mod", "main.go", "patch.go"])?;
        let program = self.compile_program(&first.bootstrap, "godirect-sdk", &source)?;
        let own = [
            release.goroot.within("-source=", ""),
            first.goroot.within("-bootstrap=", ""),
            format!("-out={}", placeholder("out")).into(),
            "-scratch=.".into(),
        ];
        let attributes = Attributes::new(name, self.settings.system, program.out()).arguments(own.into_iter().chain(arguments));
        self.store.derivation(match hash {
            Some(hash) => attributes.fixed(hash),
            None => attributes,
        })
    }

    /// What `build` of the lock means for that program (`buildArguments`).
    fn build_arguments(&mut self, build: &SdkBuild) -> Result<Vec<Text>> {
        let mut arguments = vec![Text::from(format!("-experiment={}", build.experiments.join(",")))];
        for patch in &build.patches {
            let name = patch.file.rsplit('/').next().unwrap_or(&patch.file);
            let content = (self.settings.read)(&patch.file)?;
            let file = self.store.flat_file(name, &content.bytes)?;
            arguments.push(file.within("-patch=", ""));
        }
        arguments.extend(build.patched.iter().map(|(file, sha256)| format!("-patched={sha256}={file}").into()));
        Ok(arguments)
    }

    /// A program of the repository, compiled by a GOROOT that need not be complete (`compileProgram`).
    pub(super) fn compile_program(&mut self, goroot: &Text, name: &str, source: &Text) -> Result<Rc<Derivation>> {
        let arguments = [
            "build".into(),
            source.within("-C=", ""),
            "-trimpath".into(),
            "-buildvcs=false".into(),
            "-gcflags=all=-dwarf=false".into(),
            "-ldflags=-s -w".into(),
            Text::from(format!("-o={}", placeholder("out"))),
        ];
        let mut attributes = Attributes::new(name, self.settings.system, goroot.within("", "/bin/go"))
            .arguments(arguments)
            .value("outputs", json!(["out", "cache"]))
            .with("GOROOT", goroot.clone())
            .with("GOCACHE", placeholder("cache"))
            .with("HOME", placeholder("cache"));
        for (name, value) in
            [("CGO_ENABLED", "0"), ("GOENV", "off"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("GOWORK", "off")]
        {
            attributes = attributes.with(name, value);
        }
        self.store.derivation(attributes)
    }

    /// A derivation that Nix makes by downloading (`fetch`).
    pub(super) fn fetch(&mut self, name: &str, url: impl Into<Text>, hash: Fixed, executable: bool) -> Result<Rc<Derivation>> {
        let proxies = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"].map(Value::from);
        let attributes = Attributes::new(name, "builtin", "builtin:fetchurl")
            .with("url", url)
            .fixed(hash)
            .value("executable", executable)
            .value("unpack", false)
            .value("preferLocalBuild", true)
            .value("impureEnvVars", proxies.to_vec());
        self.store.derivation(attributes)
    }

    fn fetch_archive(&mut self, urls: &[String], sha256: Sha256) -> Result<Rc<Derivation>> {
        let mirror = self.settings.mirror;
        let (Some(first), Some(url)) = (urls.first(), urls.get(mirror)) else {
            let count = urls.len();
            return Err(Error::input(format!("mirror is {mirror}, but the lock has {count} URLs of an SDK, counted from 0")));
        };
        let name = store_name(first.rsplit('/').next().unwrap_or(first));
        self.fetch(&name, url.as_str(), Fixed::Flat(sha256), false)
    }
}
