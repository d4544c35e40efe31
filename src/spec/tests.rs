use super::*;

fn error(content: &str) -> String {
    parse(content).expect_err(content).render(false)
}

#[test]
fn two_lines_are_a_spec() {
    let spec = parse("binary(\".\")\nnix()\n").unwrap();
    assert_eq!(spec.sdks.keys().collect::<Vec<_>>(), [DEFAULT_SDK]);
    assert_eq!(spec.sdks[DEFAULT_SDK].version, SdkVersion::FromGoMod);
    assert_eq!(spec.platforms.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["linux_amd64", "linux_arm64"]);
    assert_eq!(spec.binaries[0].profiles, [DEFAULT_PROFILE]);
    assert!(spec.nix.is_some() && !spec.bazel);
}

#[test]
fn says_all_that_it_can() {
    let spec = parse(
        r#"
go_sdk(version = "1.27.3", source = archive(
    urls = {"linux/amd64": ["https://example.com/go.tar.gz"]},
    sha256 = {"linux/amd64": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
), exec_platforms = ["linux/amd64"])
module("backend")
platforms("linux/amd64", platform("linux/amd64", name = "fast", amd64 = "v3"), "wasip1/wasm")
profile("release", tags = ["netgo"], ldflags = ["-s", "-w"])
profile("debug", gcflags = ["-N", "-l"])
profile("next", sdk = "next")
go_sdk(name = "next", version = "go1.28rc1")
binary("./cmd/server", name = "srv", profiles = ["release", "debug"])
bazel()
nix(dir = "build/nix", flake = False)
"#,
    )
    .unwrap();
    let sdk = spec.sdk(DEFAULT_SDK).unwrap();
    assert_eq!(sdk.version, SdkVersion::Exact("1.27.3".parse().unwrap()));
    assert!(matches!(&sdk.source, SdkSource::Archive(a) if a.given.len() == 1));
    assert_eq!(spec.sdk("next").unwrap().version, SdkVersion::Exact("1.28rc1".parse().unwrap()));
    assert_eq!((spec.profiles["next"].sdk.as_str(), spec.profiles["debug"].sdk.as_str()), ("next", DEFAULT_SDK));
    assert_eq!(spec.sdk("old").unwrap_err().to_string(), "godirect.star has no SDK `old` (it has default, next)");
    assert_eq!(spec.module_dir, "backend");
    assert_eq!(spec.platforms[1].name, "fast");
    assert_eq!(spec.platforms[1].platform.variant(), Some("v3"));
    assert_eq!(spec.profiles["debug"].gcflags, ["-N", "-l"]);
    assert_eq!(spec.binaries[0].name.as_deref(), Some("srv"));
    assert!(spec.bazel);
    let nix = spec.nix.unwrap();
    assert_eq!((nix.dir.as_str(), nix.flake), ("build/nix", false));
}

#[test]
fn an_sdk_from_source() {
    let sdk = |call: &str| {
        parse(&format!("go_sdk(version = \"1.27.3\", source = {call})\n")).map(|spec| spec.sdks[DEFAULT_SDK].source.clone())
    };
    assert_eq!(sdk("from_source()").unwrap(), SdkSource::Source(FromSource::default()));
    let all = "from_source(bootstrap = \"go1.24.6\", experiments = [\"arenas\"], patches = [\"patches/a.patch\"])";
    let expected = FromSource {
        bootstrap: Some("1.24.6".parse().unwrap()),
        experiments: vec!["arenas".to_owned()],
        patches: vec!["patches/a.patch".to_owned()],
    };
    assert_eq!(sdk(all).unwrap(), SdkSource::Source(expected));
    for (call, message) in [
        ("from_source(bootstrap = \"1.24\")", "Go 1.24 is a language version, not a release"),
        ("from_source(bootstrap = from_go_mod())", "bootstrap can't be a struct"),
        ("from_source(experiments = [\"Arenas\"])", "`Arenas` is not a GOEXPERIMENT"),
        ("from_source(experiments = [\"arenas\", \"noarenas\"])", "the experiment `noarenas` is said twice"),
        ("from_source(experiments = \"arenas\")", "experiments can't be a string"),
        ("from_source(patches = [\"../a.patch\"])", "`../a.patch` is not a directory inside the repository"),
        ("from_source(patches = [\"./a.patch\"])", "`./a.patch` can't be the path of a patch"),
        ("from_source(patches = [\"a.patch\", \"a.patch\"])", "the patch a.patch is said twice"),
    ] {
        assert_eq!(sdk(call).unwrap_err().message(), message, "{call}");
    }
}

#[test]
fn impossible_platform() {
    assert_eq!(
        error("platforms(\n    \"linux/amd64\",\n    \"windows/riscv64\",\n)\n"),
        "error: Go has no port to `windows/riscv64`
 --> godirect.star:3:5
  |
3 |     \"windows/riscv64\",
  |     ^^^^^^^^^^^^^^^^^
  |
help: there are freebsd/riscv64, linux/riscv64, openbsd/riscv64, windows/386, windows/amd64, windows/arm64"
    );
}

#[test]
fn unknown_argument() {
    assert_eq!(
        error("go_sdk(verison = \"1.27.3\")\n"),
        "error: found `verison` extra named parameter(s) for call to go_sdk
 --> godirect.star:1:1
  |
1 | go_sdk(verison = \"1.27.3\")
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^"
    );
}

#[test]
fn wrong_type() {
    assert_eq!(
        error("go_sdk(version = 1.27)\n"),
        "error: version can't be a float
 --> godirect.star:1:1
  |
1 | go_sdk(version = 1.27)
  | ^^^^^^^^^^^^^^^^^^^^^^
  |
help: write a string like \"1.27.3\" or from_go_mod()"
    );
    assert!(error("profile(\"p\", tags = \"netgo\")").contains("tags"), "{}", error("profile(\"p\", tags = \"netgo\")"));
}

#[test]
fn duplicates() {
    assert!(error("nix()\nnix()\n").contains("nix() is said twice\n --> godirect.star:2:1"));
    assert!(error("nix()\nnix()\n").contains("help: the first is at godirect.star:1:1"));
    assert!(error("platforms(\"linux/amd64\", \"linux/amd64/v1\")").contains("the platform linux/amd64 is said twice"));
    assert!(error("binary(\"./a\")\nbinary(\"a\")").contains("the binary `a` is said twice"));
    assert!(error("binary(\"a\", name = \"x\")\nbinary(\"b\", name = \"x\")").contains("two binaries have the name `x`"));
    assert!(error("profile(\"p\")\nprofile(\"p\")").contains("the profile `p` is said twice"));
}

#[test]
fn language_version_is_not_a_release() {
    assert!(error("go_sdk(version = \"1.27\")").contains("help: write \"1.27.0\" or a later patch release"));
    assert!(error("go_sdk(version = \"1.x\")").contains("`1.x` is not a Go version like `1.27.3`"));
}

#[test]
fn hostile_names() {
    for name in ["a\\\"b", "${HOME}", "a\\nb", "../x", "-rf", "a/b", ""] {
        assert!(error(&format!("binary(\".\", name = \"{name}\")")).contains("can't be the name of a binary"), "{name}");
        assert!(error(&format!("profile(\"{name}\")")).contains("can't be the name of a profile"), "{name}");
    }
    for dir in ["../x", "/etc", "a/../b", "a//b", "a\\nb", "C:\\\\x"] {
        assert!(error(&format!("binary(\"{dir}\")")).contains("is not a directory inside the repository"), "{dir}");
    }
}

#[test]
fn nix_directories_can_stand_in_a_path() {
    for dir in [".", "a b", "${x}", "../nix", "/nix"] {
        assert!(parse(&format!("nix(dir = \"{dir}\")")).is_err(), "{dir}");
    }
}

#[test]
fn unknown_profile_names_those_that_exist() {
    let shown = error("profile(\"release\")\nbinary(\".\", profiles = [\"relase\"])");
    assert!(shown.contains("there is no profile `relase`\n --> godirect.star:2:1"), "{shown}");
    assert!(shown.contains("help: there are release"));
}

#[test]
fn nothing_else_is_reachable() {
    for call in
        ["open(\"/etc/passwd\")", "getattr(1, \"x\")()", "load(\"/etc/passwd\", \"x\")", "load(\"@other//x.star\", \"x\")"]
    {
        error(call);
    }
    assert!(error("def f():\n    for i in range(1 << 40):\n        pass\nf()").contains("error"));
    assert!(error("def f():\n    f()\nf()").contains("error"));
}

#[test]
fn syntax_error_has_a_place() {
    let shown = error("binary(\n");
    assert!(shown.contains("godirect.star:"), "{shown}");
}

#[test]
fn loads_only_from_inside_the_repository() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("go/common.star", "load(\"more.star\", \"NAMES\")\ndef binaries():\n    for n in NAMES:\n        binary(n)\n");
    write("go/more.star", "NAMES = [\"./a\", \"./b\"]\n");
    write("godirect.star", "load(\"//go/common.star\", \"binaries\")\nbinaries()\n");
    assert_eq!(load(&Files::default(), dir.path()).unwrap().binaries.len(), 2);

    write("go/more.star", "load(\"//go:common.star\", \"binaries\")\nNAMES = []\n");
    assert!(
        load(&Files::default(), dir.path())
            .unwrap_err()
            .message()
            .contains("circle: go/common.star → go/more.star → go/common.star")
    );

    write("go/more.star", "nix()\nNAMES = []\n");
    let error = load(&Files::default(), dir.path()).unwrap_err();
    assert_eq!(error.advice(), Some("wrap it in a function and call that from the spec"));
    assert_eq!(error.location().unwrap().line, 1);

    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("out.star")).unwrap();
    write("godirect.star", "load(\"out.star\", \"x\")\n");
    assert!(load(&Files::default(), dir.path()).unwrap_err().message().contains("it is a link to outside of the repository"));
    write("godirect.star", "load(\"../x.star\", \"x\")\n");
    assert!(load(&Files::default(), dir.path()).unwrap_err().message().contains("can't load `../x.star`"));
}

#[test]
fn missing_spec_says_how_to_get_one() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(load(&Files::default(), dir.path()).unwrap_err().advice(), Some("`godirect init` writes one from go.mod"));
}
