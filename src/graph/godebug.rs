//! The default GODEBUG of a binary (`cmd/go/internal/load/godebug.go`).

use std::collections::BTreeMap;

use crate::lock::file::GodebugSetting;
use crate::name::GoVersion;

/// The value of `DefaultGODEBUG` for a main package.
///
/// `go` is the go line of the main module or workspace, `settings` its `godebug` lines, and `directives` the `//go:debug` lines of the main package;
/// later ones win. `table` holds the SDK's settings whose default changed.
pub fn default_godebug<'a>(
    table: &[GodebugSetting],
    go: Option<&GoVersion>,
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    directives: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut chosen: BTreeMap<&str, &str> = settings.into_iter().chain(directives).collect();
    let default = chosen.remove("default").and_then(|v| v.strip_prefix("go").unwrap_or(v).parse::<GoVersion>().ok());
    // A module without a go line has the semantics of Go 1.16, which is before GODEBUG defaults changed at all.
    let minor = default.as_ref().or(go).map_or(16, GoVersion::minor);
    let mut all: BTreeMap<&str, &str> =
        table.iter().filter(|s| minor < s.changed).map(|s| (s.name.as_str(), s.old.as_str())).collect();
    all.extend(chosen);
    all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_settings_win_and_the_go_line_decides_the_rest() {
        let setting = |name: &str, changed, old: &str| GodebugSetting { name: name.to_owned(), changed, old: old.to_owned() };
        let table = [setting("a", 21, "1"), setting("b", 23, "0")];
        let go = |text: &str| text.parse::<GoVersion>().unwrap();
        assert_eq!(default_godebug(&table, Some(&go("1.27")), [], []), "");
        assert_eq!(default_godebug(&table, Some(&go("1.22.3")), [], []), "b=0");
        assert_eq!(default_godebug(&table, Some(&go("1.20")), [("a", "2")], [("z", "9")]), "a=2,b=0,z=9");
        assert_eq!(default_godebug(&table, Some(&go("1.20")), [("default", "go1.22")], []), "b=0");
        assert_eq!(default_godebug(&table, Some(&go("1.27")), [("a", "1")], [("a", "0")]), "a=0");
    }
}
