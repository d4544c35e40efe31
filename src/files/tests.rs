use std::fs;

use super::*;

/// A directory with two files and a link, all of them old.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("sub")).unwrap();
    for name in ["a", "sub/b"] {
        fs::write(directory.path().join(name), "text").unwrap();
    }
    directory
}

/// Asks all kinds of questions.
fn ask(root: &Path) -> Notes {
    let files = Files::noting();
    for name in ["a", "sub/b", "none", "a/none"] {
        let _ = files.read(&root.join(name));
    }
    for name in ["", "sub", "none", "a"] {
        let _ = files.list(&root.join(name));
    }
    let _ = files.real_path(&root.join("a"));
    files.is_directory(&root.join("sub"));
    files.notes().unwrap()
}

/// The notes as they are long after the files were written: times are moved into the past, which the change time alone can't be.
fn settled(notes: &Notes) -> Notes {
    let mut notes = notes.clone();
    for (path, _, answer) in &mut notes.answers {
        if let Answer::Found { state, .. } = answer {
            *state = State::of(&fs::metadata(path).unwrap());
        }
    }
    notes
}

#[test]
fn nothing_changed() {
    let directory = directory();
    let notes = ask(directory.path());
    assert_eq!(notes.hold(), Held::Still, "young files are read again each time");
    let text = serde_json::to_string(&notes).unwrap();
    assert_eq!(serde_json::from_str::<Notes>(&text).unwrap(), notes);
    assert!(notes.answers.iter().all(|(_, _, answer)| !matches!(answer, Answer::Found { state: State(Some(_)), .. })));
}

#[test]
fn what_is_young_proves_nothing() {
    let state = |modified: u64, changed: u64| State(Some([1, modified * 1_000_000_000, changed * 1_000_000_000, 4, 5, 6]));
    let now = UNIX_EPOCH + Duration::from_secs(100);
    assert_eq!(state(97, 1).settled(now), state(97, 1));
    for young in [state(98, 1), state(99, 1), state(200, 1), state(1, 99)] {
        assert!(!young.settled(now).is_known());
    }
}

#[test]
fn files_that_nobody_read_count() {
    let directory = directory();
    let path = directory.path().join("a");
    let old = State::of(&fs::metadata(&path).unwrap());
    let notes = |state| {
        let files = Files::noting();
        files.seen(&path, state);
        files.notes()
    };
    assert_eq!(notes(old.settled(SystemTime::now())), None, "it is too young to be known again");
    let notes = notes(old).unwrap();
    // As if it had been old when it was seen.
    let looks_the_same = |now| notes.answers.iter().all(|(path, _, answer)| looks_the_same(path, answer, now));
    let later = SystemTime::now() + Duration::from_secs(10);
    assert!(looks_the_same(later));
    fs::write(&path, "other").unwrap();
    assert!(!looks_the_same(later));
    assert_eq!(notes.hold(), Held::No);
}

#[test]
fn every_change_shows() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 11] = [
        ("other content of the same size", |root| fs::write(root.join("a"), "TEXT").unwrap()),
        ("a file by another name takes its place", |root| {
            fs::write(root.join("new"), "TEXT").unwrap();
            fs::rename(root.join("new"), root.join("a")).unwrap();
        }),
        ("a file is removed", |root| fs::remove_file(root.join("sub/b")).unwrap()),
        ("a file is added", |root| fs::write(root.join("sub/c"), "").unwrap()),
        ("a file is renamed", |root| fs::rename(root.join("sub/b"), root.join("sub/B")).unwrap()),
        ("what was missing is there", |root| fs::write(root.join("none"), "").unwrap()),
        ("what was missing is a directory", |root| fs::create_dir(root.join("none")).unwrap()),
        ("a file becomes a directory", |root| {
            fs::remove_file(root.join("a")).unwrap();
            fs::create_dir(root.join("a")).unwrap();
        }),
        ("a directory becomes a file", |root| {
            fs::remove_dir_all(root.join("sub")).unwrap();
            fs::write(root.join("sub"), "").unwrap();
        }),
        ("a file becomes a link to the same", |root| {
            fs::rename(root.join("a"), root.join("elsewhere")).unwrap();
            std::os::unix::fs::symlink("elsewhere", root.join("a")).unwrap();
        }),
        ("all is gone", |root| fs::remove_dir_all(root).unwrap()),
    ];
    for (what, change) in changes {
        let directory = directory();
        let notes = ask(directory.path());
        change(directory.path());
        assert_eq!(notes.hold(), Held::No, "{what}");
        let _ = fs::create_dir(directory.path());
    }
}

#[test]
fn times_tell_once_they_are_old() {
    let directory = directory();
    let notes = ask(directory.path());
    let old = settled(&notes);
    // Nothing is this old yet, so the files are read, and the better notes are those without times.
    assert_eq!(old.hold(), Held::Better(notes.clone()));
    let later = SystemTime::now() + YOUNG * 2;
    for (path, question, answer) in &old.answers {
        match answer {
            Answer::Found { .. } => assert!(looks_the_same(path, answer, later), "{}", path.display()),
            _ => assert_eq!(again(path, *question, answer).as_ref(), Some(answer), "{}", path.display()),
        }
    }
    fs::write(directory.path().join("a"), "text").unwrap();
    let (path, _, answer) =
        old.answers.iter().find(|(path, question, _)| path.ends_with("a") && *question == Question::Content).unwrap();
    assert!(!looks_the_same(path, answer, later), "written again, if only the same");
    let same_text = again(path, Question::Content, answer).unwrap();
    assert_ne!(same_text, *answer, "the file has another time");
}

#[test]
fn links_are_looked_through() {
    let directory = directory();
    let root = directory.path();
    std::os::unix::fs::symlink("sub", root.join("link")).unwrap();
    let files = Files::noting();
    let kinds = |entries: Vec<Entry>| entries.into_iter().map(|e| (e.name, e.kind)).collect::<Vec<_>>();
    let listed = kinds(files.list(root).unwrap());
    let expected = [("a", EntryKind::File), ("link", EntryKind::Other), ("sub", EntryKind::Directory)];
    assert_eq!(listed, expected.map(|(name, kind)| (name.to_owned(), kind)));
    let notes = files.notes().unwrap();
    assert!(
        matches!(notes.answers[..], [(_, _, Answer::Found { state: State(None), .. })]),
        "a link's target has times of its own"
    );
    fs::rename(root.join("sub"), root.join("moved")).unwrap();
    fs::write(root.join("sub"), "").unwrap();
    fs::remove_dir_all(root.join("moved")).unwrap();
    assert_eq!(notes.hold(), Held::No);
}

#[test]
fn what_cannot_be_noted_leaves_no_notes() {
    let directory = directory();
    let path = directory.path().join("a");
    let changed = Files::noting();
    changed.read(&path).unwrap();
    fs::write(&path, "other").unwrap();
    changed.read(&path).unwrap();
    assert_eq!(changed.notes(), None, "a file that changes meanwhile");
    let failed = Files::noting();
    failed.read(directory.path()).unwrap_err();
    assert_eq!(failed.notes(), None, "a directory can't be read as a file");
    assert_eq!(Files::default().notes(), None);
}

#[test]
fn what_the_program_itself_writes_is_no_change() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::write(root.join("a"), "a").unwrap();
    let files = Files::noting();
    files.list(root).unwrap();
    let below = Path::new("out/b");
    std::fs::create_dir(root.join("out")).unwrap();
    std::fs::write(root.join(below), "b").unwrap();
    files.note_written(root, below, Sha256::of("b"));
    let notes = files.notes().unwrap();
    assert_ne!(notes.hold(), Held::No);
    std::fs::write(root.join(below), "c").unwrap();
    assert_eq!(notes.hold(), Held::No);
    std::fs::write(root.join(below), "b").unwrap();
    assert_ne!(notes.hold(), Held::No);
    std::fs::write(root.join("c"), "").unwrap();
    assert_eq!(notes.hold(), Held::No);

    // Something else that appeared meanwhile is one.
    let files = Files::noting();
    files.list(root).unwrap();
    std::fs::write(root.join("d"), "d").unwrap();
    std::fs::write(root.join("e"), "e").unwrap();
    files.note_written(root, Path::new("d"), Sha256::of("d"));
    assert_eq!(files.notes().unwrap().hold(), Held::No);
}
