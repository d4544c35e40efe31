use super::*;

use super::profile::{BuildId, Buildmode, CoverMode, Linkmode, PackageFlags, Pgo, Sanitizer, Stamp};

fn flags(pattern: Option<&str>, flags: &[&str]) -> PackageFlags {
    PackageFlags { pattern: pattern.map(str::to_owned), flags: flags.iter().map(|f| (*f).to_owned()).collect() }
}

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
    assert!(spec.nix.is_some() && spec.bazel.is_none());
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
    assert_eq!(spec.profiles["debug"].gcflags, [flags(None, &["-N", "-l"])]);
    assert_eq!(spec.binaries[0].name.as_deref(), Some("srv"));
    assert_eq!(spec.bazel, Some(Ruleset::RulesGoDirect));
    let nix = spec.nix.unwrap();
    assert_eq!((nix.dir.as_str(), nix.flake), ("build/nix", false));
}

#[test]
fn rulesets() {
    assert_eq!(parse("bazel(ruleset = \"rules_go\")\n").unwrap().bazel, Some(Ruleset::RulesGo));
    assert!(error("bazel(ruleset = \"rules_rust\")\n").contains("there is no ruleset `rules_rust`"));
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
fn nix_tests_are_asked_for() {
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let nix = |text: &str| parse(text).unwrap().nix.unwrap();
    assert!(!nix("nix()").tests);
    let asked = nix("nix(tests = True, skip_tests = [\"./e2e/...\", \"example.com/m/net\"])");
    assert_eq!((asked.tests, asked.skip_tests), (true, [("./e2e/...", ""), ("example.com/m/net", "")].map(pair).into()));
    let some = nix("nix(tests = True, skip_tests = {\"./e2e\": \"\", \"./net\": \"^TestDial$|TestServe/slow\"})");
    assert_eq!(some.skip_tests, [("./e2e", ""), ("./net", "^TestDial$|TestServe/slow")].map(pair).into());
    let wrong = error("nix(tests = True, skip_tests = {\"./net\": [\"TestDial\"]})");
    assert!(wrong.contains("./net can't be a list"), "{wrong}");
    let wrong = error("nix(skip_tests = [\"./e2e\"])");
    assert!(wrong.contains("skip_tests leaves out tests, but Nix runs none\n --> godirect.star:1:1"), "{wrong}");
    assert!(wrong.contains("help: write tests = True beside it, or leave it out"), "{wrong}");
    assert!(error("nix(tests = True, skip_tests = \"./e2e\")").contains("skip_tests can't be a string"));

    let coverage = |value: &str| nix(&format!("nix(tests = True, coverage = {value})")).coverage;
    assert_eq!((nix("nix(tests = True)").coverage, coverage("False"), coverage("True")), (None, None, Some(Vec::new())));
    assert_eq!(coverage("[\"./...\"]"), Some(vec!["./...".to_owned()]));
    let wrong = error("nix(coverage = True)");
    assert!(wrong.contains("coverage counts what tests run, but Nix runs none\n --> godirect.star:1:1"), "{wrong}");
    assert!(error("nix(tests = True, coverage = [])").contains("counts the statements of no package"));
    assert!(error("nix(tests = True, coverage = \"./...\")").contains("coverage can't be a string"));
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

#[test]
fn a_profile_says_all_that_it_can() {
    let spec = parse(
        r#"
profile("all",
    asmflags = {"all": ["-D=X"]}, buildid = "go", buildmode = "pie", cc = "clang", cgo = True, cover = True,
    covermode = "count", coverpkg = ["./..."], cxx = "clang++", debug = True, fuzz = True,
    godebug = {"panicnil": "1"}, gcflags = {"std": ["-N"], "main": ["-l"]}, goexperiment = ["arenas"], gofips140 = "latest", ldflags = ["-v"],
    linkmode = "external", msan = True, pgo = "profiles/a.pgo", stamp = {
        "main.A": "x y", "example.com/p.B": env("B", default = "dev"), "main.C": status("STABLE_C"),
    }, static = True, strip = True, tags = ["netgo"], trimpath = True)
"#,
    );
    let text = |text: &str| text.to_owned();
    let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let expected = Profile {
        sdk: text("default"),
        tags: [text("netgo")].into(),
        gcflags: vec![flags(Some("std"), &["-N"]), flags(None, &["-l"])],
        asmflags: vec![flags(Some("all"), &["-D=X"])],
        ldflags: vec![flags(None, &["-v"])],
        stamp: [
            (text("example.com/p.B"), Stamp::Env { variable: text("B"), default: Some(text("dev")) }),
            (text("main.A"), Stamp::Text(text("x y"))),
            (text("main.C"), Stamp::Status { key: text("STABLE_C"), default: None }),
        ]
        .into(),
        strip: true,
        debug: true,
        cgo: true,
        cc: Some(text("clang")),
        cxx: Some(text("clang++")),
        pgo: Pgo::File(text("profiles/a.pgo")),
        sanitizer: Some(Sanitizer::Memory),
        cover: true,
        covermode: Some(CoverMode::Count),
        coverpkg: vec![text("./...")],
        fuzz: true,
        buildmode: Buildmode::Pie,
        linkmode: Linkmode::External,
        is_static: true,
        goexperiment: vec![text("arenas")],
        gofips140: Some(text("latest")),
        godebug: [pair(("panicnil", "1"))].into(),
        buildid: BuildId::Go,
    };
    assert_eq!(spec.unwrap().profiles["all"], expected);
    let runtime = parse("binary(\".\", runtime = {\"GOMEMLIMIT\": \"512MiB\", \"GOMAXPROCS\": 4})").unwrap();
    assert_eq!(runtime.binaries[0].runtime, [("GOMAXPROCS", "4"), ("GOMEMLIMIT", "512MiB")].map(pair).into());
}

#[test]
fn profiles_extend_each_other() {
    let spec = parse(
        r#"
profile("asan", extends = "race", asan = True)
profile("race", extends = "release", race = True, tags = ["slow"], strip = False, cover = True)
profile("release", tags = ["fast"], strip = True, cgo = True)
profile("plain", extends = "race", race = False)
"#,
    )
    .unwrap();
    let profile = |name: &str| &spec.profiles[name];
    let seen = |name: &str| (profile(name).strip, profile(name).cgo, profile(name).tags.len(), profile(name).sanitizer);
    assert_eq!(seen("release"), (true, true, 1, None));
    assert_eq!(seen("race"), (false, true, 1, Some(Sanitizer::Race)));
    assert_eq!(seen("asan"), (false, true, 1, Some(Sanitizer::Address)));
    assert_eq!(seen("plain"), (false, true, 1, None));
    assert!(profile("asan").tags.contains("slow"));
    let modes = ["release", "race", "asan"].map(|name| profile(name).cover_mode());
    assert_eq!(modes, [None, Some(CoverMode::Atomic), Some(CoverMode::Set)]);
    assert!(parse("profile(\"p\", extends = \"default\")").is_ok());
    assert_eq!(
        error("profile(\"a\", extends = \"b\")\nprofile(\"b\", extends = \"a\")"),
        "error: profiles extend each other in a circle: a → b → a
 --> godirect.star:1:1
  |
1 | profile(\"a\", extends = \"b\")
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    );
    assert!(error("profile(\"a\", extends = \"b\")").contains("there is no profile `b`\n --> godirect.star:1:1"));
}

#[test]
fn pipelines() {
    let spec = parse(
        "ci(\"github\", \"jenkins\", image = \"x\")\nci(\"gitlab\", engine = \"nix\", runner = \"y\", shards = 3)\nnix()\n",
    )
    .unwrap();
    let settings = spec.ci.iter().map(|(system, ci)| (system.name(), ci.engine.name(), ci.branch.as_str(), ci.shards));
    let wanted = [("github", "godirect", "main", 8), ("gitlab", "nix", "main", 3), ("jenkins", "godirect", "main", 8)];
    assert_eq!(settings.collect::<Vec<_>>(), wanted);
    for (call, message, help) in [
        ("ci()", "ci() needs at least one CI system", "e.g. ci(\"github\")"),
        (
            "ci(\"travis\")",
            "there is no CI system `travis`\n --> godirect.star:1:4",
            "there are github, gitlab, jenkins, buildkite",
        ),
        ("ci(1)", "a CI system can't be a int", "write a string like \"github\""),
        ("ci(\"github\", \"github\", image = \"x\")", "the CI system github is said twice", ""),
        ("ci(\"github\", engine = \"make\", image = \"x\")", "there is no engine `make`", "there are godirect, bazel, nix"),
        ("ci(\"github\")", "nothing says how godirect comes to the machines", "give install = \"…\", "),
        ("ci(\"github\", image = \"x\", shards = 257)", "shards can't be 257", "write a number from 1 to 256"),
        ("ci(\"github\", image = \"a\\nb\")", "`a\\nb` can't be the image of a pipeline", ""),
        ("ci(\"github\", install = \" \")", "` ` can't be the install of a pipeline", ""),
        ("ci(\"buildkite\", image = \"x\")", "steps of Buildkite run in no image by themselves", "give runner = \"…\""),
        ("ci(\"github\", engine = \"bazel\", image = \"x\")", "the pipeline builds with bazel, but", "add bazel()"),
        (
            "ci(\"github\", image = \"x\")\nci(\"github\", image = \"x\")",
            "ci(\"github\") is said twice\n --> godirect.star:2:1",
            "the first is at",
        ),
    ] {
        let shown = error(call);
        assert!(shown.contains(message) && shown.contains(help), "{call}: {shown}");
    }
}

#[test]
fn wrong_settings() {
    for (settings, message, help) in [
        ("stirp = True", "profile() has no parameter `stirp`", "there are extends, asan, asmflags, "),
        ("race = True, msan = True", "a program can't have both race and msan", "declare a profile for each"),
        ("race = True, covermode = \"set\"", "the profile `p` counts coverage in a way", "with race, write covermode = "),
        ("buildmode = \"dll\"", "`dll` is no buildmode", "there are default, exe, pie, c-archive, c-shared, plugin"),
        ("trimpath = False", "paths of the machine that builds can't get into binaries", "leave it out"),
        ("strip = 1", "strip can't be a int", "write True or False"),
        ("gcflags = \"-N\"", "gcflags can't be a string", "write a list of flags, or a dictionary"),
        ("gcflags = {\"a b\": []}", "`a b` is no package pattern", "write \"main\", \"all\", "),
        ("ldflags = [\"\"]", "`` can't be a flag", "write one argument each"),
        ("stamp = {\"Version\": \"1\"}", "`Version` can't be a variable to stamp", "write import path and name"),
        ("stamp = {\"main.V\": 1}", "the value of a stamp can't be a int", "write a string, env("),
        ("stamp = {\"main.V\": env(\"A B\")}", "`A B` can't be the name of a variable", "use ASCII letters"),
        (
            "pgo = \"../x.pgo\"",
            "`../x.pgo` is not a file inside the repository",
            "write a path relative to the spec, \"auto\" or",
        ),
        ("cc = \"gcc -m32\"", "`gcc -m32` can't be the name of a compiler", "write a program without arguments"),
        ("godebug = {\"a\": \"1,b=2\"}", "`1,b=2` can't be part of a GODEBUG setting", "write key and value"),
        ("gofips140 = \"../v1\"", "`../v1` is no version of the FIPS 140 module", "write \"off\", \"latest\""),
        ("goexperiment = [\"X\"]", "`X` is not a GOEXPERIMENT", "write flags in lower case"),
    ] {
        let shown = error(&format!("profile(\"p\", {settings})"));
        assert!(shown.contains(message) && shown.contains(&format!("help: {help}")), "{settings}: {shown}");
    }
    for (variable, value, help) in [
        ("GOGC", "much", "a number of percent, or off"),
        ("GOMEMLIMIT", "512MB", "a number of bytes, with B, KiB, MiB, GiB or TiB, or off"),
        ("GOMAXPROCS", "0", "a positive number"),
        ("GODEBUG", "x", "pairs key=value with commas between"),
        ("GOTRACEBACK", "some", "none, single, all, system, crash or wer"),
        ("PATH", "/bin", "it reads GODEBUG, GOGC, GOMAXPROCS, GOMEMLIMIT, GOTRACEBACK"),
    ] {
        let shown = error(&format!("binary(\".\", runtime = {{\"{variable}\": \"{value}\"}})"));
        assert!(shown.contains(help), "{shown}");
    }
}

#[test]
fn images() {
    let spec = parse("image(\"a-image\", binary = \"a\")\n").unwrap();
    let plain = Image { location: None, ..spec.images[0].clone() };
    let expected = Image {
        name: "a-image".to_owned(),
        binary: "a".to_owned(),
        reference: "a-image:latest".to_owned(),
        profile: None,
        platforms: Vec::new(),
        args: Vec::new(),
        env: BTreeMap::new(),
        labels: BTreeMap::new(),
        ports: BTreeSet::new(),
        user: String::new(),
        working_dir: String::new(),
        certificates: None,
        time_zones: false,
        location: None,
    };
    assert_eq!(plain, expected);
    let reference = |text: &str| {
        parse(&format!("image(\"a\", binary = \"b\", reference = \"{text}\")\n")).map(|spec| spec.images[0].reference.clone())
    };
    for (text, full) in [
        ("server", "server:latest"),
        ("team/server:1.0", "team/server:1.0"),
        ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
        ("registry.example.com/a-b/c_d.e:V1", "registry.example.com/a-b/c_d.e:V1"),
    ] {
        assert_eq!(reference(text).unwrap(), full);
    }
    for text in ["", ":x", "a:", "a:-", "A", "a/B", "a//b", "/a", "a/", "a@sha256:0", "x:y/a", "a b", "a:\\u0000"] {
        assert!(reference(text).is_err(), "{text}");
    }
    let ports = parse("image(\"a\", binary = \"b\", ports = [80, \"80\", \"80/tcp\", \"53/udp\", 65535])\n").unwrap();
    assert_eq!(Vec::from_iter(&ports.images[0].ports), ["53/udp", "65535/tcp", "80/tcp"]);
}

#[test]
fn images_that_cannot_be() {
    for (arguments, message) in [
        ("\"A\", binary = \"b\"", "`A` can't be the name of an image"),
        ("\"a--b\", binary = \"b\"", "`a--b` can't be the name of an image"),
        ("\"a\", binary = \"b\", ports = [0]", "`0` is no port"),
        ("\"a\", binary = \"b\", ports = [65536]", "`65536` is no port"),
        ("\"a\", binary = \"b\", ports = [\"80/http\"]", "`80/http` is no port"),
        ("\"a\", binary = \"b\", ports = 80", "ports can't be a int"),
        ("\"a\", binary = \"b\", user = \"nobody\"", "`nobody` can't be the user of an image, which has no /etc/passwd"),
        ("\"a\", binary = \"b\", user = \"1:2:3\"", "`1:2:3` can't be the user of an image, which has no /etc/passwd"),
        ("\"a\", binary = \"b\", working_dir = \"tmp\"", "`tmp` can't be the working directory of an image"),
        ("\"a\", binary = \"b\", working_dir = \"/a/../b\"", "`/a/../b` can't be the working directory of an image"),
        ("\"a\", binary = \"b\", env = {\"A=B\": \"c\"}", "env can't have `A=B=c`"),
        ("\"a\", binary = \"b\", env = {\"A\": 1}", "env can't be a dict"),
        ("\"a\", binary = \"b\", labels = []", "labels can't be a list"),
        ("\"a\", binary = \"b\", args = \"x\"", "args can't be a string"),
        ("\"a\", binary = \"b\", certificates = \"../ca.pem\"", "`../ca.pem` is not a file inside the repository"),
        ("\"a\", binary = \"b\", certificates = \".\"", "`.` is not a file inside the repository"),
        ("\"a\", binary = \"b\", platforms = [\"linux/s390x\"]", "the spec has no platform `linux/s390x`"),
        ("\"a\", binary = \"b\", platforms = [\"windows/amd64\"]", "an image can't be for windows/amd64: images are for Linux"),
    ] {
        let error = error(&format!("platforms(\"linux/amd64\", \"windows/amd64\")\nimage({arguments})\n"));
        assert!(error.starts_with(&format!("error: {message}\n")), "{arguments}: {error}");
    }
    let none = error("platforms(\"windows/amd64\")\nimage(\"a\", binary = \"b\")\n");
    assert!(none.starts_with("error: the image a has no platform, since the spec has none for Linux\n"), "{none}");
    let twice = error("image(\"a\", binary = \"b\")\nimage(\"a\", binary = \"c\")\n");
    assert!(twice.starts_with("error: the image `a` is said twice\n"), "{twice}");
}
