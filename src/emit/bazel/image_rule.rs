//! The rules of container images, which are all in the root package.

use super::build_file::label;
use super::layout::Layout;
use super::rule::{Expr, Rule};
use super::{Image, Input, RULESET};
use crate::plan::image::reference_is_usual;

/// The rule of an image.
pub(super) fn rule(input: &Input, layout: &Layout, image: &Image) -> Rule {
    let spec = image.image;
    let text = |text: &str| Expr::String(text.to_owned());
    let platforms = image.platforms.iter().map(|platform| format!("@{RULESET}//go/toolchain:{}", platform.name()));
    let binary = binary(input, layout, image);
    let (target, reference) = (binary.rsplit([':', '/']).next().unwrap_or_default().to_owned(), &spec.reference);
    Rule::new("go_image", spec.name.clone())
        .with("binary", Expr::String(binary))
        .with("certificates", Expr::String(spec.certificates.as_deref().map(|file| layout.file(file, "")).unwrap_or_default()))
        .with("cmd", Expr::List(spec.args.clone()))
        .with("env", Expr::StringDict(image.env.clone()))
        .with("exposed_ports", Expr::List(spec.ports.iter().cloned().collect()))
        .with("labels", Expr::StringDict(spec.labels.clone()))
        .with("platforms", Expr::List(platforms.collect()))
        .with("program", text(if target == spec.binary { "" } else { &spec.binary }))
        .with("reference", text(if reference_is_usual(spec) { "" } else { reference }))
        .with("time_zones", Expr::Bool(spec.time_zones))
        .with("user", text(&spec.user))
        .with("visibility", Expr::List(vec!["//visibility:public".to_owned()]))
        .with("workdir", text(&spec.working_dir))
}

/// The label of its binary, which a person may have named otherwise: merging finds it as the only one of its kind (`merge::matching`).
fn binary(input: &Input, layout: &Layout, image: &Image) -> String {
    let (directory, usual) = (image.directory, image.target.as_str());
    let settings = layout.settings(directory);
    let file = input.existing.get(directory).and_then(|existing| existing.file.as_ref().ok());
    let named = file.and_then(|file| {
        let wanted: Vec<&str> =
            input.binaries.iter().filter(|binary| binary.main == *image.main).map(|binary| binary.name.as_str()).collect();
        let open = wanted.iter().filter(|name| file.rule(name).is_none()).collect::<Vec<_>>();
        let calls = file.calls.iter().filter(|call| settings.meaning(&call.kind) == "go_binary");
        let free: Vec<&str> = calls.filter_map(|call| call.name()).filter(|name| !wanted.contains(name)).collect();
        match (open.as_slice(), free.as_slice()) {
            ([only], [name]) if **only == usual => Some(*name),
            _ => None,
        }
    });
    label(directory, named.unwrap_or(usual))
}
