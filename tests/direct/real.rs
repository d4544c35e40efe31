//! Real modules: what the module proxy has is put into a repository, and must come out with the same hash.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::symlink;

use godirect::lock::archive::Layout;
use godirect::lock::cache::Cache;
use godirect::lock::fetch::Fetcher;
use godirect::lock::proxy::Proxy;

use crate::support::{World, id};

/// At the top and in directories, with and without go.mod, with a major version in the path and without one.
const MODULES: [&str; 22] = [
    "github.com/Azure/go-autorest/autorest@v0.11.29",
    "github.com/Azure/go-autorest/autorest/adal@v0.9.24",
    "github.com/BurntSushi/toml@v1.4.0",
    "github.com/cespare/xxhash/v2@v2.3.0",
    "github.com/coreos/go-semver@v0.3.1",
    "github.com/davecgh/go-spew@v1.1.1",
    "github.com/dgrijalva/jwt-go@v3.2.0+incompatible",
    "github.com/docker/distribution@v2.8.3+incompatible",
    "github.com/fatih/color@v1.18.0",
    "github.com/go-logr/zapr@v1.3.0",
    "github.com/golang-jwt/jwt/v5@v5.2.1",
    "github.com/google/go-cmp@v0.6.0",
    "github.com/hashicorp/go-multierror@v1.1.1",
    "github.com/kr/pretty@v0.3.1",
    "github.com/mattn/go-isatty@v0.0.20",
    "github.com/pkg/errors@v0.9.1",
    "github.com/pmezard/go-difflib@v1.0.0",
    "github.com/rogpeppe/go-internal@v1.12.0",
    "github.com/russross/blackfriday/v2@v2.1.0",
    "github.com/sergi/go-diff@v1.3.1",
    "github.com/spf13/cobra@v1.8.1",
    "github.com/stretchr/testify@v1.9.0",
];

#[test]
fn real_modules_have_the_hashes_of_the_proxy() {
    let world = World::new();
    let proxy = Proxy::from_env().unwrap();
    for module in MODULES {
        let real = Cache::at(world.path("real")).unwrap();
        let fetcher = Fetcher { cache: &real, proxy: &proxy, database: None, progress: &|_| {} };
        let expected = fetcher.zip(&id(module), Layout::Module(module), None, None).unwrap().h1.unwrap();
        let file = File::open(real.download(&id(module), &expected, "zip")).unwrap();

        let (path, version) = module.split_once('@').unwrap();
        let elements: Vec<&str> = path.split('/').collect();
        let below: Vec<&str> = elements[3..].iter().copied().filter(|element| !["v2", "v5"].contains(element)).collect();
        let directory = below.iter().map(|element| format!("{element}/")).collect::<String>();
        let name = elements[..3].join("/");
        let _ = std::fs::remove_dir_all(world.path("repos").join(&name));
        let repo = world.repo(&name);
        // Each byte as it is, whatever the module's own attributes say.
        repo.write(".git/info/attributes", b"* -text -filter -ident\n");
        let mut archive = zip::ZipArchive::new(file).unwrap();
        for i in 0..archive.len() {
            let mut entry = archive.by_index(i).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let file = entry.name().unwrap().strip_prefix(&format!("{module}/")).unwrap().to_owned();
            // The license of the repository becomes that of its modules.
            let top = if file == "LICENSE" { "" } else { directory.as_str() };
            repo.write(&format!("{top}{file}"), &content);
        }
        // What must be left out.
        for extra in ["vendor/x.example/x/x.go", "zz/go.mod", "zz/z.go"] {
            repo.write(&format!("{directory}{extra}"), b"package x\n");
        }
        symlink("zz", repo.directory.join(format!("{directory}zz-link"))).unwrap();
        repo.git(&["add", "-A", "--force"]);
        repo.commit(&[]).tag(&format!("{directory}{}", version.trim_end_matches("+incompatible")));
        let ours = world.restarted().godirect(module).unwrap_or_else(|e| panic!("{module}: {e}"));
        assert_eq!(ours.0, expected.to_string(), "{module}");
    }
}
