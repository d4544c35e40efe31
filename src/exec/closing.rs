//! Looks at a file as soon as the program that writes it has closed it. The system then still takes back the program's memory, which
//! for a linker takes as long as to hash what it has linked.

use std::path::Path;

/// Runs a program by `run`; calls `look` when it has closed the file, on another thread. What `look` gave, if the file hasn't changed any
/// more until the program ended; `None` also where the system doesn't say when files are closed.
///
/// A mapping keeps a file open, so that what is written through it is written before the file is closed.
pub(super) fn watched<R, T: Send>(file: &Path, run: impl FnOnce() -> R, look: impl FnOnce() -> T + Send) -> (R, Option<T>) {
    #[cfg(target_os = "linux")]
    if let Some(watch) = system::Watch::new(file) {
        return std::thread::scope(|scope| {
            let looking = scope.spawn(|| watch.wait(look));
            // Also if `run` panics, for the other thread waits for it.
            let end = system::End(&watch);
            let ran = run();
            drop(end);
            (ran, looking.join().unwrap_or_default())
        });
    }
    let _ = (file, look);
    (run(), None)
}

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::OsString;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

    /// Enough for some events with names; when more come, they are read later.
    const BUFFER: usize = 4096;

    /// What happens to a file in its directory.
    pub(super) struct Watch {
        events: OwnedFd,
        descriptor: i32,
        name: OsString,
    }

    impl Watch {
        /// `None` if the system can't watch it.
        pub(super) fn new(file: &Path) -> Option<Watch> {
            let (directory, name) = (file.parent()?, file.file_name()?.to_owned());
            let events = inotify::init(CreateFlags::CLOEXEC).ok()?;
            let flags = WatchFlags::CLOSE_WRITE | WatchFlags::MOVE | WatchFlags::DELETE;
            let descriptor = inotify::add_watch(&events, directory, flags).ok()?;
            Some(Watch { events, descriptor, name })
        }

        /// Calls `look` when the file is closed, and gives the result when the watch ends, if nothing else has happened to the file.
        pub(super) fn wait<T>(&self, look: impl FnOnce() -> T) -> Option<T> {
            let mut buffer = [MaybeUninit::uninit(); BUFFER];
            let mut reader = inotify::Reader::new(&self.events, &mut buffer);
            let (mut look, mut found) = (Some(look), None);
            loop {
                let event = reader.next().ok()?;
                if event.events().contains(ReadFlags::IGNORED) {
                    return found;
                }
                if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                    return None;
                }
                if event.file_name().is_some_and(|name| name.to_bytes() == self.name.as_bytes()) {
                    let is_closed = event.events().contains(ReadFlags::CLOSE_WRITE);
                    // A second time there is nothing to look with: it has changed. Two events that came as one are before the look.
                    found = look.take().filter(|_| is_closed).map(|look| look());
                }
            }
        }
    }

    /// Ends a watch, of which it is the last event, after all those of the file.
    pub(super) struct End<'a>(pub(super) &'a Watch);

    impl Drop for End<'_> {
        fn drop(&mut self) {
            // It fails only for a watch that has ended.
            let _ = inotify::remove_watch(&self.0.events, self.0.descriptor);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
