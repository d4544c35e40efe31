//! The hashes of real modules, in the zips that Go downloads: with spaces and other scripts in names, without go.mod, large ones.

use rayon::prelude::*;
use serde_json::Value;

use godirect::lock::archive::{Layout, read_zip};
use godirect::lock::nar;

use super::{go, nix_hash};

/// Lines of a go.sum, which the checksum database vouched for when they were written.
const MODULES: &str = include_str!("hashes.txt");

#[test]
fn fifty_real_modules_have_the_hashes_of_go_and_nix() {
    let lines: Vec<Vec<&str>> = MODULES.lines().map(|line| line.split(' ').collect()).collect();
    assert!(lines.len() >= 50);
    let ids: Vec<String> = lines.iter().map(|words| format!("{}@{}", words[0], words[1])).collect();
    let anywhere = tempfile::tempdir().unwrap();
    let arguments: Vec<&str> = ["mod", "download", "-json"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    let downloads = go(anywhere.path(), &[], &arguments);
    let downloads: Vec<Value> = serde_json::Deserializer::from_str(&downloads).into_iter().map(Result::unwrap).collect();
    assert_eq!(downloads.len(), lines.len());
    lines.par_iter().zip(&ids).zip(&downloads).for_each(|((words, id), download)| {
        let directory = tempfile::tempdir().unwrap();
        let zip = download["Zip"].as_str().unwrap();
        let tree = read_zip(zip.as_ref(), Layout::Module(id), Some(directory.path())).unwrap();
        let h1 = tree.h1.unwrap().to_string();
        assert_eq!((h1.as_str(), download["Sum"].as_str()), (words[2], Some(words[2])), "{id}");
        assert_eq!(tree.nar.0.to_string(), nix_hash(directory.path()), "{id}");
        assert_eq!(tree.nar, nar::hash_directory(directory.path()).unwrap(), "{id}");
    });
}
