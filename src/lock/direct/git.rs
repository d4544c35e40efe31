//! Repositories, by the `git` program (`cmd/go/internal/modfetch/codehost/git.go`).
//!
//! Of each remote repository there is a bare one in the cache, with as much of it as was needed so far. It has no configuration of
//! its own: what git does with passwords, proxies and rewritten URLs is what the user has set up.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::archive::MAX_ZIP;
use super::super::cache::Cache;
use super::super::transport::Url;
use crate::digest::Sha256;
use crate::error::{Error, Result};

/// The most bytes of a list of references, and of a file that is read on its own (`codehost.MaxGoMod`, `MaxLICENSE`).
const MAX_OUTPUT: u64 = 64 << 20;
/// How much of what git says about a failure is kept.
const MAX_MESSAGE: usize = 16 << 10;
/// The shortest beginning of a hash that may name a commit (`minHashDigits`).
const MIN_DIGITS: usize = 7;

/// Commits by the name of what refers to them: `HEAD`, `refs/heads/…`, `refs/tags/…`.
pub(super) type Refs = BTreeMap<String, String>;

/// What git is run with, and what was learned of repositories so far.
pub(super) struct Git {
    /// Variables that are set in git's environment.
    variables: Vec<(String, String)>,
    known: Mutex<BTreeMap<String, Known>>,
}

/// What this process knows of a repository.
#[derive(Clone, Default)]
struct Known {
    refs: Option<Arc<Refs>>,
    /// Whether the cached repository has all branches and tags with their history.
    complete: bool,
}

/// A commit.
pub(super) struct Commit {
    /// Its hash.
    pub hash: String,
    /// When it was made, in seconds since 1970.
    pub time: i64,
}

/// Why git gave nothing.
struct Failed {
    /// The exit code, if it ran to its end.
    code: Option<i32>,
    /// What it said, without passwords.
    message: String,
}

/// A repository, which no other process and no other thread uses meanwhile.
pub(super) struct Repository<'a> {
    git: &'a Git,
    cache: &'a Cache,
    /// With the password that it may have.
    url: &'a Url,
    /// The URL as errors show it, and as the cache knows it.
    name: String,
    directory: PathBuf,
    /// Locked until it is dropped.
    _lock: File,
}

/// Variables that tell git which repository to use, as those have that run in a hook (`git rev-parse --local-env-vars`, without
/// those that configure it).
const OTHER_REPOSITORY: [&str; 11] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

impl Git {
    /// Git with these variables beside those of the process.
    pub fn new(variables: Vec<(String, String)>) -> Git {
        Git { variables, known: Mutex::default() }
    }

    /// The repository at a URL, for this process alone as long as it is used. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// When the cache can't be written.
    pub fn repository<'a>(&'a self, cache: &'a Cache, url: &'a Url) -> Result<Repository<'a>> {
        let name = super::without_password(url);
        let directory = cache.repository(&Sha256::of(&name));
        let lock_file = directory.with_extension("lock");
        let lock = cache.lock(&lock_file)?;
        let repository = Repository { git: self, cache, url, name, directory, _lock: lock };
        if repository.busy().exists() {
            // A process was killed while git wrote, which would never remove the locks that it left; or it is damaged.
            repository.remove()?;
            self.learn(&repository.name, |known| known.complete = false);
        }
        Ok(repository)
    }

    fn known(&self, name: &str) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
    }

    fn learn(&self, name: &str, change: impl FnOnce(&mut Known)) {
        change(self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default());
    }

    /// Runs git in a bare repository, and writes what it prints to `into`, but no more than `limit` bytes.
    fn run(&self, directory: &Path, arguments: &[&str], into: &mut dyn Write, limit: u64) -> Result<(), Failed> {
        let mut command = Command::new("git");
        // Without automatic maintenance, which goes on after git has ended.
        command.args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"]).args(arguments);
        for name in OTHER_REPOSITORY {
            command.env_remove(name);
        }
        // As the go command: no questions, which nobody may be there to answer. Messages are searched, so they are in English.
        for (name, value) in [("GIT_TERMINAL_PROMPT", "0"), ("GCM_INTERACTIVE", "never")] {
            if std::env::var_os(name).is_none_or(|v| v.is_empty()) {
                command.env(name, value);
            }
        }
        command.env("LC_ALL", "C").env("GIT_DIR", directory);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let parent = directory.parent().unwrap_or(directory);
        command.current_dir(if directory.is_dir() { directory } else { parent });
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|e| Failed { code: None, message: not_started(&e) })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (copied, message) = std::thread::scope(|scope| {
            let message = scope.spawn(|| first_bytes(stderr));
            let copied = stdout.map_or(Ok(0), |stdout| io::copy(&mut stdout.take(limit + 1), into));
            if !matches!(copied, Ok(count) if count <= limit) {
                let _ = child.kill();
            }
            (copied, message.join().unwrap_or_default())
        });
        let status = child.wait().map_err(|e| Failed { code: None, message: format!("git: {e}") })?;
        match copied {
            Err(e) => Err(Failed { code: None, message: format!("failed to write what git prints: {e}") }),
            Ok(count) if count > limit => {
                Err(Failed { code: None, message: format!("git's answer is larger than {limit} bytes") })
            }
            Ok(_) if status.success() => Ok(()),
            Ok(_) => Err(Failed { code: status.code(), message: without_passwords(message.trim()) }),
        }
    }
}

fn not_started(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "the program `git` is not installed".to_owned(),
        _ => format!("failed to run git: {error}"),
    }
}

/// The beginning of a stream, which is read to its end.
fn first_bytes(stream: Option<impl Read>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    let _ = (&mut stream).take(MAX_MESSAGE as u64).read_to_end(&mut bytes);
    let _ = io::copy(&mut stream, &mut io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text without what stands before the `@` of URLs in it: git names the URL that the user's configuration has made.
fn without_passwords(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let end = after.find(|c: char| c.is_whitespace() || "/'\"".contains(c)).unwrap_or(after.len());
        clean.push_str(before);
        rest = &after[after[..end].rfind('@').map_or(0, |at| at + 1)..];
    }
    clean + rest
}

impl Repository<'_> {
    /// What branches and tags there are now; asked once in the life of the process.
    ///
    /// # Errors
    ///
    /// What git says.
    pub fn refs(&self) -> Result<Arc<Refs>> {
        if let Some(refs) = self.git.known(&self.name).refs {
            return Ok(refs);
        }
        let mut out = Vec::new();
        let arguments = ["ls-remote", "-q", "--end-of-options", self.url.as_str()];
        self.git.run(&self.directory, &arguments, &mut out, MAX_OUTPUT).map_err(|failed| self.unreachable(&failed))?;
        let refs = Arc::new(parse_refs(&String::from_utf8_lossy(&out)));
        self.git.learn(&self.name, |known| known.refs = Some(refs.clone()));
        Ok(refs)
    }

    /// The commit that a tag, a branch or the beginning of a hash names, fetched if it isn't here yet.
    ///
    /// # Errors
    ///
    /// A name that doesn't exist or isn't unique, and what git says.
    pub fn commit(&self, revision: &str) -> Result<Commit> {
        let is_hash = (MIN_DIGITS..=64).contains(&revision.len()) && is_lower_hex(revision);
        if is_hash && let Some(commit) = self.local(revision) {
            return Ok(commit);
        }
        let refs = self.refs()?;
        let mut found = ["refs/tags/", "refs/heads/"].iter().find_map(|kind| refs.get_key_value(&format!("{kind}{revision}")));
        if found.is_none() && is_hash {
            let mut same = refs.iter().filter(|(_, hash)| hash.starts_with(revision));
            found = same.next();
            if same.any(|(_, hash)| found.is_some_and(|(_, first)| first != hash)) {
                return Err(Error::input(format!("{}: ambiguous revision {revision}", self.name)));
            }
        }
        if found.is_none() && !is_hash {
            return Err(self.unknown(revision));
        }
        self.init(&refs)?;
        if let Some((name, hash)) = found {
            if let Some(commit) = self.local(hash) {
                return Ok(commit);
            }
            // Only what a branch or a tag refers to is fetched by itself: servers also give commits that nobody has accepted.
            let target = if name == "HEAD" { format!("{hash}:refs/godirect/head") } else { format!("{name}:{name}") };
            let fetched = self.fetch(&["-c", "protocol.version=2"], &["-f", "--depth=1"], &[&target]);
            // Whatever is wrong with that, a complete fetch decides.
            if fetched.is_ok()
                && let Some(commit) = self.local(hash)
            {
                return Ok(commit);
            }
        }
        self.fetch_all()?;
        let hash = found.map_or(revision, |(_, hash)| hash);
        self.local(hash).ok_or_else(|| self.unknown(revision))
    }

    /// A commit that the cached repository has.
    fn local(&self, hash: &str) -> Option<Commit> {
        if !self.directory.is_dir() {
            return None;
        }
        let show =
            ["-c", "log.showSignature=false", "log", "--no-decorate", "-n1", "--format=format:%H %ct", "--end-of-options"];
        let out = self.output(&[&show[..], &[hash, "--"]].concat()).ok()?;
        let (hash, time) = std::str::from_utf8(&out).ok()?.trim().split_once(' ')?;
        Some(Commit { hash: hash.to_owned(), time: time.parse().ok()? })
    }

    /// A file of a commit, or `None` if it isn't there. Of a symbolic link it is the target's name, as the go command has it.
    ///
    /// # Errors
    ///
    /// A damaged repository, and that git can't be run.
    pub fn read(&self, commit: &Commit, path: &str) -> Result<Option<Vec<u8>>> {
        let failed = match self.output(&["cat-file", "--end-of-options", "blob", &format!("{}:{path}", commit.hash)]) {
            Ok(content) => return Ok(Some(content)),
            Err(failed) => failed,
        };
        // A file that isn't there must be told from one that can't be read.
        match self.output(&["ls-tree", "--full-tree", "--end-of-options", &commit.hash, path]) {
            Ok(listing) if !listing.windows(6).any(|window| window == b" blob ") => Ok(None),
            _ => Err(self.failed(&failed)),
        }
    }

    /// Whether a tag refers to an ancestor of a commit, or to itself.
    ///
    /// # Errors
    ///
    /// What git says.
    pub fn descends_from(&self, commit: &Commit, tag: &str) -> Result<bool> {
        let tag = format!("refs/tags/{tag}");
        let arguments = ["merge-base", "--is-ancestor", "--", tag.as_str(), commit.hash.as_str()];
        // With a shallow history the answer may be a wrong no.
        if self.output(&arguments).is_ok() {
            return Ok(true);
        }
        self.fetch_all()?;
        match self.output(&arguments) {
            Ok(_) => Ok(true),
            Err(Failed { code: Some(1), .. }) => Ok(false),
            Err(failed) => Err(self.failed(&failed)),
        }
    }

    /// Writes a zip of a commit's files below `directory` (empty for all) to `into`; names begin with [`super::zip::PREFIX`].
    ///
    /// # Errors
    ///
    /// What git says, and an archive that is larger than that of a module may be.
    pub fn archive(&self, commit: &Commit, directory: &str, into: &mut File) -> Result<()> {
        // Line ends and what attributes do to files depend on the platform and the configuration otherwise.
        let attributes = self.directory.join("info/attributes");
        let text = "* -export-subst -export-ignore\n";
        if std::fs::read_to_string(&attributes).ok().as_deref() != Some(text) {
            self.cache.store_file(&attributes, |file| {
                file.write_all(text.as_bytes()).map_err(|e| Error::io("write", &attributes, &e))
            })?;
        }
        let prefix = format!("--prefix={}", super::zip::PREFIX);
        let mut arguments = vec!["-c", "core.autocrlf=input", "-c", "core.eol=lf", "archive", "--format=zip", prefix.as_str()];
        arguments.extend(["--end-of-options", commit.hash.as_str()]);
        arguments.extend(Some(directory).filter(|directory| !directory.is_empty()));
        let mut out = io::BufWriter::new(into);
        self.git.run(&self.directory, &arguments, &mut out, MAX_ZIP).map_err(|failed| self.failed(&failed))?;
        out.flush().map_err(|e| Error::environment(format!("failed to write to the cache: {e}")))
    }

    /// Makes the repository in the cache if it isn't there.
    fn init(&self, refs: &Refs) -> Result<()> {
        if self.directory.is_dir() {
            return Ok(());
        }
        let format = if refs.values().any(|hash| hash.len() == 64) { "sha256" } else { "sha1" };
        let temporary = self.cache.temporary_directory()?;
        let arguments = ["init", "--bare", "-q", "--template=", &format!("--object-format={format}")];
        let made = self.git.run(temporary.path(), &arguments, &mut io::sink(), MAX_OUTPUT);
        made.map_err(|failed| self.failed(&failed))?;
        self.cache.publish(temporary, &self.directory)
    }

    /// Fetches references. The remote is given on the command line, since what is in the URL need not be kept, and it has a name,
    /// since filters as that of Git LFS look for one.
    fn fetch(&self, options: &[&str], arguments: &[&str], references: &[&str]) -> Result<(), Failed> {
        let remote = format!("remote.origin.url={}", self.url);
        let all =
            [&["-c", &remote], options, &["fetch", "-q"], arguments, &["--end-of-options", "origin"], references].concat();
        let busy = |e: io::Error| Failed { code: None, message: format!("failed to write to the cache: {e}") };
        std::fs::write(self.busy(), "").map_err(busy)?;
        let fetched = self.output(&all);
        std::fs::remove_file(self.busy()).map_err(busy)?;
        fetched.map(drop)
    }

    /// Fetches all branches and tags with their history.
    fn fetch_all(&self) -> Result<()> {
        if self.git.known(&self.name).complete {
            return Ok(());
        }
        let all = ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"];
        self.fetch(&[], &["-f"], &all).map_err(|failed| self.unreachable(&failed))?;
        // git fetches more reliably if the references are there before the history.
        if self.directory.join("shallow").exists() {
            self.fetch(&[], &["--unshallow", "-f"], &all).map_err(|failed| self.unreachable(&failed))?;
        }
        self.git.learn(&self.name, |known| known.complete = true);
        Ok(())
    }

    fn output(&self, arguments: &[&str]) -> Result<Vec<u8>, Failed> {
        let mut out = Vec::new();
        self.git.run(&self.directory, arguments, &mut out, MAX_OUTPUT)?;
        Ok(out)
    }

    /// A mark that is there while git writes into the repository, and stays when it must be made anew.
    fn busy(&self) -> PathBuf {
        self.directory.with_extension("busy")
    }

    /// Removes the repository from the cache; it is fetched anew when it is needed.
    fn remove(&self) -> Result<()> {
        let failed = |e: io::Error| Error::io("remove", &self.directory, &e);
        if self.directory.exists() {
            std::fs::remove_dir_all(&self.directory).map_err(failed)?;
        }
        std::fs::remove_file(self.busy()).map_err(failed)
    }

    /// Whether the last failure was one of the repository in the cache, so that the next use makes it anew.
    pub fn is_damaged(&self) -> bool {
        self.busy().exists()
    }

    fn unknown(&self, revision: &str) -> Error {
        Error::input(format!("{}: unknown revision {revision}", self.name))
            .help("check the version in go.mod: the repository has no such tag or commit, or it was removed")
    }

    fn failed(&self, failed: &Failed) -> Error {
        // All that is needed is there by now, so something is wrong with it.
        if failed.code.is_some() {
            let _ = std::fs::write(self.busy(), "");
        }
        Error::environment(format!("{}: {}", self.name, failed.message))
            .help("install git, or use a module proxy; `git --version` says whether it runs")
    }

    /// The server doesn't answer, or not to this user.
    fn unreachable(&self, failed: &Failed) -> Error {
        if failed.code.is_none() {
            return self.failed(failed);
        }
        if ["not a git repository", "bad object", "corrupt"].iter().any(|word| failed.message.contains(word)) {
            let _ = std::fs::write(self.busy(), "");
        }
        let words = ["could not read Username", "Authentication failed", "Permission denied", "could not read Password"];
        let lines = failed.message.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("; ");
        let error = Error::environment(format!("git can't read {}: {lines}", self.name));
        if words.iter().any(|word| failed.message.contains(word)) {
            return error.help(
                "git asks for no password: put it into ~/.netrc or a credential helper, or let git use SSH: \
                 `git config --global url.ssh://git@<host>/.insteadOf https://<host>/`",
            );
        }
        error.help(format!("check the module path, the network and your access: `git ls-remote {}` does the same", self.name))
    }
}

/// What `git ls-remote` prints: of an annotated tag the commit counts, which stands in a line of its own.
fn parse_refs(text: &str) -> Refs {
    let mut refs = Refs::new();
    let mut commits = Refs::new();
    for line in text.lines() {
        let Some((hash, name)) = line.split_once('\t') else { continue };
        let is_known = name == "HEAD" || name.starts_with("refs/heads/") || name.starts_with("refs/tags/");
        if !is_known || !is_lower_hex(hash) {
            continue;
        }
        match name.strip_suffix("^{}") {
            Some(tag) => commits.insert(tag.to_owned(), hash.to_owned()),
            None => refs.insert(name.to_owned(), hash.to_owned()),
        };
    }
    refs.extend(commits);
    refs
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_left_out() {
        let text =
            "fatal: unable to access 'https://user:s@cret@a.example/x@y/': no\nssh://git@b.example https://c.example/a@b";
        assert_eq!(
            without_passwords(text),
            "fatal: unable to access 'https://a.example/x@y/': no\nssh://b.example https://c.example/a@b"
        );
    }

    #[test]
    fn references() {
        let text =
            "aa\tHEAD\nbb\trefs/tags/v1\ncc\trefs/tags/v1^{}\ndd\trefs/heads/main\nee\trefs/pull/1/head\nxx\trefs/tags/x\n";
        let refs: Vec<String> = parse_refs(text).into_iter().map(|(name, hash)| format!("{name} {hash}")).collect();
        assert_eq!(refs, ["HEAD aa", "refs/heads/main dd", "refs/tags/v1 cc"]);
    }
}
