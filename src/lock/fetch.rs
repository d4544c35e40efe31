//! Gets modules through the cache, and lets nothing through that isn't what was promised.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::archive::{self, Layout};
use super::cache::{Cache, Facts};
use super::download::Download;
use super::goenv::GoEnv;
use super::nar;
use super::proxy::Proxy;
use super::sumdb::proof::Proof;
use super::sumdb::{Database, Trust};
use super::transport::Limits;
use super::{OnProgress, with_connections};
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

/// Nobody but go.sum can say which hash of a module is right, and go.sum doesn't.
pub(super) fn missing_sum(id: &ModuleId) -> Error {
    let error = Error::input(format!("{id}: missing go.sum entry"));
    error.help(format!("`go mod tidy` adds it, or `go mod download {}`", id.path))
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
        let right = |bytes: &[u8]| promise.h1.contains(&go_mod_hash(bytes));
        let kept = accepted.iter().map(|h1| self.cache.download(id, h1, "mod")).chain(self.proxy.go_cache(id, "mod"));
        let bytes = match kept.filter_map(|path| std::fs::read(path).ok()).find(|bytes| right(bytes)) {
            Some(bytes) => bytes,
            None => {
                let bytes = self.proxy.go_mod(self.cache, id)?;
                if !right(&bytes) {
                    return Err(mismatch(&format!("{id}/go.mod"), go_mod_hash(&bytes), promise));
                }
                let path = self.cache.download(id, &go_mod_hash(&bytes), "mod");
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
        let trust = self.prove(id)?.ok_or_else(|| missing_sum(id))?;
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
        // A module's zip has an h1 always.
        let place = |facts: &Facts| facts.h1.map_or_else(PathBuf::new, |h1| self.cache.module(id, &h1));
        let facts = self.zip(id, Layout::Module(&id.to_string()), promise, Some(&place))?;
        Ok(Fetched { directory: place(&facts), facts, proof: None, verified: true })
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
        if let Some(facts) = self.ready(id, promise, place) {
            return Ok(facts);
        }
        // Whoever waits for it in another pool of threads goes on with that one's work meanwhile.
        with_connections(|| self.obtain(&Zip { id, layout, promise, place }))
    }

    /// A module's zip on this machine, which is downloaded where nothing kept it. Its files have the promised hash; its bytes may be another
    /// archiver's.
    ///
    /// # Errors
    ///
    /// A wrong hash, no answer.
    pub fn zip_file(&self, id: &ModuleId, layout: Layout<'_>, h1: &H1) -> Result<PathBuf> {
        let kept = self.cache.download(id, h1, "zip");
        if kept.is_file() {
            return Ok(kept);
        }
        let promise = Promise { h1: std::slice::from_ref(h1), by: "the lock" };
        let zip = Zip { id, layout, promise: Some(promise), place: None };
        if let Some(path) = self.proxy.go_cache(id, "zip").filter(|path| path.is_file())
            && self.reread(&zip, &path)?.is_some()
        {
            return Ok(path);
        }
        with_connections(|| self.download(&zip)).map_err(|broken| broken.error)?;
        Ok(kept)
    }

    fn obtain(&self, zip: &Zip<'_>) -> Result<Facts> {
        let Zip { id, promise, .. } = *zip;
        for h1 in promise.map_or(&[][..], |promise| promise.h1) {
            if let Some(facts) = self.reread(zip, &self.cache.download(id, h1, "zip"))? {
                return Ok(facts);
            }
        }
        // What Go downloaded for itself, if it is what was promised: its own note of the hash doesn't count.
        if promise.is_some()
            && let Some(path) = self.proxy.go_cache(id, "zip")
            && let Some(facts) = self.reread(zip, &path)?
        {
            return Ok(facts);
        }
        match self.download(zip) {
            Err(Broken { resumed: true, .. }) => self.download(zip),
            result => result,
        }
        .map_err(|broken| broken.error)
    }

    fn ready(&self, id: &ModuleId, promise: Option<Promise<'_>>, place: Option<&Place<'_>>) -> Option<Facts> {
        let known = match promise {
            Some(promise) => {
                promise.h1.iter().filter_map(|h1| self.cache.read_facts(&self.cache.download(id, h1, "facts"))).collect()
            }
            None => self.cache.known(id),
        };
        known.into_iter().find(|facts| right(facts, promise) && place.is_none_or(|place| place(facts).is_dir()))
    }

    /// The facts of a zip that is on this machine already; `None` if it isn't there or isn't right.
    fn reread(&self, zip: &Zip<'_>, path: &Path) -> Result<Option<Facts>> {
        let Ok((size, sha256)) = archive::digest_of(path) else { return Ok(None) };
        match self.read(zip, path, size, sha256) {
            Ok((facts, unpacked)) if right(&facts, zip.promise) => self.note(zip, facts, unpacked, None).map(Some),
            _ => Ok(None),
        }
    }

    fn download(&self, zip: &Zip<'_>) -> Result<Facts, Broken> {
        let mut download = self.cache.begin(&zip.id.to_string())?;
        self.proxy.zip(self.cache, zip.id, &mut download, self.progress)?;
        download.complete();
        let resumed = download.was_resumed();
        let broken = |error| Broken { error, resumed };
        let (size, sha256) = download.size_and_digest();
        let (facts, unpacked) = self.read(zip, download.path(), size, sha256).map_err(|e| broken(e.context(zip.id)))?;
        if let (Some(promise), Some(h1)) = (zip.promise, facts.h1)
            && !right(&facts, zip.promise)
        {
            return Err(broken(mismatch(&zip.id.to_string(), h1, promise)));
        }
        if let Some(facts) = self.ready(zip.id, zip.promise, zip.place) {
            // Another process was faster: its directory may be in use already. Or only the zip was gone.
            let kept = facts.h1.map(|h1| self.cache.download(zip.id, &h1, "zip")).filter(|kept| !kept.is_file());
            kept.map(|kept| self.cache.keep_download(download, &kept)).transpose()?;
            return Ok(facts);
        }
        Ok(self.note(zip, facts, unpacked, Some(download))?)
    }

    /// Hashes and unpacks a zip, in one pass over its files: what they are stands at its end.
    fn read(&self, zip: &Zip<'_>, path: &Path, size: u64, sha256: Sha256) -> Result<(Facts, Option<tempfile::TempDir>)> {
        let unpacked = if zip.place.is_some() { Some(self.cache.temporary_directory()?) } else { None };
        let tree = archive::read_zip(path, zip.layout, unpacked.as_ref().map(tempfile::TempDir::path))?;
        Ok((Facts { size, sha256, h1: tree.h1, nar: tree.nar, tools: tree.tools }, unpacked))
    }

    /// Gives what was read its lasting names; the facts come last.
    fn note(
        &self,
        zip: &Zip<'_>,
        facts: Facts,
        unpacked: Option<tempfile::TempDir>,
        download: Option<Download>,
    ) -> Result<Facts> {
        self.publish(unpacked, &facts, zip.place)?;
        let h1 = facts.h1.ok_or_else(|| Error::environment(format!("{}: it has no h1", zip.id)))?;
        if let Some(download) = download {
            self.cache.keep_download(download, &self.cache.download(zip.id, &h1, "zip"))?;
        }
        self.cache.write_facts(&self.cache.download(zip.id, &h1, "facts"), &facts)?;
        Ok(facts)
    }

    /// Puts what was unpacked where `place` says.
    pub(super) fn publish(&self, unpacked: Option<tempfile::TempDir>, facts: &Facts, place: Option<&Place<'_>>) -> Result<()> {
        let (Some(unpacked), Some(place)) = (unpacked, place) else { return Ok(()) };
        let directory = place(facts);
        // What is right stays where it is: another process may be reading it.
        if directory.is_dir() && nar::hash_directory(&directory).is_ok_and(|nar| nar == facts.nar) {
            return Ok(());
        }
        self.cache.publish(unpacked, &directory)
    }
}

/// A zip that is wanted.
struct Zip<'a> {
    id: &'a ModuleId,
    layout: Layout<'a>,
    promise: Option<Promise<'a>>,
    place: Option<&'a Place<'a>>,
}

/// A download that failed, and whether a part of it was from an earlier process.
struct Broken {
    error: Error,
    resumed: bool,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Broken {
        Broken { error, resumed: false }
    }
}

/// Where an archive is unpacked, once its hashes are known.
pub type Place<'a> = dyn Fn(&Facts) -> PathBuf + Sync + 'a;

fn right(facts: &Facts, promise: Option<Promise<'_>>) -> bool {
    promise.is_none_or(|promise| facts.h1.is_some_and(|h1| promise.h1.contains(&h1)))
}

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
