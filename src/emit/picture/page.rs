//! One HTML file that needs nothing else: the template, style and script of `templates/graph`, and the picture as data.

use handlebars::Handlebars;
use serde::Serialize;

use super::Document;
use crate::digest::Sha256;
use crate::error::{Error, Result};

const PAGE: &str = include_str!("../../../templates/graph/page.html");
const STYLE: &str = include_str!("../../../templates/graph/page.css");

/// The parts of the script, which are one module.
const SCRIPT: [&str; 3] = [
    include_str!("../../../templates/graph/model.js"),
    include_str!("../../../templates/graph/drawing.js"),
    include_str!("../../../templates/graph/page.js"),
];

#[derive(Serialize)]
struct Parts<'a> {
    title: &'a str,
    style: &'a str,
    style_hash: String,
    script: &'a str,
    script_hash: String,
    data: &'a str,
}

/// The page. Its policy lets nothing run but its own script, and nothing be loaded.
///
/// # Errors
///
/// When the data can't be serialised.
pub fn render(title: &str, document: &Document) -> Result<String> {
    let failed = |e: &dyn std::fmt::Display| Error::environment(format!("failed to write the page: {e}"));
    // The data stands in a script element, which only `</script` or `<!--` could end or change.
    let data = serde_json::to_string(document).map_err(|e| failed(&e))?.replace('<', "\\u003c");
    let script = SCRIPT.join("\n");
    let hash = |text: &str| Sha256::of(text).sri().to_string();
    let parts =
        Parts { title, style: STYLE, style_hash: hash(STYLE), script: &script, script_hash: hash(&script), data: &data };
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.render_template(PAGE, &parts).map_err(|e| failed(&e))
}
