//! What C and assembly may include: no bytes panic, all names are relative, and whatever stands around a directive, its name is found.

use godirect::source::includes::names;

pub fn run(content: &[u8]) {
    let found = names(content);
    assert!(found.iter().all(|name| !name.is_empty() && !name.starts_with('/') && !name.contains('\n')));
    // Even after a line that goes on, or within a comment that nothing ends.
    for directive in ["#include \"probe.h\"", "#include <probe.h>", "%:include \"probe.h\"", ".incbin \"probe.h\""] {
        let around = [content, b"\n", directive.as_bytes(), b"\n", content].concat();
        let with = names(&around);
        assert!(with.contains("probe.h"), "{directive}");
        assert!(found.is_subset(&with), "{:?}", found.difference(&with));
    }
}
