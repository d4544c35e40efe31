//! Progress on a terminal, for what takes longer than a second.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that is done sooner shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar on standard error; nothing where that isn't a terminal.
pub struct Bar {
    bar: ProgressBar,
    start: Instant,
    /// Bytes so far and in all, of each running download.
    downloads: Mutex<BTreeMap<String, (u64, u64)>>,
}

impl Bar {
    /// A bar that counts things.
    pub fn count() -> Bar {
        Bar::new("{wide_msg} {pos}/{len} {elapsed}")
    }

    /// A bar that counts bytes.
    pub fn bytes() -> Bar {
        Bar::new("{wide_msg} {bytes}/{total_bytes} {elapsed}")
    }

    /// A bar that says what is being done.
    pub fn phases() -> Bar {
        Bar::new("{spinner} {wide_msg} {elapsed}")
    }

    /// Shows what is being done.
    pub fn phase(&self, what: &str) {
        if self.bar.message().is_empty() {
            // What comes next takes minutes.
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
        self.bar.set_message(what.to_owned());
    }

    fn new(template: &str) -> Bar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Bar { bar, start: Instant::now(), downloads: Mutex::default() }
    }

    /// Shows that `done` of `total` are done, and what is worked on.
    pub fn update(&self, done: usize, total: usize, what: &str) {
        self.show(done as u64, total as u64, what);
    }

    /// Shows a download.
    pub fn download(&self, progress: crate::lock::Progress) {
        let mut downloads = self.downloads.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.done {
            downloads.remove(progress.what);
        } else {
            let total = progress.total.unwrap_or(progress.bytes);
            downloads.insert(progress.what.to_owned(), (progress.bytes, total));
        }
        let names: Vec<&str> = downloads.keys().map(String::as_str).collect();
        let (done, total) = downloads.values().fold((0, 0), |(d, t), (done, total)| (d + done, t + total));
        self.show(done, total, &names.join(", "));
    }

    /// Prints lines on standard error, above the bar.
    pub fn message(&self, text: &str) {
        self.bar.suspend(|| anstream::eprint!("{text}"));
    }

    fn show(&self, done: u64, total: u64, what: &str) {
        if self.start.elapsed() >= PATIENCE {
            self.bar.set_length(total);
            self.bar.set_position(done);
            self.bar.set_message(what.to_owned());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
