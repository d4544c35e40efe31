//! Random changes of a repository, and what it must have for some of them: embedded files, C code, a vendor directory, a workspace.

use std::fs;

use super::git;
use super::histories::{ALL, go};
use super::support::Project;

/// What the tree of a module's last version has besides, and what is then changed in it.
pub struct Shape {
    /// What has changed is told with this.
    pub name: &'static str,
    /// Makes it; whether the module can have it.
    pub make: fn(&Project, &str) -> bool,
    /// Changes something, of each kind in turn; tells what.
    pub change: fn(&Project, usize, &mut Random) -> String,
    /// Whether it has C code.
    pub has_c: bool,
}

/// All of them.
pub const SHAPES: [Shape; 4] = [
    Shape { name: "embedded files", make: add_embedded, change: change_embedded, has_c: false },
    Shape { name: "C code", make: add_c, change: change_c, has_c: true },
    Shape { name: "a vendor directory", make: vendor, change: change_vendored, has_c: false },
    Shape { name: "a workspace", make: add_workspace, change: change_workspace, has_c: false },
];

const EMBEDS: &str = "package zzembed\n\nimport \"embed\"\n\n//go:embed data one.txt\nvar Files embed.FS\n";
const C_CODE: &str = "package zzc

// #cgo CFLAGS: -DSCALE=2
// #include \"scale.h\"
import \"C\"

func Scale(n int) int { return int(C.scale(C.int(n))) }
";

/// A package that imports another one of the module.
fn add_user(project: &Project, module: &str, of: &str) {
    project.write("zzuser/user.go", &format!("package zzuser\n\nimport _ \"{module}/{of}\"\n"));
    project.write("zzuser/user_test.go", "package zzuser\n\nimport \"testing\"\n\nfunc TestUser(t *testing.T) {}\n");
}

fn add_embedded(project: &Project, module: &str) -> bool {
    project.write("zzembed/embed.go", EMBEDS);
    for file in ["one.txt", "data/a.txt", "data/b/c.txt", "data/.hidden"] {
        project.write(&format!("zzembed/{file}"), file);
    }
    add_user(project, module, "zzembed");
    // Older ones can't embed.
    go(&project.root(), &["mod", "edit", "-go=1.24"]);
    go(&project.root(), &["mod", "tidy"]);
    project.run(&["lock"]);
    true
}

fn change_embedded(project: &Project, kind: usize, _: &mut Random) -> String {
    let at = |file: &str| project.root().join("zzembed").join(file);
    let (what, done) = match kind % 7 {
        0 => ("an embedded file edited", fs::write(at("data/a.txt"), "other")),
        1 => ("an embedded file more", fs::write(at("data/new.txt"), "new")),
        2 => ("an embedded file less", fs::remove_file(at("data/b/c.txt"))),
        3 => ("a hidden file edited", fs::write(at("data/.hidden"), "other")),
        4 => ("hidden files embedded as well", fs::write(at("embed.go"), EMBEDS.replace("embed data", "embed all:data"))),
        5 => ("another name of an embedded file", fs::rename(at("data/a.txt"), at("data/z.txt"))),
        _ => ("a module among embedded files", fs::write(at("data/b/go.mod"), "module zz.example/b\n")),
    };
    done.unwrap();
    what.to_owned()
}

fn add_c(project: &Project, module: &str) -> bool {
    project.write("zzc/c.go", C_CODE);
    project.write("zzc/scale.h", "#define BIAS 0\n\nint scale(int n);\n");
    project.write("zzc/scale.c", "#include \"scale.h\"\n\nint scale(int n) { return n * SCALE + BIAS; }\n");
    project.write("zzc/other.h", "#define OTHER 1\n");
    add_user(project, module, "zzc");
    project.write("godirect.star", &(project.read("godirect.star") + "profile(\"default\", cgo = True)\n"));
    true
}

fn change_c(project: &Project, kind: usize, _: &mut Random) -> String {
    let at = |file: &str| project.root().join("zzc").join(file);
    let (what, done) = match kind % 7 {
        0 => ("C code edited", fs::write(at("scale.c"), "int scale(int n) { return 1 + n * SCALE; }\n")),
        1 => ("a header edited", fs::write(at("scale.h"), "#define BIAS 1\n\nint scale(int n);\n")),
        2 => ("a header edited that nothing includes", fs::write(at("other.h"), "#define OTHER 2\n")),
        3 => ("another flag", fs::write(at("c.go"), C_CODE.replace("SCALE=2", "SCALE=3"))),
        4 => ("without C code", fs::remove_file(at("scale.c"))),
        5 => ("a file in C more", fs::write(at("more.c"), "int more(void) { return 1; }\n")),
        _ => ("a line more before the preamble", fs::write(at("c.go"), C_CODE.replacen("\n\n", "\n\n\n", 1))),
    };
    done.unwrap();
    what.to_owned()
}

fn vendor(project: &Project, _: &str) -> bool {
    // Many modules tell git to take no notice of it.
    let _ = fs::remove_file(project.root().join(".gitignore"));
    go(&project.root(), &["mod", "vendor"]);
    project.run(&["lock"]);
    project.root().join("vendor/modules.txt").exists() && !vendored(project).is_empty()
}

/// The Go files in the vendor directory.
fn vendored(project: &Project) -> Vec<String> {
    let listed = git(project, &["ls-files", "--cached", "--others", "vendor"]);
    listed.lines().filter(|path| path.ends_with(".go")).map(str::to_owned).collect()
}

fn change_vendored(project: &Project, kind: usize, random: &mut Random) -> String {
    let path = random.choose(&vendored(project)).clone();
    let (place, text) = (project.root().join(&path), project.read(&path));
    let (what, done) = match kind % 7 {
        0 => ("a line more in", fs::write(place, format!("// A line.\n\n{text}"))),
        1 => ("other comments in", fs::write(place, text.replace("// ", "// X"))),
        2 => ("other literals in", fs::write(place, text.replace("\"\"", "\"x\"").replace("= 1", "= 2"))),
        3 => ("without", fs::remove_file(place)),
        4 => ("without the directory of", fs::remove_dir_all(project.root().join("vendor"))),
        _ => {
            let what = anywhere(project, random);
            // What is there of a vendored module is in the lock.
            project.run(&["lock"]);
            return what;
        }
    };
    done.unwrap();
    project.run(&["lock"]);
    format!("{what} {path}")
}

fn add_workspace(project: &Project, module: &str) -> bool {
    // A directory of vendored packages would have to be the workspace's.
    let _ = fs::remove_dir_all(project.root().join("vendor"));
    let listed = go(&project.root(), &["list", "-f", "{{if ne .Name \"main\"}}{{.ImportPath}}{{end}}", "./..."]);
    let Some(package) = listed.lines().find(|path| !path.is_empty() && !path.contains("internal")) else { return false };
    let gomod = project.read("go.mod");
    let line = gomod.lines().find(|line| line.starts_with("go ")).unwrap_or("go 1.21");
    project.write("zzwork/go.mod", &format!("module zz.example/work\n\n{line}\n"));
    project.write("zzwork/work.go", &format!("package work\n\nimport _ \"{package}\"\n\nconst Version = 1\n"));
    project.write("zzwork/work_test.go", "package work\n\nimport \"testing\"\n\nfunc TestWork(t *testing.T) {}\n");
    project.write("zzwork/cmd/main.go", "package main\n\nimport _ \"zz.example/work\"\n\nfunc main() {}\n");
    project.write("go.work", &format!("{line}\n\nuse (\n\t.\n\t./zzwork\n)\n"));
    assert!(package == module || package.starts_with(&format!("{module}/")));
    project.run(&["lock"]);
    true
}

fn change_workspace(project: &Project, kind: usize, random: &mut Random) -> String {
    let (root, gowork) = (project.root(), project.read("go.work"));
    let at = |file: &str| root.join(file);
    let (what, done) = match kind % 7 {
        0 => ("code of the other module", fs::write(at("zzwork/work.go"), "package work\n\nconst Version = 2\n")),
        1 => ("a comment in go.work", fs::write(at("go.work"), format!("// A workspace.\n{gowork}"))),
        2 => ("without the other module", fs::write(at("go.work"), gowork.replace("\t./zzwork\n", ""))),
        3 => ("another way of panics in go.work", fs::write(at("go.work"), format!("{gowork}\ngodebug panicnil=1\n"))),
        4 => ("without go.work", fs::remove_file(at("go.work"))),
        5 => {
            let gomod = project.read("zzwork/go.mod");
            let module = fs::write(at("zzwork/go.mod"), gomod.replacen("\n\ngo ", "\n\n// Old enough.\ngo ", 1));
            ("a comment in the other go.mod", module)
        }
        _ => return anywhere(project, random),
    };
    done.unwrap();
    project.run(&["lock"]);
    what.to_owned()
}

/// A linear congruential generator: the same changes each time.
pub struct Random(pub u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }

    fn choose<'c, T>(&mut self, of: &'c [T]) -> &'c T {
        &of[self.below(of.len())]
    }
}

/// Changes something that modules have; tells what.
pub fn anywhere(project: &Project, random: &mut Random) -> String {
    // What is generated, nobody changes.
    let of_bazel = |path: &&str| path.ends_with("BUILD.bazel") || ["MODULE.bazel", ".gitignore"].contains(path);
    let is_generated = |path: &&str| ["default.nix", "flake.nix"].contains(path) || path.starts_with("nix/") || of_bazel(path);
    let listed = git(project, &["ls-files"]);
    let files: Vec<String> = listed.lines().filter(|path| !is_generated(path)).map(str::to_owned).collect();
    let with = |end: &str| -> Vec<String> { files.iter().filter(|path| path.ends_with(end)).cloned().collect() };
    let go: Vec<String> = with(".go")
        .into_iter()
        .filter(|path| !path.contains("testdata/") && !path.starts_with(ALL) && !path.starts_with("vendor/"))
        .collect();
    let path = random.choose(&go).clone();
    let place = project.root().join(&path);
    let text = fs::read_to_string(&place).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = random.below(lines.len());
    let with_line = |line: &str| lines[..at].concat() + line + &lines[at..].concat();
    match random.below(14) {
        0 => {
            fs::write(&place, with_line("// Another line.\n")).unwrap();
            format!("a comment more at {path}:{at}")
        }
        1 => {
            fs::write(&place, text.replacen("// ", "// X", 1 + at)).unwrap();
            format!("other comments in {path}")
        }
        2 => {
            let digit = lines[at].replace('1', "2").replace("\"\"", "\"x\"");
            fs::write(&place, lines[..at].concat() + &digit + &lines[at + 1..].concat()).unwrap();
            format!("other literals at {path}:{at}")
        }
        3 => {
            fs::remove_file(&place).unwrap();
            format!("without {path}")
        }
        4 => {
            let to = place.with_file_name(format!("zz_{}", place.file_name().unwrap().to_str().unwrap()));
            fs::rename(&place, to).unwrap();
            format!("another name of {path}")
        }
        5 => {
            let name = text
                .lines()
                .find_map(|line| line.strip_prefix("package "))
                .unwrap_or("p")
                .split_whitespace()
                .next()
                .unwrap_or("p");
            fs::write(place.with_file_name("zz_new.go"), format!("package {name}\n\nvar ZzNew = {at}\n")).unwrap();
            format!("one more file beside {path}")
        }
        6 => {
            fs::write(&place, format!("//go:build windows\n\n{text}")).unwrap();
            format!("only for Windows: {path}")
        }
        7 => {
            let any = random.choose(&files).clone();
            let place = project.root().join(&any);
            let mut content = fs::read(&place).unwrap_or_default();
            content.push(b'\n');
            fs::write(place, content).unwrap();
            format!("a line end more in {any}")
        }
        8 => {
            let any = random.choose(&files).clone();
            if !["go.mod", "godirect.star", "godirect.lock.json"].contains(&any.as_str()) {
                fs::remove_file(project.root().join(&any)).unwrap();
            }
            format!("without {any}")
        }
        9 => {
            let data: Vec<String> = files.iter().filter(|path| path.contains("testdata/")).cloned().collect();
            let any = if data.is_empty() { "README.md".to_owned() } else { random.choose(&data).clone() };
            project.write(&any, "other data\n");
            format!("other data in {any}")
        }
        10 => {
            let assembly = with(".s");
            let any = if assembly.is_empty() { path.clone() } else { random.choose(&assembly).clone() };
            let text = project.read(&any);
            project.write(&any, &(text + "\n// The end.\n"));
            format!("a comment at the end of {any}")
        }
        11 => {
            let gomod = project.read("go.mod");
            let line = gomod.lines().find(|line| line.starts_with("go ")).unwrap().to_owned();
            let other = if line == "go 1.22" { "go 1.23" } else { "go 1.22" };
            project.write("go.mod", &gomod.replacen(&line, other, 1));
            project.run(&["lock"]);
            format!("{other} in the place of {line}")
        }
        12 => {
            let gomod = project.read("go.mod");
            project.write("go.mod", &(gomod + "\ngodebug panicnil=1\n"));
            "godebug".to_owned()
        }
        _ => {
            let directory = path.rsplit_once('/').map_or(String::new(), |(directory, _)| format!("{directory}/"));
            project.write(&format!("{directory}zzsub/sub.go"), "package zzsub\n");
            fs::write(&place, text.replacen("import (\n", "import (\n\t_ \"embed\"\n\n", 1)).unwrap();
            format!("another package below {directory} and another import in {path}")
        }
    }
}
