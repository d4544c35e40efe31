//! DefaultGODEBUG: the settings that the linker puts into a command (`cmd/go/internal/load/godebug.go`).

use std::collections::BTreeMap;

use crate::name::GoVersion;
use crate::source::header::DebugSetting;
use crate::source::sdk::GodebugSetting;

/// The value of `-X=runtime.godebugDefault=`: sorted `key=value` pairs, joined by commas; empty when there are none.
///
/// * `go`: the go line of the main module's go.mod, or of go.work in a workspace; `None` means 1.16 (go.work: pass 1.18).
/// * `settings`: the `godebug` block of the same file.
/// * `directives`: the `//go:debug` lines of package main; for a test, of the package and its tests. They win over `settings`.
/// * `table`: the SDK's history of defaults.
pub fn default_godebug<'a>(
    go: Option<&GoVersion>,
    settings: &BTreeMap<String, String>,
    directives: impl IntoIterator<Item = &'a DebugSetting>,
    table: &[GodebugSetting],
) -> String {
    let mut own: BTreeMap<&str, &str> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    own.extend(directives.into_iter().map(|d| (d.key.as_str(), d.value.as_str())));
    let default = own.remove("default").map(|version| version.strip_prefix("go").unwrap_or(version));
    let minor = match default.and_then(|version| version.parse::<GoVersion>().ok()) {
        Some(version) => minor_of_language(&version),
        None => go.map_or(Some(16), minor_of_language),
    };
    let mut all: BTreeMap<&str, &str> = BTreeMap::new();
    if let Some(minor) = minor {
        all.extend(table.iter().filter(|s| minor < s.changed).map(|s| (s.name.as_str(), s.old.as_str())));
    }
    all.extend(own);
    let pairs: Vec<String> = all.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

/// The minor version, where cmd/go finds one: it takes `1.N` and `1.N.P`, and gives up on `1.Nrc1`.
fn minor_of_language(version: &GoVersion) -> Option<u32> {
    version.as_str().bytes().all(|b| b.is_ascii_digit() || b == b'.').then(|| version.minor())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn godebug(go: Option<&str>, settings: &[(&str, &str)], directives: &[(&str, &str)]) -> String {
        let setting = |name: &str, changed| GodebugSetting { name: name.to_owned(), changed, old: "1".to_owned() };
        let table = [setting("httplaxcontentlength", 22), setting("panicnil", 21)];
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let directives: Vec<DebugSetting> =
            directives.iter().map(own).map(|(key, value)| DebugSetting { key, value }).collect();
        let go = go.map(|v| v.parse().unwrap());
        default_godebug(go.as_ref(), &settings.iter().map(own).collect(), &directives, &table)
    }

    #[test]
    fn older_modules_keep_older_defaults() {
        assert_eq!(godebug(Some("1.22"), &[], &[]), "");
        assert_eq!(godebug(Some("1.21.3"), &[], &[]), "httplaxcontentlength=1");
        assert_eq!(godebug(None, &[], &[]), "httplaxcontentlength=1,panicnil=1");
        assert_eq!(godebug(Some("1.21rc2"), &[], &[]), "");
    }

    #[test]
    fn directives_win_over_go_mod_and_both_over_the_history() {
        assert_eq!(
            godebug(Some("1.20"), &[("panicnil", "2"), ("a", "b")], &[("panicnil", "3")]),
            "a=b,httplaxcontentlength=1,panicnil=3"
        );
        assert_eq!(godebug(Some("1.27"), &[("default", "go1.21")], &[]), "httplaxcontentlength=1");
        assert_eq!(godebug(Some("1.20"), &[("default", "go1.21")], &[("default", "go1.22")]), "");
        assert_eq!(godebug(Some("1.22"), &[("default", "nonsense")], &[]), "");
    }
}
