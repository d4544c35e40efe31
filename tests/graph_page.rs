//! The page of `godirect graph --format html` in a real browser: it is searched, filtered, clicked and driven by keys, and must neither
//! complain nor request anything.

#[path = "support/browser.rs"]
mod browser;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/cli.rs"]
mod support;

use std::fs;
use std::sync::{Mutex, MutexGuard};

use serde_json::json;

use browser::Browser;
use support::{Project, drawn, provisioned, registry};

/// One browser at a time: each is hundreds of megabytes.
static TURN: Mutex<()> = Mutex::new(());

struct Page {
    browser: Browser,
    url: String,
    _turn: MutexGuard<'static, ()>,
}

/// Writes a project's page and opens it.
fn open(project: &Project, arguments: &[&str]) -> Page {
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    project.succeeds(&[&["graph", "--output", "graph.html"], arguments].concat());
    let url = format!("file://{}", project.root().join("graph.html").display());
    let mut browser = Browser::start(&provisioned("browser.sh"), 1400, 900);
    browser.open(&url);
    Page { browser, url, _turn: turn }
}

impl Page {
    /// The paths that the list shows.
    fn listed(&mut self) -> Vec<String> {
        self.browser.texts("#list .row .path")
    }

    fn heading(&mut self) -> String {
        self.browser.texts("#chosen").concat()
    }

    /// The nodes of the drawing, by column from left to right, each sorted.
    fn drawn(&mut self) -> Vec<Vec<String>> {
        let script = "Object.values([...document.querySelectorAll('.drawing g[data-path]')].reduce((columns, g) => { \
                      const x = g.querySelector('rect').x.baseVal.value; \
                      (columns[x.toFixed(0).padStart(6, '0') + 'x'] ??= []).push(g.dataset.path); return columns }, {}))";
        let columns = self.browser.eval(&format!(
            "((columns) => columns.map((column) => column.sort()))(Object.entries({}).sort().map(([, column]) => column))",
            script.strip_prefix("Object.values(").unwrap().strip_suffix(')').unwrap()
        ));
        serde_json::from_value(columns).unwrap()
    }

    fn hash(&mut self) -> String {
        self.browser.eval("decodeURIComponent(location.hash)").as_str().unwrap().to_owned()
    }

    /// Types into an input from nothing.
    fn fill(&mut self, selector: &str, text: &str) {
        self.browser.click(selector);
        self.browser.eval("document.activeElement.select()");
        self.browser.insert(text);
    }

    /// Nothing went wrong, and nothing but the page itself was requested.
    fn is_clean(&mut self) {
        self.browser.eval("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
        assert_eq!(self.browser.errors, [""; 0]);
        let url = self.url.clone();
        let others: Vec<&String> = self
            .browser
            .requests
            .iter()
            .filter(|request| *request != "about:blank" && request.split('#').next() != Some(&url))
            .collect();
        assert_eq!(others, Vec::<&String>::new());
    }
}

#[test]
fn search_filters_and_neighbourhood() {
    let (_registry, project) = drawn::project();
    let mut page = open(&project, &["--test"]);
    assert_eq!(page.browser.texts("h1"), ["example.com/p: 8 packages"]);
    let all = [
        "a.example/a",
        "b.example/b",
        "c.example/c/sub",
        "example.com/p",
        "example.com/p/cmd/tool",
        "example.com/p/lib",
        "l.example/l",
        "t.example/t",
    ];
    assert_eq!(page.listed(), all);
    assert_eq!(page.browser.texts("#count"), ["8 packages of 8"]);

    page.fill("#search", "lib");
    assert_eq!(page.listed(), ["example.com/p/lib"]);
    // Letters with gaps, when nothing has the word.
    page.fill("#search", "exctl");
    assert_eq!(page.listed(), ["example.com/p/cmd/tool"]);
    page.fill("#search", "p tool");
    assert_eq!(page.listed(), ["example.com/p/cmd/tool"]);
    page.fill("#search", "nothing of the kind");
    assert_eq!(page.browser.texts("#count"), ["0 packages of 8"]);
    page.fill("#search", "");
    assert_eq!(page.listed(), all);

    page.browser.choose("#module", "example.com/p");
    assert_eq!(page.listed(), ["example.com/p", "example.com/p/cmd/tool", "example.com/p/lib"]);
    page.browser.choose("#module", "");
    page.browser.choose("#view", "linux_amd64");
    assert!(!page.listed().contains(&"b.example/b".to_owned()));
    page.browser.click("#list [data-path='example.com/p/lib']");
    let left = ["example.com/p".to_owned(), "example.com/p/cmd/tool".to_owned()].to_vec();
    let lib = ["example.com/p/lib".to_owned()].to_vec();
    assert_eq!(page.drawn(), [left.clone(), lib.clone(), ["l.example/l".to_owned(), "t.example/t".to_owned()].to_vec()]);
    page.browser.choose("#view", "");
    let right = ["b.example/b", "l.example/l", "t.example/t"].map(str::to_owned).to_vec();
    assert_eq!(page.drawn(), [left, lib, right]);
    assert_eq!(page.heading(), "example.com/p/lib");
    assert_eq!(page.browser.texts(".drawing path.partial").len() + page.browser.texts(".drawing path.test").len(), 2);
    page.browser.until("document.querySelectorAll('#pane .list .row').length === 5");
    assert_eq!(page.browser.texts("#pane .list .row .number"), ["windows_amd64", "test"]);

    page.browser.choose("#depth", "2");
    assert_eq!(page.drawn().len(), 4);
    page.browser.click(".drawing [data-path='l.example/l']");
    assert_eq!(page.heading(), "l.example/l");
    assert_eq!(page.browser.texts(".list .row[aria-selected='true'] .path"), ["l.example/l"]);
    page.is_clean();
}

#[test]
fn paths_and_addresses() {
    let (_registry, project) = drawn::project();
    let mut page = open(&project, &[]);
    page.browser.click("#tab-path");
    page.fill("#from", "example.com/p");
    page.browser.press("Enter");
    page.fill("#to", "c.example/c/sub");
    page.browser.press("Enter");
    assert_eq!(page.browser.texts("#chain li"), ["example.com/p", "a.example/a", "c.example/c/sub"]);
    // Arrows lead to the right, however long that makes it.
    let columns = [&["example.com/p"][..], &["a.example/a", "example.com/p/lib"], &["l.example/l"], &["c.example/c/sub"]];
    assert_eq!(page.drawn(), columns);
    assert_eq!(page.browser.texts("#pane h2")[0], "Shortest path: 2 imports");
    let address = page.hash();
    assert_eq!(address, "#tab=path&from=example.com/p&to=c.example/c/sub");

    // Somebody else opens the address.
    let shared = format!("{}#tab=path&from=example.com%2Fp&to=c.example%2Fc%2Fsub&view=windows_amd64", page.url);
    page.browser.open(&shared);
    assert_eq!(page.browser.texts("#chain li").len(), 3);
    assert_eq!(page.browser.eval("document.querySelector('#view').value"), json!("windows_amd64"));
    page.fill("#from", "example.com/p/lib");
    page.browser.press("Enter");
    page.fill("#to", "b.example/b");
    page.browser.press("Enter");
    assert_eq!(page.browser.texts("#chain li"), ["example.com/p/lib", "b.example/b"]);
    page.browser.eval("history.back()");
    page.browser.eval("history.back()");
    page.browser.until("document.querySelectorAll('#chain li').length === 3");
    page.browser.click("#swap");
    assert_eq!(
        page.browser.texts("#pane [role='status']"),
        ["c.example/c/sub doesn't need example.com/p. The other way round there is a path."]
    );
    page.browser.eval("history.back()");
    page.browser.until("document.querySelectorAll('#chain li').length === 3");
    page.fill("#to", "no.example/where");
    page.browser.press("Enter");
    assert_eq!(page.browser.texts("#pane [role='status']"), ["There is no package no.example/where."]);

    page.browser.open(&format!("{}#tab=nonsense&node=</script>&view=x&depth=9", page.url));
    assert_eq!(page.listed().len(), 7);
    page.is_clean();
}

#[test]
fn reports() {
    let (_registry, project) = drawn::project();
    let mut page = open(&project, &["--test"]);
    page.browser.click("#tab-waits");
    let rows = page.browser.texts("#pane tbody tr");
    assert_eq!(rows[0], "c.example/c/sub51–5");
    assert_eq!(rows[1], "example.com/p/lib22105 B4");
    page.browser.click("#tab-modules");
    let single = page.browser.texts("#pane table:first-of-type tbody tr");
    assert_eq!(
        single,
        [
            "a.example/aexample.com/pa.example/a",
            "b.example/bexample.com/p/libb.example/b",
            "l.example/lexample.com/p/libl.example/l",
            "t.example/texample.com/p/libt.example/t"
        ]
    );
    page.browser.click("#tab-unneeded");
    assert_eq!(page.browser.texts("#pane h2"), ["Not needed", "Perhaps not needed"]);
    assert_eq!(
        page.browser.texts("#pane tbody td:first-child"),
        ["go.mod: require u.example/u v1.0.0", "go.mod: replace x.example/x", "go.mod: exclude c.example/c v1.0.0"]
    );
    let url = format!("{}#tab=path&from=example.com/p/lib&to=t.example/t", page.url);
    page.browser.open(&url);
    assert_eq!(page.browser.texts("#chain li"), ["example.com/p/lib", "t.example/t (test)"]);
    page.is_clean();

    let mut page = {
        drop(page);
        open(&project, &["--modules"])
    };
    assert_eq!(page.listed(), ["a.example/a", "b.example/b", "c.example/c", "example.com/p", "l.example/l"]);
    page.browser.click("#list [data-path='example.com/p']");
    assert_eq!(page.drawn()[1], ["a.example/a", "b.example/b", "l.example/l"]);
    page.is_clean();
}

#[test]
fn keys_are_enough() {
    let (_registry, project) = drawn::project();
    let mut page = open(&project, &[]);
    let focus = "document.activeElement.id";
    page.browser.press("/");
    assert_eq!(page.browser.eval(focus), json!("search"));
    page.browser.insert("example.com");
    page.browser.press("Enter");
    assert_eq!(page.browser.eval(focus), json!("list"));
    assert_eq!(page.heading(), "example.com/p");
    page.browser.press("ArrowDown");
    assert_eq!(page.heading(), "example.com/p/cmd/tool");
    page.browser.press("End");
    assert_eq!(page.heading(), "example.com/p/lib");
    assert_eq!(page.browser.eval("document.querySelector('#list').getAttribute('aria-activedescendant')"), json!("list-2"));
    page.browser.press("ArrowUp");
    page.browser.press("Tab");
    assert_eq!(page.browser.eval(focus), json!("tab-package"));
    page.browser.press("ArrowRight");
    assert_eq!((page.browser.eval(focus), page.browser.texts("#pane .ends").len()), (json!("tab-path"), 1));
    page.browser.press("ArrowLeft");
    // Steps, two buttons, then the drawing's first node.
    for _ in 0..4 {
        page.browser.press("Tab");
    }
    assert_eq!(page.browser.eval("document.activeElement.dataset.path"), json!("example.com/p/cmd/tool"));
    assert_eq!(page.browser.texts(".drawing path.near").len(), 1, "its arrow stands out");
    page.browser.press("Tab");
    page.browser.press("Enter");
    assert_eq!(page.heading(), "example.com/p/lib");
    assert_eq!(page.browser.eval(focus), json!("pane"));
    page.is_clean();
}

#[test]
fn light_and_dark() {
    let (_registry, project) = drawn::project();
    let mut page = open(&project, &["--test"]);
    page.browser.click("#list [data-path='example.com/p/lib']");
    let mut shots = Vec::new();
    for (scheme, back) in [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 27)")] {
        page.browser.prefer(scheme);
        assert_eq!(page.browser.eval("getComputedStyle(document.body).backgroundColor"), json!(back));
        shots.push(page.browser.screenshot());
    }
    // For whoever wants to look at them.
    for (name, shot) in ["light", "dark"].iter().zip(&shots) {
        fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("graph-{name}.png")), shot).unwrap();
    }
    assert_ne!(shots[0], shots[1]);
    page.is_clean();
}

/// Each of 3,000 packages imports some of those before it; package 0 is needed by all.
fn large() -> Project {
    let spec = format!("{}\nplatforms(\"linux/amd64\")\n", registry::small_sdk());
    let mut files = vec![
        ("godirect.star".to_owned(), spec),
        ("go.mod".to_owned(), "module example.com/large\n\ngo 1.27\n\ntoolchain go1.27.3\n".to_owned()),
    ];
    for i in 0..3000usize {
        let imports = (1..=6).map(|k| i / (k + 1)).chain(i.checked_sub(1)).filter(|other| *other < i);
        let imports: std::collections::BTreeSet<usize> = imports.collect();
        let lines: String =
            imports.iter().map(|other| format!("\t_ \"example.com/large/{}/p{other}\"\n", other % 50)).collect();
        files.push((format!("{}/p{i}/p.go", i % 50), format!("package p\n\nimport (\n{lines})\n")));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let project = Project::new(&files);
    project.succeeds(&["lock"]);
    project
}

#[test]
fn three_thousand_packages() {
    let project = large();
    let mut page = open(&project, &[]);
    assert_eq!(page.browser.texts("#count"), ["3,000 packages of 3,000"]);
    // However many there are, few rows are in the page.
    assert!(page.listed().len() < 100);
    page.browser.click("#list");
    page.browser.press("End");
    assert_eq!(page.heading(), "example.com/large/9/p959");
    assert!(page.listed().contains(&"example.com/large/9/p959".to_owned()));
    page.fill("#search", "p2999");
    assert_eq!(page.listed(), ["example.com/large/49/p2999"]);
    page.browser.click("#list [data-path='example.com/large/49/p2999']");
    page.browser.choose("#depth", "3");
    assert!(page.drawn().iter().all(|column| column.len() <= 30));
    page.fill("#search", "p0");
    page.browser.click("#list [data-path='example.com/large/0/p0']");
    page.browser.choose("#depth", "1");
    assert!(page.browser.texts("p.facts")[0].contains("2999 need it"), "{:?}", page.browser.texts("p.facts"));
    page.browser.choose("#depth", "3");
    assert!(page.browser.texts("svg .more text").iter().all(|text| text.starts_with("… and ")));
    assert!(!page.browser.texts("svg .more text").is_empty());
    page.browser.click("#tab-path");
    page.fill("#from", "example.com/large/49/p2999");
    page.browser.press("Enter");
    page.fill("#to", "example.com/large/0/p0");
    page.browser.press("Enter");
    let chain = page.browser.texts("#chain li");
    assert_eq!((chain.len(), chain.first().unwrap().as_str()), (6, "example.com/large/49/p2999"));
    assert!(
        page.browser.texts("#pane h2")[1].starts_with("All between: 3,000 packages, 2994 besides"),
        "{:?}",
        page.browser.texts("#pane h2")
    );
    page.browser.click("#tab-waits");
    assert_eq!(page.browser.texts("#pane tbody tr").len(), 1, "the search counts here, too");
    page.fill("#search", "large");
    assert_eq!(page.browser.texts("#pane tbody tr").len(), 100);
    page.is_clean();
}
