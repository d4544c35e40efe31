//! What is recorded of tests: no text panics; what is taken comes back the same, and stays so when nothing new is added.

use std::collections::BTreeSet;

use godirect::project::recorded::Recorded;
use godirect::source::testlog::TestLog;

pub fn run(content: &[u8]) {
    let Ok(recorded) = Recorded::parse(super::text(content)) else { return };
    let text = recorded.render().expect("what was read can be written");
    let mut again = Recorded::parse(&text).expect("what was written can be read");
    assert_eq!(again, recorded);
    let known: BTreeSet<String> = again.places("a").cloned().collect();
    again.add("a", "", "none", &TestLog { opened: known, ..TestLog::default() });
    assert_eq!(again, recorded);
}
