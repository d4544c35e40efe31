//! Gets modules through the cache, and lets nothing through that isn't what was promised.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::OnProgress;
use super::archive::{self, Layout};
use super::cache::{Cache, Facts};
use super::goenv::GoEnv;
use super::nar;
use super::proxy::Proxy;
use super::sumdb::proof::Proof;
use super::sumdb::{Database, Trust};
use super::transport::Limits;
use crate::digest::{H1, Sha256};
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::gomod::GoMod;
use crate::module::gosum::GoSum;

/// Who promised a hash that isn't in go.sum.
pub(super) const BY_DATABASE: &str = "the checksum database";

/// Cryptography for GOFIPS140 (`modfetch.ErrFIPS140`).
const FIPS: &str = "golang.org/fips140";

/// Where modules come from.
#[derive(Clone, Copy)]
pub struct Fetcher<'a> {
    /// What was fetched before.
    pub cache: &'a Cache,
    /// Where the rest is.
    pub proxy: &'a Proxy,
    /// Who vouches for what go.sum lacks; not needed where only what a lock pins is fetched.
    pub database: Option<&'a Database>,
    /// Is told about downloads.
    pub progress: &'a OnProgress<'a>,
}

/// A cache and proxies that are set up when something is fetched first, so that what needs neither works without.
pub struct Connection {
    env: GoEnv,
    database: Database,
    opened: OnceLock<(Cache, Proxy)>,
}

impl Connection {
    /// With these settings.
    pub fn new(env: GoEnv, database: Database) -> Connection {
        Connection { env, database, opened: OnceLock::new() }
    }

    /// A fetcher with the user's cache and proxies.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::open`] and [`Proxy::new`].
    pub fn fetcher<'a>(&'a self, progress: &'a OnProgress<'a>) -> Result<Fetcher<'a>> {
        let (cache, proxy) = match self.opened.get() {
            Some(opened) => opened,
            None => {
                let opened = (Cache::open()?, Proxy::new(&self.env, Limits::default())?);
                self.opened.get_or_init(|| opened)
            }
        };
        Ok(Fetcher { cache, proxy, database: Some(&self.database), progress })
    }
}

/// An unpacked module, verified.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Its hashes.
    pub facts: Facts,
    /// The directory that holds its go.mod.
    pub directory: PathBuf,
    /// Why its hash is right, when it isn't in go.sum.
    pub proof: Option<Proof>,
    /// Whether anybody vouches for its hash.
    pub verified: bool,
}

/// Which hashes are right, and who says so.
#[derive(Clone, Copy, Debug)]
pub struct Promise<'a> {
    /// The accepted hashes; more than one only when go.sum has several lines for a module.
    pub h1: &'a [H1],
    /// Who promised, for the error: `go.sum` or the lock's name.
    pub by: &'a str,
}

impl Fetcher<'_> {
    /// The go.mod of a module and its hash, verified against go.sum or else the checksum database, which gives a proof.
    ///
    /// # Errors
    ///
    /// No hash, a wrong one, no answer, a malformed go.mod.
    pub fn go_mod(&self, id: &ModuleId, sums: &GoSum) -> Result<(GoMod, H1, Option<Proof>)> {
        let (accepted, by, proof) = match sums.go_mod(id) {
            [] => {
                // The lock has no place to say that a go.mod wasn't verified, so there must be a hash.
                let missing = || {
                    Error::input(format!("{id}: missing go.sum entry for go.mod file"))
                        .help(format!("`go mod download {}` adds it", id.path))
                };
                let Trust::Proven(proven) = self.prove(id)?.ok_or_else(missing)? else { return Err(missing()) };
                (vec![proven.go_mod().ok_or_else(missing)?], BY_DATABASE, Some(proven.into_proof()))
            }
            accepted => (accepted.to_vec(), "go.sum", None),
        };
        let promise = Promise { h1: &accepted, by };
        let path = self.cache.download(id, "mod");
        let right = |bytes: &[u8]| promise.h1.contains(&go_mod_hash(bytes));
        let bytes = match std::fs::read(&path).ok().filter(|bytes| right(bytes)) {
            Some(bytes) => bytes,
            None => {
                let bytes = self.proxy.go_mod(id)?;
                if !right(&bytes) {
                    return Err(mismatch(&format!("{id}/go.mod"), go_mod_hash(&bytes), promise));
                }
                self.cache.store_file(&path, |file| {
                    std::io::Write::write_all(file, &bytes).map_err(|e| Error::io("write", &path, &e))
                })?;
                bytes
            }
        };
        let h1 = go_mod_hash(&bytes);
        let name = PathBuf::from(format!("{id}/go.mod"));
        let text = String::from_utf8(bytes).map_err(|_| Error::input(format!("{} is not UTF-8 text", name.display())))?;
        Ok((GoMod::parse_dependency(&name, &text)?, h1, proof))
    }

    /// A module, unpacked and verified against go.sum or else the checksum database.
    ///
    /// # Errors
    ///
    /// No hash, a wrong one, no answer, an archive that breaks the rules.
    pub fn module(&self, id: &ModuleId, sums: &GoSum) -> Result<Fetched> {
        if id.path.as_str() == FIPS {
            // The proxy has one, but the SDK's own, with a hash in the SDK, is what counts.
            return Err(Error::input(format!("{id}: the module {FIPS} is part of the SDK and can't be downloaded"))
                .help("remove it from go.mod"));
        }
        let h1 = sums.module(id);
        if !h1.is_empty() {
            return self.promised_module(id, Promise { h1, by: "go.sum" });
        }
        let trust = self.prove(id)?.ok_or_else(|| {
            Error::input(format!("{id}: missing go.sum entry"))
                .help(format!("`go mod tidy` adds it, or `go mod download {}`", id.path))
        })?;
        match trust {
            Trust::Proven(proven) => {
                let fetched = self.promised_module(id, Promise { h1: &[proven.module()], by: BY_DATABASE })?;
                Ok(Fetched { proof: Some(proven.into_proof()), ..fetched })
            }
            Trust::Accepted => {
                let before = self.database.and_then(|database| database.pinned(id));
                let promise = before.as_ref().map(|h1| Promise { h1: std::slice::from_ref(h1), by: "the lock" });
                Ok(Fetched { verified: false, ..self.unpacked_module(id, promise)? })
            }
        }
    }

    /// What the checksum database says of a module; `None` when it may not be asked.
    fn prove(&self, id: &ModuleId) -> Result<Option<Trust>> {
        let database = self.database.filter(|database| !database.is_private(&id.path));
        database.map(|database| database.prove(id, self.cache, self.proxy)).transpose()
    }

    /// A module, unpacked and verified against a promise.
    ///
    /// # Errors
    ///
    /// A wrong hash, no answer, an archive that breaks the rules.
    pub fn promised_module(&self, id: &ModuleId, promise: Promise<'_>) -> Result<Fetched> {
        self.unpacked_module(id, Some(promise))
    }

    fn unpacked_module(&self, id: &ModuleId, promise: Option<Promise<'_>>) -> Result<Fetched> {
        let directory = self.cache.module(id);
        let place = |_: &Facts| directory.clone();
        let facts = self.zip(id, Layout::Module(&id.to_string()), promise, Some(&place))?;
        Ok(Fetched { facts, directory, proof: None, verified: true })
    }

    /// The facts of a module's zip, which is downloaded and read where that wasn't done before, and unpacked where `place`
    /// says, if it is given.
    ///
    /// # Errors
    ///
    /// A wrong hash, no answer, an archive that breaks the rules.
    pub fn zip(
        &self,
        id: &ModuleId,
        layout: Layout<'_>,
        promise: Option<Promise<'_>>,
        place: Option<&Place<'_>>,
    ) -> Result<Facts> {
        let facts_file = self.cache.download(id, "facts");
        let right = |h1: Option<H1>| promise.is_none_or(|p| h1.is_some_and(|h1| p.h1.contains(&h1)));
        let ready = || {
            let facts = self.cache.read_facts(&facts_file)?;
            let unpacked = place.is_none_or(|place| place(&facts).is_dir());
            if unpacked && right(facts.h1) { Some(facts) } else { None }
        };
        if let Some(facts) = ready() {
            return Ok(facts);
        }
        let kept = self.cache.download(id, "zip");
        if kept.is_file()
            && let Ok((facts, unpacked)) = self.read(&kept, layout, place.is_some())
            && right(facts.h1)
        {
            self.publish(unpacked, &facts, place)?;
            self.cache.write_facts(&facts_file, &facts)?;
            return Ok(facts);
        }
        // Nothing is kept, or it is damaged.
        let mut temporary = self.cache.temporary_file()?;
        self.proxy.zip(id, temporary.as_file_mut(), self.progress)?;
        let (facts, unpacked) = self.read(temporary.path(), layout, place.is_some()).map_err(|e| e.context(id))?;
        if let (Some(promise), Some(h1)) = (promise, facts.h1)
            && !right(facts.h1)
        {
            return Err(mismatch(&id.to_string(), h1, promise));
        }
        if let Some(facts) = ready() {
            // Another process was faster: its directory may be in use already.
            return Ok(facts);
        }
        self.publish(unpacked, &facts, place)?;
        self.cache.keep(temporary, &kept)?;
        self.cache.write_facts(&facts_file, &facts)?;
        Ok(facts)
    }

    fn read(&self, zip: &Path, layout: Layout<'_>, unpack: bool) -> Result<(Facts, Option<tempfile::TempDir>)> {
        let unpacked = if unpack { Some(self.cache.temporary_directory()?) } else { None };
        let tree = archive::read_zip(zip, layout, unpacked.as_ref().map(tempfile::TempDir::path))?;
        let (size, sha256) = archive::digest_of(zip)?;
        Ok((Facts { size, sha256, h1: tree.h1, nar: tree.nar, tools: tree.tools }, unpacked))
    }

    fn publish(&self, unpacked: Option<tempfile::TempDir>, facts: &Facts, place: Option<&Place<'_>>) -> Result<()> {
        let (Some(unpacked), Some(place)) = (unpacked, place) else { return Ok(()) };
        let directory = place(facts);
        // What is right stays where it is: another process may be reading it.
        if directory.is_dir() && nar::hash_directory(&directory).is_ok_and(|nar| nar == facts.nar) {
            return Ok(());
        }
        self.cache.publish(unpacked, &directory)
    }
}

/// Where an archive is unpacked, once its hashes are known.
pub type Place<'a> = dyn Fn(&Facts) -> PathBuf + 'a;

/// Go's hash of a go.mod on its own.
fn go_mod_hash(content: &[u8]) -> H1 {
    H1::of_files(vec![("go.mod".to_owned(), Sha256::of(content))])
}

/// A download that isn't what was promised.
pub(super) fn mismatch(what: &str, got: H1, promise: Promise<'_>) -> Error {
    contradiction(what, "the module proxy", got, promise)
}

/// Two that say different things.
pub(super) fn contradiction(what: &str, who: &str, got: H1, promise: Promise<'_>) -> Error {
    let wanted: Vec<String> = promise.h1.iter().map(H1::to_string).collect();
    Error::verification(format!(
        "checksum mismatch for {what}: {who} has {got}, {} has {}",
        promise.by,
        wanted.join(" or ")
    ))
    .help(
        "the bits may have been replaced on the origin server, or someone intercepted the download: find out before you build",
    )
}
