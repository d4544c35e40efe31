use super::*;

struct Filled {
    directory: tempfile::TempDir,
    cache: Cache,
}

const HOUR: Duration = Duration::from_secs(60 * 60);

impl Filled {
    fn new() -> Filled {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path()).unwrap();
        Filled { directory, cache }
    }

    /// An action with one output.
    fn add(&self, name: &str, content: &str) -> (Sha256, Sha256) {
        let scratch = self.cache.scratch().unwrap();
        let file = scratch.path().join("x");
        fs::write(&file, content).unwrap();
        let (key, sha256) = (Sha256::of(name), self.cache.insert(&file).unwrap());
        let record = Record { outputs: [("x".to_owned(), sha256)].into(), messages: String::new() };
        self.cache.record(&key, &record, name).unwrap();
        (key, sha256)
    }

    fn knows(&self, key: &Sha256) -> bool {
        self.cache.recall(key, &["x"]).is_some()
    }

    /// Another process's view.
    fn again(&self) -> Cache {
        Cache::open(self.directory.path()).unwrap()
    }

    /// Everything was made and used so long ago, in hours; negative in the future.
    fn age(&self, kind: &str, digest: &Sha256, hours: i32) {
        let ago = HOUR * hours.unsigned_abs();
        let time = if hours < 0 { SystemTime::now() + ago } else { SystemTime::now() - ago };
        let path = self.cache.file(kind, digest);
        fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    }
}

const ALL: Unused = Unused { max_bytes: 0, max_age: None, spare_young: false };

#[test]
fn what_is_damaged_counts_as_absent() {
    let filled = Filled::new();
    let (key, sha256) = filled.add("key", "content");
    assert!(filled.knows(&key) && filled.cache.is_whole(&sha256));
    assert_eq!(filled.cache.recall(&key, &["x", "o"]), None);
    assert_eq!(filled.cache.why(&key).as_deref(), Some("key"));
    for damage in ["contenT", "conten", ""] {
        fs::write(filled.cache.blob(&sha256), damage).unwrap();
        assert!(!filled.again().is_whole(&sha256) && filled.again().open_whole(&sha256).is_none());
    }
    let action = filled.cache.file("action", &key);
    let record = fs::read_to_string(&action).unwrap();
    for damage in [record.replace("\"x\"", "\"y\""), record[..record.len() - 1].to_owned(), String::new()] {
        fs::write(&action, damage).unwrap();
        assert!(!filled.knows(&key));
    }
}

#[test]
fn what_an_earlier_process_found_holds_for_the_same_file_only() {
    let filled = Filled::new();
    let (_, sha256) = filled.add("key", "content");
    let (root, name) = (Path::new("/here"), "linux_amd64");
    let noted = || read_sealed(&filled.cache.of_configuration("seen", root, name)).unwrap();
    let look = || {
        let cache = filled.again();
        cache.recall_seen(root, name);
        let is_whole = cache.is_whole(&sha256);
        cache.keep_seen(root, name, &[sha256].into()).unwrap();
        is_whole
    };
    // It is too young.
    assert!(look());
    assert_eq!(noted(), "{}");
    std::thread::sleep(crate::files::YOUNG + Duration::from_millis(100));
    assert!(look());
    let first = noted();
    assert!(first.contains(&sha256.to_string()));
    // Who looks after that believes it, and so passes it on.
    assert!(look());
    assert_eq!(noted(), first);
    // As many bytes in the same file, and its old time.
    let blob = filled.cache.blob(&sha256);
    let modified = fs::metadata(&blob).unwrap().modified().unwrap();
    fs::write(&blob, "contenT").unwrap();
    fs::File::options().append(true).open(&blob).unwrap().set_modified(modified).unwrap();
    assert!(!look());
    // Notes that are damaged are none; whole ones are all that is asked.
    let notes = filled.cache.of_configuration("seen", root, name);
    let wrong = serde_json::to_string(&Seen::from([(sha256, State::at(&blob))])).unwrap();
    fs::write(&notes, &wrong).unwrap();
    assert!(!look());
    fs::write(&notes, sealed(&wrong)).unwrap();
    assert!(look());
}

#[test]
fn damage_is_found_and_removed() {
    let filled = Filled::new();
    let [(_, a), (b_key, _), (c_key, c)] = [filled.add("a", "A"), filled.add("b", "B"), filled.add("c", "C")];
    assert_eq!(filled.cache.remove_damaged().unwrap(), []);
    fs::write(filled.cache.blob(&a), "AA").unwrap();
    fs::write(filled.cache.file("action", &b_key), "").unwrap();
    fs::remove_file(filled.cache.blob(&c)).unwrap();
    fs::write(filled.cache.file("why", &c_key), "c").unwrap();
    let problems: Vec<&str> = filled.cache.remove_damaged().unwrap().iter().map(|d| d.problem).collect();
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert_eq!(filled.cache.remove_damaged().unwrap(), []);
    // The blob of `b`, whose record is gone.
    assert_eq!(filled.cache.stats().unwrap(), Stats { actions: 0, blobs: 1, blob_bytes: 1, bytes: 1 + 2 * (65 + 1) });
}

#[test]
fn what_was_used_least_recently_goes_first() {
    let filled = Filled::new();
    let added: Vec<_> = (0..4).map(|i| filled.add(&i.to_string(), &i.to_string().repeat(100_000))).collect();
    for (i, (key, sha256)) in (0..).zip(&added) {
        filled.age("action", key, 10 - i);
        filled.age("blob", sha256, 20);
    }
    // A use, and a clock that was wrong.
    assert!(filled.knows(&added[0].0));
    filled.age("action", &added[3].0, -1000);
    let removed = filled.cache.prune(Unused { max_bytes: 250_000, ..ALL }).unwrap();
    assert_eq!((removed.actions, removed.bytes / 1000), (2, 200));
    assert_eq!(added.iter().map(|(key, _)| filled.knows(key)).collect::<Vec<_>>(), [true, false, false, true]);
    assert_eq!(filled.cache.stats().unwrap().blobs, 2);
    // A use corrects the time in the future.
    let time = fs::metadata(filled.cache.file("action", &added[3].0)).unwrap().modified().unwrap();
    assert!(time <= SystemTime::now());
}

#[test]
fn a_trim_spares_what_is_in_use() {
    let filled = Filled::new();
    let [(old, old_blob), (young, _)] = [filled.add("old", "old"), filled.add("young", "young")];
    filled.age("action", &old, 2);
    filled.age("blob", &old_blob, 2);
    filled.cache.trim_daily(0);
    assert!(!filled.knows(&old) && filled.knows(&young));
    // Not twice a day, but whatever the clock said.
    filled.age("action", &young, 2);
    filled.cache.trim_daily(0);
    assert!(filled.knows(&young));
    filled.age("action", &young, 2);
    let stamp = fs::File::options().append(true).open(filled.directory.path().join("trimmed")).unwrap();
    stamp.set_modified(SystemTime::now() + 100 * HOUR).unwrap();
    filled.cache.trim_daily(0);
    assert!(!filled.knows(&young));
}

#[test]
fn two_outputs_of_the_same_content_are_one_blob() {
    let filled = Filled::new();
    let [(a, _), (b, blob)] = [filled.add("a", "same"), filled.add("b", "same")];
    filled.age("action", &a, 5);
    let size = |key| fs::metadata(filled.cache.file("action", key)).unwrap().len();
    let removed = filled.cache.prune(Unused { max_bytes: 4 + size(&b), ..ALL }).unwrap();
    assert_eq!(removed.actions, 1);
    assert!(filled.knows(&b) && filled.cache.is_whole(&blob) && filled.again().is_whole(&blob));
    assert_eq!(filled.cache.prune(Unused { max_age: Some(HOUR), max_bytes: u64::MAX, ..ALL }).unwrap().actions, 0);
    filled.age("action", &b, 5);
    assert_eq!(filled.cache.prune(Unused { max_age: Some(HOUR), max_bytes: u64::MAX, ..ALL }).unwrap().actions, 1);
}

#[test]
fn keys_are_remembered_by_directory_and_configuration() {
    let filled = Filled::new();
    let keys: BTreeMap<String, Sha256> =
        [("a b [b.test]".to_owned(), Sha256::of("1")), ("c".to_owned(), Sha256::of("2"))].into();
    filled.cache.keep_keys(Path::new("/a"), "linux_amd64", &keys).unwrap();
    assert_eq!(filled.cache.last_keys(Path::new("/a"), "linux_amd64"), keys);
    assert!(filled.cache.last_keys(Path::new("/a"), "linux_arm64").is_empty());
    assert!(filled.cache.last_keys(Path::new("/b"), "linux_amd64").is_empty());
}
