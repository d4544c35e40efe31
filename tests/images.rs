//! Container images: the same bytes from all engines, as skopeo reads them, and what is refused.

#[path = "support/engines.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod engines;
#[path = "support/cli.rs"]
#[allow(dead_code)]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use godirect::digest::Sha256;
use serde_json::{Value, json};
use support::{GOROOT, Project, error, repository};

static SKOPEO: LazyLock<PathBuf> = LazyLock::new(|| engines::provisioned("skopeo.sh"));

/// What skopeo prints.
fn skopeo(arguments: &[&str]) -> String {
    let output = Command::new(&*SKOPEO).args(arguments).output().unwrap();
    engines::succeeded(&format!("skopeo {}", arguments.join(" ")), &output)
}

/// What `tar` lists of an archive, with modes, numeric owners and times.
fn listed(archive: &Path) -> Vec<String> {
    let mut command = Command::new("tar");
    command.args(["--numeric-owner", "--full-time", "--utc", "-tvf"]).arg(archive);
    let printed = engines::succeeded("tar", &command.output().unwrap());
    printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

const CERTIFICATES: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

/// A program with two images, locked and with generated files.
fn project() -> Project {
    let project = Project::example("01-hello").with_user_cache();
    project.write(
        "godirect.star",
        "platforms(\"linux/amd64\", \"linux/arm64\", \"windows/amd64\")\n\
         binary(\".\", runtime = {\"GOMEMLIMIT\": \"64MiB\"})\n\
         image(\n    \"all-image\",\n    binary = \"hello\",\n    reference = \"registry.example.com:5000/team/hello:1.0\",\n    \
         args = [\"-x={a}\", \"-b\", \"100%s\"],\n    env = {\"A\": \"b c\", \"Z\": \"\"},\n    labels = {\"org.example.a\": \"v=<w>\"},\n    \
         ports = [8080, \"53/udp\"],\n    user = \"65532:65532\",\n    working_dir = \"/tmp\",\n    certificates = \"certs/ca.pem\",\n    time_zones = True,\n)\n\
         image(\"one-image\", binary = \"hello\", platforms = [\"linux/amd64\"])\n\nnix()\n\nbazel()\n",
    );
    project.write("certs/ca.pem", CERTIFICATES);
    project.edit("MODULE.bazel", "../../rules_go_direct", &repository("rules_go_direct").display().to_string());
    engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    engines::succeeded("godirect generate", &project.command(&["generate"]).output().unwrap());
    project
}

#[test]
fn images_are_the_same_from_all_engines() {
    let project = project();
    let built: Value = serde_json::from_str(&project.succeeds(&["--json", "build", "all-image", "one-image"])).unwrap();
    let made: Vec<(&str, &str, &Value)> = built["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| (image["name"].as_str().unwrap(), image["path"].as_str().unwrap(), &image["sha256"]))
        .collect();
    assert_eq!(made.iter().map(|image| image.0).collect::<Vec<_>>(), ["all-image", "one-image"]);
    // At one place, for which Bazel unpacks the SDK once.
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
    let _ = fs::remove_dir_all(&workspace);
    let tree = support::read_tree(&project.root());
    support::write_tree(&workspace, &tree, tree.keys());
    let nix = engines::nix_build(&project.root(), &["all-image".to_owned(), "one-image".to_owned()]);
    for ((name, path, sha256), nix) in made.iter().zip(nix) {
        let content = fs::read(project.root().join(path)).unwrap();
        assert_eq!(Sha256::of(&content).to_string(), **sha256);
        assert!(content == fs::read(nix).unwrap(), "{name} differs from that of Nix");
        let bazel = engines::bazel_build(&workspace, "linux_amd64", &format!("//:{name}"));
        assert!(content == fs::read(bazel).unwrap(), "{name} differs from that of Bazel");
    }
    engines::end_bazel(&workspace);
    check_all(&project.root().join(made[0].1), &project.path("layout"));
    check_one(&project.root().join(made[1].1), &project.path("layout-one"));
    // Nothing has changed, so nothing is done.
    let again: Value = serde_json::from_str(&project.succeeds(&["--json", "build", "all-image", "one-image"])).unwrap();
    assert_eq!(again["images"], built["images"]);
    // A file that only the image has does change it, also when it is damaged.
    project.write("certs/ca.pem", &CERTIFICATES.repeat(2));
    let other: Value = serde_json::from_str(&project.succeeds(&["--json", "build", "all-image", "one-image"])).unwrap();
    assert!(other["images"][0]["sha256"] != built["images"][0]["sha256"] && other["images"][1] == built["images"][1]);
}

/// The image for two platforms.
fn check_all(image: &Path, layout: &Path) {
    let archive = format!("oci-archive:{}", image.display());
    // It reads every blob, and compares digests.
    skopeo(&["copy", "--quiet", "--all", &archive, &format!("dir:{}", layout.display())]);
    let zones = zip_names(&GOROOT.join("lib/time/zoneinfo.zip"));
    for (architecture, variant) in [("amd64", None), ("arm64", Some("v8"))] {
        let choice = ["--override-os=linux", &format!("--override-arch={architecture}")].map(str::to_owned);
        let choice: Vec<String> = choice.into_iter().chain(variant.map(|v| format!("--override-variant={v}"))).collect();
        let choice: Vec<&str> = choice.iter().map(String::as_str).collect();
        let config = skopeo(&[&choice[..], &["inspect", "--config", "--raw", &archive]].concat());
        let config: Value = serde_json::from_str(&config).unwrap();
        let raw: Value = serde_json::from_str(&skopeo(&[&choice[..], &["inspect", &archive]].concat())).unwrap();
        let layers = raw["Layers"].as_array().unwrap();
        let mut expected = json!({
            "created": "1970-01-01T00:00:00Z",
            "architecture": architecture,
            "os": "linux",
            "config": {
                "User": "65532:65532",
                "ExposedPorts": {"53/udp": {}, "8080/tcp": {}},
                "Env": ["A=b c", "GOMEMLIMIT=64MiB", "Z="],
                "Entrypoint": ["/bin/hello"],
                "Cmd": ["-x={a}", "-b", "100%s"],
                "WorkingDir": "/tmp",
                "Labels": {"org.example.a": "v=<w>"},
            },
            "rootfs": {"type": "layers", "diff_ids": layers},
            "history": [
                {"created": "1970-01-01T00:00:00Z", "created_by": "godirect: base files"},
                {"created": "1970-01-01T00:00:00Z", "created_by": "godirect: /bin/hello"},
            ],
        });
        if let Some(variant) = variant {
            expected["variant"] = variant.into();
        }
        assert_eq!(config, expected);
        let blob = |index: usize| layout.join(&layers[index].as_str().unwrap()["sha256:".len()..]);
        check_base(&blob(0), &zones);
        let binary = image.with_file_name(format!("linux_{architecture}")).join("hello");
        let size = fs::metadata(&binary).unwrap().len();
        let program = format!("-rwxr-xr-x 0/0 {size} 1970-01-01 00:00:00 bin/hello");
        assert_eq!(listed(&blob(1)), ["drwxr-xr-x 0/0 0 1970-01-01 00:00:00 bin/", &program]);
        assert!(extracted(&blob(1), "bin/hello") == fs::read(binary).unwrap());
    }
    let entries = listed(image);
    assert!(entries.iter().all(|entry| entry.contains(" 0/0 ") && entry.contains(" 1970-01-01 00:00:00 ")), "{entries:#?}");
    let names: Vec<&str> = entries.iter().filter_map(|entry| entry.rsplit(' ').next()).collect();
    assert!(names.is_sorted() && names.contains(&"index.json") && names.contains(&"oci-layout"), "{names:#?}");
    let index: Value = serde_json::from_slice(&extracted(image, "index.json")).unwrap();
    let named = json!({"org.opencontainers.image.ref.name": "registry.example.com:5000/team/hello:1.0"});
    assert_eq!(index["manifests"][0]["annotations"], named);
}

/// The layer that all platforms have in common.
fn check_base(layer: &Path, zones: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(extracted(layer, "etc/ssl/certs/ca-certificates.crt"), CERTIFICATES.as_bytes());
    let entries = listed(layer);
    assert_eq!(entries.iter().find(|entry| entry.ends_with(" tmp/")).unwrap(), "drwxrwxrwt 0/0 0 1970-01-01 00:00:00 tmp/");
    let names: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.rsplit(' ').next()).collect();
    let mut expected: BTreeSet<String> = zones.keys().map(|name| format!("usr/share/zoneinfo/{name}")).collect();
    expected.extend(["etc/ssl/certs/ca-certificates.crt".to_owned(), "tmp/".to_owned()]);
    for name in expected.clone() {
        let parents = name.trim_end_matches('/').match_indices('/').map(|(at, _)| name[..=at].to_owned());
        expected.extend(parents);
    }
    assert_eq!(names, expected.iter().map(String::as_str).collect());
    assert_eq!(extracted(layer, "usr/share/zoneinfo/Europe/Berlin"), zones["Europe/Berlin"]);
}

/// The image for one platform, which older tools read as well.
fn check_one(image: &Path, layout: &Path) {
    skopeo(&["copy", "--quiet", &format!("oci-archive:{}", image.display()), &format!("dir:{}", layout.display())]);
    let by = |kind: &str| skopeo(&["inspect", "--config", "--raw", &format!("{kind}:{}", image.display())]);
    let config: Value = serde_json::from_str(&by("oci-archive")).unwrap();
    assert_eq!(config["config"], json!({"Env": ["GOMEMLIMIT=64MiB"], "Entrypoint": ["/bin/hello"]}));
    assert_eq!(config, serde_json::from_str::<Value>(&by("docker-archive")).unwrap());
    let manifest: Value = serde_json::from_slice(&fs::read(layout.join("manifest.json")).unwrap()).unwrap();
    let base = manifest["layers"][0]["digest"].as_str().unwrap().trim_start_matches("sha256:");
    assert_eq!(listed(&layout.join(base)), ["drwxrwxrwt 0/0 0 1970-01-01 00:00:00 tmp/"]);
    skopeo(&["inspect", &format!("docker-archive:{}:one-image:latest", image.display())]);
}

fn extracted(archive: &Path, name: &str) -> Vec<u8> {
    let output = Command::new("tar").arg("-xOf").arg(archive).arg(name).output().unwrap();
    assert!(output.status.success(), "{name} in {}", archive.display());
    output.stdout
}

/// The files of a zip.
fn zip_names(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let mut found = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        if !file.is_dir() {
            let mut content = Vec::new();
            std::io::copy(&mut file, &mut content).unwrap();
            found.insert(file.name().unwrap().into_owned(), content);
        }
    }
    found
}

const STATIC: &str = "which the image doesn't have; link it statically: without cgo and with the default buildmode, or with cgo and static = True";

#[test]
fn what_needs_libraries_is_refused() {
    let compiler = engines::provisioned("c.sh");
    let project = Project::example("01-hello").with_user_cache().env("PATH", compiler.parent().unwrap().display());
    project.write(
        "godirect.star",
        "platforms(\"linux/amd64\")\nprofile(\"pie\", buildmode = \"pie\")\nprofile(\"c\", cgo = True)\nprofile(\"static\", extends = \"c\", static = True)\n\
         binary(\".\", profiles = [\"pie\", \"c\", \"static\"])\nimage(\"pie-image\", binary = \"hello\")\n\
         image(\"c-image\", binary = \"hello\", profile = \"c\")\nimage(\"static-image\", binary = \"hello\", profile = \"static\")\n",
    );
    project.write("c.go", "package main\n\nimport \"C\"\n");
    project.edit("godirect.star", "buildmode = \"pie\"", "buildmode = \"pie\", cgo = True");
    project.succeeds(&["lock"]);
    let refused = |image: &str, needs: &str| {
        let ran = project.run(&["build", image]);
        let profile = image.trim_end_matches("-image");
        let file = format!("$DIR/godirect-out/linux_amd64-{profile}/hello");
        let wanted =
            format!("error: failed to make the image {image}: {file} is linked dynamically and needs {needs}, {STATIC}\n");
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(1), "", wanted.as_str()));
    };
    refused("c-image", "libc.so.6");
    let made = project.succeeds(&["build", "static-image"]);
    assert!(made.lines().any(|line| line.starts_with("image ")), "{made}");
    fs::remove_file(project.root().join("c.go")).unwrap();
    project.edit("godirect.star", "buildmode = \"pie\", cgo = True", "buildmode = \"pie\"");
    project.succeeds(&["lock"]);
    refused("pie-image", "/lib64/ld-linux-x86-64.so.2");
}

#[test]
fn what_the_spec_says_must_be_there() {
    let project = Project::example("01-hello").with_user_cache();
    let fails = |image: &str, message: &str, help: &str| {
        let (width, line) = (image.len(), format!("{image}\n"));
        project.write("godirect.star", &format!("platforms(\"linux/amd64\", \"windows/amd64\")\nprofile(\"lib\", buildmode = \"c-archive\")\nbinary(\".\", profiles = [\"default\", \"lib\"])\n{line}"));
        project.succeeds(&["lock"]);
        let stderr = format!(
            "error: {message}\n --> godirect.star:4:1\n  |\n4 | {image}\n  | {}\n  |\nhelp: {help}\n",
            "^".repeat(width)
        );
        project.fails(&["build", "x-image"], 2, &stderr);
    };
    let lock_fails = |image: &str, message: &str, help: &str| {
        project.write("godirect.star", &format!("platforms(\"linux/amd64\", \"windows/amd64\")\nprofile(\"lib\", buildmode = \"c-archive\")\nbinary(\".\", profiles = [\"default\", \"lib\"])\n{image}\n"));
        let stderr = format!(
            "error: {message}\n --> godirect.star:4:1\n  |\n4 | {image}\n  | {}\n  |\nhelp: {help}\n",
            "^".repeat(image.len())
        );
        project.fails(&["lock"], 2, &stderr);
    };
    lock_fails("image(\"x-image\", binary = \"other\")", "the spec has no binary `other`", "it has hello");
    lock_fails(
        "image(\"hello\", binary = \"hello\")",
        "the image can't have the name `hello`, which something else has",
        "binaries, SDKs and images share names: call it `hello-image`",
    );
    lock_fails(
        "image(\"x-image\", binary = \"hello\", profile = \"race\")",
        "the binary hello doesn't have the profile `race`",
        "it has default, lib",
    );
    lock_fails(
        "image(\"x-image\", binary = \"hello\", profile = \"lib\")",
        "hello is no program, but a library (buildmode c-archive)",
        "give the image a profile that makes a program: image(…, profile = …)",
    );
    fails(
        "image(\"x-image\", binary = \"hello\", certificates = \"ca.pem\")",
        "there is no file ca.pem, which certificates of the image x-image names",
        "write the path of a PEM file, relative to the spec",
    );
    project.write("ca.pem", "no certificate\n");
    let message = "failed to make the image x-image: $DIR/ca.pem has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----";
    project.fails(&["build", "x-image"], 1, &format!("error: {message}\n"));
    project.fails(&["build", "y-image"], 2, &error("the spec has no binary or image `y-image`", "it has hello, x-image"));
}

/// The program that writes images, which all engines run.
#[test]
fn the_program_passes_its_tests() {
    let directory = tempfile::tempdir().unwrap();
    for from in ["templates/image", "tests/image"] {
        for (name, content) in support::read_tree(&repository(from)) {
            fs::write(directory.path().join(name), content).unwrap();
        }
    }
    for arguments in [["test", "."], ["vet", "."]] {
        let output = engines::go_command(&GOROOT, directory.path(), &[]).args(arguments).output().unwrap();
        engines::succeeded("go", &output);
    }
    let unformatted = Command::new(GOROOT.join("bin/gofmt")).arg("-l").arg(directory.path()).output().unwrap();
    assert_eq!(engines::succeeded("gofmt", &unformatted), "");
}

/// Bazel takes the program from its ruleset, which has to have a copy.
#[test]
fn the_ruleset_has_the_same_program() {
    let files = |directory: &str| {
        let mut tree = support::read_tree(&repository(directory));
        tree.retain(|name, _| name.ends_with(".go"));
        tree
    };
    let same = files("templates/image") == files("rules_go_direct/go/private/image");
    assert!(same, "cp templates/image/*.go rules_go_direct/go/private/image/");
}
