//! The seeds: text files of hexadecimal digits, with comments.

use std::fs;
use std::path::Path;

use data_encoding::HEXUPPER;

/// The names and bytes of the seeds of a target, in the order of their names.
pub(crate) fn of(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut seeds: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), read(&path)))
        .collect();
    seeds.sort();
    assert!(seeds.len() >= 2, "{target} has too few seeds");
    seeds
}

fn read(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap();
    let digits: String = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(str::chars)
        .filter(|letter| !letter.is_whitespace())
        .collect();
    HEXUPPER.decode(digits.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
