//! Git repositories that look as if they were those of public hosts, and what Go and godirect fetch from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};

use godirect::digest::{H1, Sha256};
use godirect::lock::archive::Layout;
use godirect::lock::cache::Cache;
use godirect::lock::fetch::Fetcher;
use godirect::lock::goenv::GoEnv;
use godirect::lock::proxy::Proxy;
use godirect::lock::transport::Limits;
use godirect::module::ModuleId;

/// The pinned SDK.
pub static GOROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/01-hello");
    let output = Command::new(env!("CARGO_BIN_EXE_godirect")).arg("-C").arg(example).arg("goroot").output().unwrap();
    assert!(output.status.success(), "godirect goroot: {}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
});

/// Repositories, and caches of those who fetch from them. All is removed in the end.
pub struct World {
    directory: Arc<tempfile::TempDir>,
    env: GoEnv,
    cache: Cache,
    proxy: Proxy,
}

/// A repository with a working tree.
pub struct Repo {
    pub directory: PathBuf,
    /// Of the next commit, in seconds since 1970.
    time: std::cell::Cell<i64>,
}

/// What is fetched of a module: the hashes of its files and of its go.mod.
pub type Answer = Result<(String, String), String>;

impl World {
    /// Hosts whose repositories are directories below `repos/<host>/`.
    pub fn new() -> World {
        World::with(&GoEnv::default())
    }

    /// The same with settings of Go other than GOPROXY.
    pub fn with(env: &GoEnv) -> World {
        let directory = tempfile::tempdir().unwrap();
        let repos = directory.path().join("repos").display().to_string();
        let mut config = "[user]\n\tname = n\n\temail = e@a.example\n[init]\n\tdefaultBranch = main\n".to_owned();
        for host in ["github.com", "git.example"] {
            config += &format!("[url \"file://{repos}/{host}/\"]\n\tinsteadOf = https://{host}/\n");
        }
        std::fs::write(directory.path().join("gitconfig"), config).unwrap();
        World::at(Arc::new(directory), GoEnv { goproxy: "direct".to_owned(), ..env.clone() })
    }

    fn at(directory: Arc<tempfile::TempDir>, env: GoEnv) -> World {
        let cache = Cache::at(directory.path().join("cache")).unwrap();
        let proxy = Proxy::new(&env, Limits::default()).unwrap().with_git_variables(
            &env,
            Limits::default(),
            variables(directory.path()),
        );
        World { directory, env, cache, proxy }
    }

    /// What another process sees that has the same cache.
    pub fn restarted(&self) -> World {
        World::at(self.directory.clone(), self.env.clone())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// A new repository, e.g. `github.com/u/r`.
    pub fn repo(&self, name: &str) -> Repo {
        self.repo_with(name, "sha1")
    }

    /// The same with `sha1` or `sha256` for its hashes.
    pub fn repo_with(&self, name: &str, format: &str) -> Repo {
        let repo = Repo { directory: self.path("repos").join(name), time: 1_600_000_000.into() };
        std::fs::create_dir_all(&repo.directory).unwrap();
        repo.git(&["init", "-q", &format!("--object-format={format}")]);
        repo
    }

    pub fn fetcher(&self) -> Fetcher<'_> {
        Fetcher { cache: &self.cache, proxy: &self.proxy, database: None, progress: &|_| {} }
    }

    /// What godirect fetches.
    pub fn godirect(&self, module: &str) -> Answer {
        let id = id(module);
        let go_mod = self.proxy.go_mod(&self.cache, &id).map_err(|e| self.clean(&e.to_string()))?;
        let go_mod = H1::of_files(vec![("go.mod".to_owned(), Sha256::of(&go_mod))]).to_string();
        let facts = self.fetcher().zip(&id, Layout::Module(module), None, None).map_err(|e| self.clean(&e.to_string()))?;
        Ok((facts.h1.unwrap().to_string(), go_mod))
    }

    /// What `go mod download` fetches.
    pub fn go(&self, module: &str) -> Answer {
        let output = self.go_command(&["mod", "download", "-modcacherw", "-json", module]);
        let json: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{module}: {e}: {}", String::from_utf8_lossy(&output.stderr)));
        let text = |key: &str| json.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        match text("Error") {
            Some(error) => Err(error),
            None => Ok((text("Sum").unwrap(), text("GoModSum").unwrap())),
        }
    }

    fn go_command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(GOROOT.join("bin/go"));
        command.env_clear().envs(variables(self.directory.path())).current_dir(self.directory.path());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("GOMODCACHE", self.path("gomodcache")).env("GOCACHE", self.path("gocache")).env("HOME", self.path("home"));
        command.envs([("GOPROXY", "direct"), ("GONOSUMDB", "*"), ("GOTOOLCHAIN", "local"), ("GOENV", "off")]);
        command.args(arguments).output().unwrap()
    }

    /// Fetches modules with both; the text is godirect's error, or empty. Where one of them fails the other must, too.
    #[track_caller]
    pub fn agree(&self, expected: &[(&str, &str)]) {
        for (module, text) in expected {
            let (ours, theirs) = (self.godirect(module), self.go(module));
            match (&ours, &theirs) {
                (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{module}"),
                (Err(_), Err(_)) => {}
                _ => panic!("{module}: godirect: {ours:?}, go: {theirs:?}"),
            }
            let error = ours.err().unwrap_or_default();
            assert_eq!(&error, text, "{module}: go says: {theirs:?}");
        }
    }

    /// A text without the world's directory.
    pub fn clean(&self, text: &str) -> String {
        text.replace(&self.directory.path().display().to_string(), "$TMP")
    }
}

/// What git needs in its environment to see these hosts, and nothing of the machine's.
pub fn variables(directory: &Path) -> Vec<(String, String)> {
    let config = directory.join("gitconfig").display().to_string();
    [("GIT_CONFIG_GLOBAL", config.as_str()), ("GIT_CONFIG_SYSTEM", "/dev/null")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

pub fn id(text: &str) -> ModuleId {
    let (path, version) = text.split_once('@').unwrap();
    ModuleId { path: path.parse().unwrap(), version: version.parse().unwrap() }
}

impl Repo {
    /// Runs git in the repository.
    pub fn git(&self, arguments: &[&str]) -> String {
        let time = format!("{} +0200", self.time.get());
        let mut command = Command::new("git");
        let world = self.directory.ancestors().find(|a| a.join("gitconfig").exists()).unwrap();
        command.args(arguments).current_dir(&self.directory).envs(variables(world));
        command.env("GIT_AUTHOR_DATE", &time).env("GIT_COMMITTER_DATE", &time);
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub fn write(&self, path: &str, content: &[u8]) {
        let path = self.directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Commits these files beside those that are there, an hour after the last commit.
    pub fn commit(&self, files: &[(&str, &str)]) -> &Repo {
        files.iter().for_each(|(path, content)| self.write(path, content.as_bytes()));
        self.time.set(self.time.get() + 3600);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "message"]);
        self
    }

    pub fn tag(&self, name: &str) -> &Repo {
        self.git(&["tag", "--end-of-options", name]);
        self
    }

    /// The time and the short hash of the newest commit, as pseudo-versions have them.
    pub fn head(&self) -> String {
        format!("{}-{}", timestamp(self.time.get()), &self.git(&["rev-parse", "HEAD"])[..12])
    }
}

/// The UTC time by `date`, so that it isn't computed as in the program under test.
fn timestamp(seconds: i64) -> String {
    let output = Command::new("date").args(["-u", "-d", &format!("@{seconds}"), "+%Y%m%d%H%M%S"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
