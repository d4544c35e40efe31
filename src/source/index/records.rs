//! The file of an index: records by key, each with a checksum.
//!
//! ```text
//! magic (8 bytes), number of records (u32), checksum of the table (u32)
//! table: for each record, sorted by key: length of the key, length of the record, checksum of the record (u32 each)
//! keys, one after the other
//! records, one after the other
//! ```
//!
//! All numbers are little-endian; checksums are CRC-32. A record is checked when it is read, so that opening takes no longer than the
//! table does.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

const MAGIC: &[u8; 8] = b"gd-index";

/// Records as they were read from a file; none if it isn't there, or damaged.
#[derive(Default)]
pub(super) struct Records {
    bytes: Vec<u8>,
    /// Sorted by key.
    table: Vec<Row>,
}

struct Row {
    key: std::ops::Range<usize>,
    record: std::ops::Range<usize>,
    checksum: u32,
}

impl Records {
    pub(super) fn read(path: &Path) -> Records {
        let bytes = std::fs::read(path).unwrap_or_default();
        match table(&bytes) {
            Some(table) => Records { bytes, table },
            None => Records::default(),
        }
    }

    /// The keys, sorted.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        (0..self.table.len()).map(|index| self.key(index))
    }

    /// The key in a place.
    pub(super) fn key(&self, index: usize) -> &str {
        std::str::from_utf8(&self.bytes[self.table[index].key.clone()]).unwrap_or_default()
    }

    /// The place of a key.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        self.table.binary_search_by(|row| self.bytes[row.key.clone()].cmp(key.as_bytes())).ok()
    }

    /// The record in a place, if it is whole.
    pub(super) fn record(&self, index: usize) -> Option<&[u8]> {
        let row = &self.table[index];
        let record = &self.bytes[row.record.clone()];
        (crc32fast::hash(record) == row.checksum).then_some(record)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at + 4)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

const HEADER: usize = MAGIC.len() + 8;
const ROW: usize = 12;

/// The table of a file whose table and keys are whole.
fn table(bytes: &[u8]) -> Option<Vec<Row>> {
    if !bytes.starts_with(MAGIC) {
        return None;
    }
    let rows = number(bytes, MAGIC.len())?;
    let keys = HEADER.checked_add(rows.checked_mul(ROW)?)?;
    let lengths = |row: usize| Some((number(bytes, HEADER + row * ROW)?, number(bytes, HEADER + row * ROW + 4)?));
    bytes.get(..keys)?;
    let mut records = keys;
    for row in 0..rows {
        records = records.checked_add(lengths(row)?.0)?;
    }
    if crc32fast::hash(bytes.get(HEADER..records)?) as usize != number(bytes, MAGIC.len() + 4)? {
        return None;
    }
    let (mut table, mut key_at, mut record_at) = (Vec::with_capacity(rows), keys, records);
    for row in 0..rows {
        let (key, record) = lengths(row)?;
        let checksum = number(bytes, HEADER + row * ROW + 8)? as u32;
        table.push(Row { key: key_at..key_at + key, record: record_at..record_at.checked_add(record)?, checksum });
        (key_at, record_at) = (key_at + key, record_at + record);
    }
    // Whoever was killed while writing has left no file of this name, but a disk may have lost the end of one.
    (record_at == bytes.len()).then_some(table)
}

/// Writes records, under a temporary name until they are complete.
pub(super) fn write(path: &Path, records: &BTreeMap<&str, &[u8]>) -> std::io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let mut table = Vec::with_capacity(records.len() * (ROW + 32));
    for (key, record) in records {
        for value in [length(key.len())?, length(record.len())?, crc32fast::hash(record)] {
            table.extend(value.to_le_bytes());
        }
    }
    records.keys().for_each(|key| table.extend(key.as_bytes()));
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    let mut out = std::io::BufWriter::new(file.as_file_mut());
    out.write_all(MAGIC)?;
    out.write_all(&length(records.len())?.to_le_bytes())?;
    out.write_all(&crc32fast::hash(&table).to_le_bytes())?;
    out.write_all(&table)?;
    for record in records.values() {
        out.write_all(record)?;
    }
    out.flush()?;
    drop(out);
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

fn length(length: usize) -> std::io::Result<u32> {
    u32::try_from(length).map_err(|_| std::io::ErrorKind::FileTooLarge.into())
}

/// Removes what nobody has written to for three months, which takes one scan to make again: indexes of trees that are gone, and what
/// other versions of the scanner and killed processes have left.
pub(super) fn clean(cache: &Path) {
    const LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);
    let is_old = |path: &Path| {
        let age = path.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        age.is_some_and(|age| age > LIFETIME)
    };
    let list = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    for version in list(cache) {
        // Another process may do the same.
        list(&version).filter(|file| is_old(file)).for_each(|file| drop(std::fs::remove_file(file)));
        if is_old(&version) {
            let _ = std::fs::remove_dir(&version);
        }
    }
}

/// Everything that decides what a record says.
const SOURCES: &[&[u8]] = &[
    include_bytes!("../constraint.rs"),
    include_bytes!("../functions.rs"),
    include_bytes!("../header.rs"),
    include_bytes!("../header/comment.rs"),
    include_bytes!("../header/constraints.rs"),
    include_bytes!("../header/embed.rs"),
    include_bytes!("../header/extent.rs"),
    include_bytes!("../header/parser.rs"),
    include_bytes!("../index.rs"),
    include_bytes!("blobs.rs"),
    include_bytes!("records.rs"),
    include_bytes!("store.rs"),
    include_bytes!("../mentions.rs"),
    include_bytes!("../scan.rs"),
    include_bytes!("../synopsis.rs"),
    include_bytes!("../token.rs"),
    include_bytes!("../token/literal.rs"),
    include_bytes!("../tree.rs"),
    include_bytes!("../unicode.rs"),
];

/// FNV-1a of the sources, so that no scanner reads what another one has made of the same files.
const VERSION: u64 = {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut file = 0;
    while file < SOURCES.len() {
        let mut at = 0;
        while at < SOURCES[file].len() {
            hash = (hash ^ SOURCES[file][at] as u64).wrapping_mul(0x100_0000_01b3);
            at += 1;
        }
        file += 1;
    }
    hash
};

/// The name of the directory for indexes that this version of the scanner writes.
pub(super) fn version() -> String {
    format!("{VERSION:016x}")
}
