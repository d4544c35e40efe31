//! Logs of test programs: no bytes panic, and all that is found is within the module.

use godirect::source::testlog::TestLog;

pub fn run(content: &[u8]) {
    for (directory, root) in [("/r/p", "/r"), ("/r", "/r"), ("/", "/")] {
        let Some(log) = TestLog::parse(content, directory, root) else { continue };
        for place in log.opened.iter().chain(&log.asked) {
            assert!(!place.starts_with('/') && place.split('/').all(|element| element != ".."), "{place}");
        }
    }
}
