//! SDKs, and a whole lock.

use std::collections::BTreeMap;
use std::process::Command;

use godirect::digest::H1;
use godirect::error::{Class, Result};
use godirect::lock::file::{LockedSdk, Lockfile};
use godirect::lock::known::Access;
use godirect::lock::resolve::{self, Modules, Needed, Packages, Request};
use godirect::lock::sdk::{self, SdkOrigin, SdkRequest, SdkVersion};
use godirect::lock::sumdb::{Database, Trust};
use godirect::module::gosum::GoSum;
use godirect::module::workspace::Workspace;
use godirect::name::GoVersion;
use godirect::platform::OsArch;
use godirect::source::record::{FileGroup, PackageRecord};
use godirect::spec::{Archive, Archives, DOWNLOAD_PAGE};

use crate::database::{self, Log};
use crate::support::*;

const EXPERIMENTS: &str = r#"package buildcfg

func ParseGOEXPERIMENT(goos, goarch, goexp string) (*ExperimentFlags, error) {
	var regabiSupported, regabiAlwaysOn bool
	switch goarch {
	case "amd64", "arm64":
		regabiAlwaysOn = true
		regabiSupported = true
	}
	dwarf5Supported := (goos != "darwin" && goos != "ios")

	baseline := goexperiment.Flags{
		RegabiArgs: regabiSupported, // why
		Dwarf5:     dwarf5Supported,
		JSONv2:     true,
	}
}
"#;
const GODEBUGS: &str = "package godebugs\n\nvar All = []Info{\n\t{Name: \"z\", Package: \"x\", Changed: 21, Old: \"1\"},\n\t{Name: \"b\", Package: \"x\"},\n\t\
                        {Name: \"a\", Package: \"x\", Changed: 27, Old: \"0\", Opaque: true},\n}\n";

/// The files of an SDK's module that locking reads.
fn sdk_files(platform: &str) -> Vec<(String, &'static str)> {
    let name = |file: &str| format!("golang.org/toolchain@v0.0.1-go1.27.3.{}/{file}", platform.replace('_', "-"));
    let contents: [(&str, &'static str); 8] = [
        ("bin/go", "the go command"),
        ("pkg/tool/PLATFORM/compile", "the compiler"),
        ("pkg/tool/PLATFORM/link", "the linker"),
        ("pkg/tool/PLATFORM/asm", "the assembler"),
        ("src/_go.mod", "module std\n"),
        ("src/errors/errors.go", "package errors\n"),
        ("src/internal/buildcfg/exp.go", EXPERIMENTS),
        ("src/internal/godebugs/table.go", GODEBUGS),
    ];
    contents.iter().map(|(n, c)| (name(&n.replace("PLATFORM", platform)), *c)).collect()
}

fn sdk_zip(platform: &str) -> Vec<u8> {
    let files = sdk_files(platform);
    zip_of(&files.iter().map(|(n, c)| (n.as_str(), c.as_bytes())).collect::<Vec<_>>())
}

fn sdk_hash(platform: &str) -> H1 {
    let files = sdk_files(platform);
    h1_of(&files.iter().map(|(n, c)| (n.as_str(), c.as_bytes())).collect::<Vec<_>>())
}

/// A checksum database that has the SDK.
fn sdk_log() -> Log {
    let mut log = Log::new("sum.example", 1);
    log.fill(300);
    for platform in ["linux_amd64", "darwin_arm64"] {
        let id = format!("golang.org/toolchain@v0.0.1-go1.27.3.{}", platform.replace('_', "-"));
        log.add_module(&id, &sdk_hash(platform).to_string(), OTHER_HASH);
    }
    log
}

/// The settings that a server and the database make.
fn settings(server: &Server) -> GoEnv {
    GoEnv { goproxy: server.url.clone(), gosumdb: sdk_log().key(), ..GoEnv::default() }
}

/// A proxy with the SDK, its record, and a module of these files.
fn sdk_server(module: &[(&str, &[u8])]) -> Server {
    let log = sdk_log();
    let database = log.mirror(log.answers(log.records.len())).into_iter().map(|(path, body)| (path, (200, body)));
    let file = |name: &str| format!("golang.org/toolchain/@v/{name}");
    let mut files = Files::from([
        (file("v0.0.1-go1.27.3.linux-amd64.zip"), (200, sdk_zip("linux_amd64"))),
        (file("v0.0.1-go1.27.3.darwin-arm64.zip"), (200, sdk_zip("darwin_arm64"))),
        ("a.example/m/@v/v1.0.0.zip".to_owned(), (200, zip_of(module))),
    ]);
    files.extend(database);
    Server::start(files)
}

/// Finds one package of one module, and looks at its directory as the graph does.
fn one_package(sdks: &[LockedSdk], modules: &Modules<'_, '_>) -> Result<Needed> {
    assert!(sdks.iter().all(|sdk| sdk.packages.contains_key("errors")));
    let found = modules.all().iter().find(|m| m.id.path.as_str() == "a.example/m").unwrap();
    let package = modules.package(found, "")?.unwrap();
    assert_eq!(package, record("m", "a.go"));
    Ok(Needed::from([(found.id.path.clone(), Packages::from([(String::new(), package)]))]))
}

fn record(name: &str, file: &str) -> PackageRecord {
    let group = FileGroup { go: vec![file.to_owned()], ..FileGroup::default() };
    PackageRecord { name: name.to_owned(), groups: vec![group] }
}

/// The SDK without name.
fn request(version: SdkVersion, origin: SdkOrigin, exec_platforms: &[OsArch]) -> SdkRequest {
    SdkRequest { name: "default".to_owned(), version, origin, exec_platforms: exec_platforms.to_vec(), build: None }
}

fn lock(env: &Env, version: SdkVersion, previous: Option<&Lockfile>) -> Result<Lockfile> {
    let platforms = ["linux/amd64".parse()?, "darwin/arm64".parse()?];
    let verifier = env.database.verifier().ok();
    let sdks = [request(version, SdkOrigin::Module, &platforms)];
    let request = Request {
        directory: env.path(),
        workspace: &Workspace::load(&godirect::files::Files::default(), env.path())?,
        root: env.path(),
        files: &godirect::files::Files::default(),
        vendor: "vendor",
        sdks: &sdks,
        platforms: &platforms,
        previous,
        verifier: verifier.as_ref(),
    };
    resolve::lock(&request, Access::Network(&|| Ok(env.fetcher())), &one_package)
}

#[test]
fn a_whole_lock() {
    let server = sdk_server(&GOOD[..2]);
    let env = Env::of(&settings(&server));
    let hash = h1_of(&GOOD[..2]);
    let go_mod = "module main.example\n\ngo 1.27\n\ntoolchain go1.27.3\n\nrequire (\n\ta.example/m v1.0.0\n\ta.example/unused v1.0.0\n)\n";
    std::fs::write(env.path().join("go.mod"), go_mod).unwrap();
    std::fs::write(env.path().join("go.sum"), format!("a.example/m v1.0.0 {hash}\n")).unwrap();
    let locked = lock(&env, SdkVersion::FromGoMod, None).unwrap();

    let path = env.path().join("godirect.lock.json");
    assert!(locked.write(&path).unwrap());
    assert!(!locked.write(&path).unwrap(), "the same lock isn't written again");
    assert_eq!(Lockfile::read(&godirect::files::Files::default(), &path).unwrap(), locked);
    let expected = include_str!("expected.lock.json");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);

    let requests = server.requests();
    let again = lock(&env, SdkVersion::FromGoMod, Some(&locked)).unwrap();
    assert_eq!(again, locked);
    assert_eq!(server.requests(), requests, "the second time needs no network");

    let goroot = sdk::goroot(&env.fetcher(), &locked.sdks[0], "darwin/arm64".parse().unwrap()).unwrap();
    assert_eq!(nix_hash(&goroot), locked.sdks[0].downloads[0].nar.0.to_string());
    for (tool, file) in [("go", "bin/go"), ("compile", "pkg/tool/darwin_arm64/compile")] {
        assert_eq!(nix_hash(&goroot.join(file)), locked.sdks[0].downloads[0].tools[tool].0.to_string());
    }
    let module = resolve::module_directory(&env.fetcher(), &locked.modules[0]).unwrap();
    assert_eq!(nix_hash(&module), locked.modules[0].nar.0.to_string());
}

#[test]
fn an_sdk_is_what_the_lock_says() {
    let server = sdk_server(&GOOD[..2]);
    let env = Env::of(&settings(&server));
    std::fs::write(env.path().join("go.mod"), "module main.example\ngo 1.27.3\nrequire a.example/m v1.0.0\n").unwrap();
    std::fs::write(env.path().join("go.sum"), format!("a.example/m v1.0.0 {}\n", h1_of(&GOOD[..2]))).unwrap();
    let mut locked = lock(&env, SdkVersion::FromGoMod, None).unwrap();
    let right = locked.sdks[0].downloads[1].h1.unwrap();
    locked.sdks[0].downloads[1].h1 = Some(OTHER_HASH.parse().unwrap());
    let advice = "(the bits may have been replaced on the origin server, or someone intercepted the download: \
                  find out before you build)";
    let expected = format!(
        "checksum mismatch for golang.org/toolchain@v0.0.1-go1.27.3.linux-amd64: \
         the module proxy has {right}, the lock has {OTHER_HASH} {advice}"
    );
    let fresh = Env::new(&server.url);
    let error = sdk::goroot(&fresh.fetcher(), &locked.sdks[0], "linux/amd64".parse().unwrap()).unwrap_err();
    assert_eq!((error.class(), error.to_string()), (Class::Verification, expected));
    let error = sdk::goroot(&env.fetcher(), &locked.sdks[0], "linux/386".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the lock has no SDK 1.27.3 whose tools run on linux/386 (add the platform to the spec and run `godirect lock`)"
    );
}

/// go.sum and GONOSUMDB don't make up for the database (CVE-2026-94447), and what the lock has must be what it says.
#[test]
fn an_sdk_is_proven_always() {
    let server = sdk_server(&GOOD[..2]);
    let (name, right) = ("golang.org/toolchain v0.0.1-go1.27.3.linux-amd64", sdk_hash("linux_amd64"));
    let module = format!("a.example/m v1.0.0 {}\n", h1_of(&GOOD[..2]));
    let try_with = |settings: &GoEnv, go_sum: String, change: &dyn Fn(Database) -> Database| {
        let env = Env { database: change(Database::new(settings)), ..Env::of(settings) };
        std::fs::write(env.path().join("go.mod"), "module main.example\ngo 1.27.3\nrequire a.example/m v1.0.0\n").unwrap();
        std::fs::write(env.path().join("go.sum"), go_sum).unwrap();
        lock(&env, SdkVersion::FromGoMod, None)
    };
    let with_line = |hash: &str| format!("{module}{name} {hash}\n");
    let same = |database: Database| database;
    let private = GoEnv { gonosumdb: "golang.org".to_owned(), ..settings(&server) };
    let locked = try_with(&private, with_line(&right.to_string()), &same).unwrap();
    let download = &locked.sdks[0].downloads[1];
    assert_eq!((download.h1, download.proof.as_ref().unwrap().record, download.verified), (Some(right), 300, true));

    let id = name.replace(' ', "@");
    let advice = "(the bits may have been replaced on the origin server, or someone intercepted the download: \
                  find out before you build)";
    let error = try_with(&private, with_line(OTHER_HASH), &same).unwrap_err();
    let expected = format!("checksum mismatch for {id}: the checksum database has {right}, go.sum has {OTHER_HASH} {advice}");
    assert_eq!((error.class(), error.to_string()), (Class::Verification, expected));

    let mut other = locked.clone();
    other.sdks[0].downloads[1].h1 = Some(OTHER_HASH.parse().unwrap());
    let error = try_with(&private, module.clone(), &|database| database.with_pins(other.pins())).unwrap_err();
    let expected = format!("checksum mismatch for {id}: the checksum database has {right}, the lock has {OTHER_HASH} {advice}");
    assert_eq!((error.class(), error.to_string()), (Class::Verification, expected));

    let off = GoEnv { gosumdb: "off".to_owned(), ..settings(&server) };
    let error = try_with(&off, with_line(&right.to_string()), &same).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to verify golang.org/toolchain@v0.0.1-go1.27.3.darwin-arm64: the checksum database is disabled by \
         GOSUMDB=off (`godirect lock --accept-unverified` pins it without proof, and the lock says so)"
    );
    let accepted = try_with(&off, with_line(&right.to_string()), &|database| database.accept_unverified(true)).unwrap();
    assert!(accepted.sdks[0].downloads.iter().all(|download| !download.verified && download.proof.is_none()));
    let error = try_with(&off, with_line(OTHER_HASH), &|database| database.accept_unverified(true)).unwrap_err();
    let expected = format!("checksum mismatch for {id}: the module proxy has {right}, go.sum has {OTHER_HASH} {advice}");
    assert_eq!((error.class(), error.to_string()), (Class::Verification, expected));
}

/// A line in go.sum is not enough for an SDK that the database has never seen (CVE-2026-94447).
#[test]
fn an_sdk_without_record() {
    let mut log = Log::new("sum.example", 1);
    log.fill(300);
    let answers = log.mirror(log.answers(300)).into_iter().map(|(path, body)| (path, (200, body)));
    let zips = ["linux_amd64", "darwin_arm64"].map(|platform| {
        let name = platform.replace('_', "-");
        (format!("golang.org/toolchain/@v/v0.0.1-go1.27.3.{name}.zip"), (200, sdk_zip(platform)))
    });
    let server = Server::start(answers.chain(zips).collect());
    let env = Env::of(&settings(&server));
    std::fs::write(env.path().join("go.mod"), "module main.example\ngo 1.27.3\n").unwrap();
    let line = |platform: &str| {
        format!("golang.org/toolchain v0.0.1-go1.27.3.{} {}\n", platform.replace('_', "-"), sdk_hash(platform))
    };
    std::fs::write(env.path().join("go.sum"), line("darwin_arm64") + &line("linux_amd64")).unwrap();
    let error = lock(&env, SdkVersion::FromGoMod, None).unwrap_err();
    let id = "golang.org/toolchain@v0.0.1-go1.27.3.darwin-arm64";
    let url = format!("{}/sumdb/sum.example/lookup/{id}", server.url);
    let expected = format!(
        "failed to verify {id}: sum.example has no record of {id}: {url}: 404 Not Found: not found: no such module \
         (`godirect lock --accept-unverified` pins it without proof, and the lock says so)"
    );
    assert_eq!((error.class(), error.to_string()), (Class::Environment, expected));
}

/// Which server is asked.
#[test]
fn mirrors_of_the_database() {
    let log = sdk_log();
    let id = id("golang.org/toolchain@v0.0.1-go1.27.3.linux-amd64");
    let answers = log.answers(log.records.len());
    let files = |answers: database::Answers| -> Files { answers.into_iter().map(|(p, b)| (p, (200, b))).collect() };
    let mirror = Server::start(files(log.mirror(answers.clone())));
    let direct = Server::start(files(answers));
    let (none, gone) = (Server::start(Files::new()), Server::start(Files::from([supported(410)])));
    let (broken, empty) = (Server::start(Files::from([supported(500)])), Server::start(Files::from([supported(200)])));
    let prove = |goproxy: String, url: &str| {
        let settings = GoEnv { goproxy, gosumdb: format!("{} {url}", log.key()), ..GoEnv::default() };
        let env = Env::of(&settings);
        env.database.prove(&id, &env.cache, &env.proxy)
    };
    for (goproxy, url) in [
        (format!("{},{},{}", none.url, gone.url, mirror.url), ""),
        (format!("{}|{}", broken.url, mirror.url), ""),
        // What the user names is asked itself, and nobody else.
        (broken.url.clone(), direct.url.as_str()),
        ("off".to_owned(), direct.url.as_str()),
    ] {
        let Trust::Proven(proven) = prove(goproxy, url).unwrap() else { panic!("it is proven") };
        assert_eq!(proven.module(), sdk_hash("linux_amd64"));
    }
    assert_eq!(broken.requests(), 3, "three attempts as the first proxy, none as the only one");

    let help = "check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network; \
                or `godirect lock --accept-unverified` pins it without proof, and the lock says so";
    let error = prove(format!("{},{}", broken.url, mirror.url), "").unwrap_err();
    let why = format!("{}/sumdb/sum.example/supported: 500 Internal Server Error", broken.url);
    assert_eq!(error.to_string(), format!("failed to verify {id}: failed to fetch sum.example: {why} ({help})"));
    // A proxy that says that it is a mirror is believed, even if there were a better one.
    let error = prove(format!("{},{}", empty.url, mirror.url), "").unwrap_err();
    let path = "sumdb/sum.example/lookup/golang.org/toolchain@v0.0.1-go1.27.3.linux-amd64";
    assert_eq!(
        error.to_string(),
        format!(
            "failed to verify {id}: sum.example has no record of {id}: {}/{path}: 404 Not Found: not found: no such module \
             (`godirect lock --accept-unverified` pins it without proof, and the lock says so)",
            empty.url
        )
    );
}

fn supported(status: u16) -> (String, (u16, Vec<u8>)) {
    ("sumdb/sum.example/supported".to_owned(), (status, Vec::new()))
}

#[test]
fn a_module_that_needs_a_newer_sdk_is_refused() {
    let module = |go: &str| {
        let files = [
            ("a.example/m@v1.0.0/go.mod", format!("module a.example/m\n\ngo {go}\n").into_bytes()),
            ("a.example/m@v1.0.0/a.go", b"package m\n".to_vec()),
        ];
        files.map(|(name, content)| (name, content.leak() as &[u8]))
    };
    for (go, refused) in
        [("1.27", None), ("1.27.3", None), ("1.20.99", None), ("1.28", Some("1.28")), ("1.27.4", Some("1.27.4"))]
    {
        let files = module(go);
        let server = sdk_server(&files);
        let env = Env::of(&settings(&server));
        std::fs::write(env.path().join("go.mod"), "module main.example\ngo 1.27.3\nrequire a.example/m v1.0.0\n").unwrap();
        std::fs::write(env.path().join("go.sum"), format!("a.example/m v1.0.0 {}\n", h1_of(&files))).unwrap();
        let error = lock(&env, SdkVersion::FromGoMod, None).err().map(|error| error.to_string());
        let expected = refused.map(|go| {
            format!(
                "module a.example/m@v1.0.0 requires go >= {go}, and the SDK is go1.27.3 \
                 (`go get go@{go}` raises the go line of go.mod, or choose an older version of the module)"
            )
        });
        assert_eq!(error, expected);
    }
}

#[test]
fn versions_of_the_sdk() {
    let env = Env::new("off");
    let resolve = |go_mod: &str, version: SdkVersion| {
        std::fs::write(env.path().join("go.mod"), go_mod).unwrap();
        let workspace = Workspace::load(&godirect::files::Files::default(), env.path())?;
        let request = request(version, SdkOrigin::Module, &[]);
        sdk::resolve_version(&request, &workspace).map(|v| v.to_string())
    };
    assert_eq!(resolve("module m\ngo 1.27\n", SdkVersion::FromGoMod).unwrap(), "1.27.0");
    assert_eq!(resolve("module m\ngo 1.27\n", SdkVersion::Exact("1.26.1".parse().unwrap())).unwrap(), "1.26.1");
    assert_eq!(resolve("module m\ngo 1.26.0\ntoolchain go1.27.1\n", SdkVersion::FromGoMod).unwrap(), "1.27.1");
    let advice = "(ask for a newer one, e.g. go_sdk(version = \"1.27.3\"), which compiles for older go lines as they demand; \
                  or for this one's archive: go_sdk(source = archive(…)))";
    let cases = [
        (
            "module m\n",
            "go.mod has no go line, so it doesn't say which SDK to use \
             (`go mod edit -go=1.27.3` adds one, or write go_sdk(version = \"1.27.3\") in the spec)"
                .to_owned(),
        ),
        (
            "module m\ngo 1.27\ntoolchain go1.28\n",
            "`toolchain go1.28` of go.mod names a language version, and no toolchain (write `toolchain go1.28.0`)".to_owned(),
        ),
        (
            "module m\ngo 1.17\n",
            format!("`go 1.17` of go.mod asks for Go 1.17, but module proxies have SDKs from 1.21 on {advice}"),
        ),
    ];
    for (go_mod, expected) in cases {
        assert_eq!(resolve(go_mod, SdkVersion::FromGoMod).unwrap_err().to_string(), expected);
    }
}

/// An archive as on Go's download page, made by the real tar.
#[test]
fn sdk_archives() {
    let env = Env::new("off");
    let tree = env.path().join("go");
    for (name, content) in [("bin/go", "x"), ("src/errors/errors.go", "package errors\n"), ("VERSION", "go1.27.3\n")] {
        let path = tree.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let run = |program: &str, args: &[&str]| {
        let status = Command::new(program).args(args).current_dir(env.path()).status().unwrap();
        assert!(status.success());
    };
    run("chmod", &["+x", "go/bin/go"]);
    run("tar", &["czf", "sdk.tar.gz", "go"]);
    run("ln", &["-s", "/etc/passwd", "go/link"]);
    run("tar", &["czf", "trap.tar.gz", "go"]);
    run("rm", &["go/link"]);
    let pinned = |name: &str, sha256| {
        let urls = vec![format!("file://{}", env.path().join(name).display())];
        let given = BTreeMap::from([("linux/amd64".parse().unwrap(), Archive { urls, sha256: Some(sha256) })]);
        SdkOrigin::Archive(Archives { index: DOWNLOAD_PAGE.to_owned(), given })
    };
    let digest = |name: &str| godirect::lock::archive::digest_of(&env.path().join(name)).unwrap().1;
    let fetch = |origin: &SdkOrigin| {
        let version: GoVersion = "1.27.3".parse().unwrap();
        let exact = SdkVersion::Exact(version.clone());
        let request = request(exact, origin.clone(), &["linux/amd64".parse().unwrap()]);
        sdk::fetch(&request, version, &GoSum::default(), None, &env.fetcher())
    };
    let fetched = fetch(&pinned("sdk.tar.gz", digest("sdk.tar.gz"))).unwrap();
    assert_eq!(fetched.downloads[0].nar.0.to_string(), nix_hash(&tree));
    assert_eq!(nix_hash(&fetched.goroot), nix_hash(&tree));

    let error = fetch(&pinned("trap.tar.gz", digest("trap.tar.gz"))).err().unwrap();
    assert_eq!(
        error.message(),
        "SDK archive of linux/amd64: the archive is refused: file \"go/link\": it is a symlink or a special file"
    );
    let (real, wrong) = (digest("trap.tar.gz"), godirect::digest::Sha256::of("other"));
    let error = fetch(&pinned("trap.tar.gz", wrong)).err().unwrap();
    assert_eq!(error.class(), Class::Verification);
    assert_eq!(
        error.message(),
        format!("checksum mismatch for the SDK archive of linux/amd64: the server has {real}, the spec has {wrong}")
    );
}
