//! Programs that choose what is in their root, and what they are called.

use std::path::Path;

use super::Bench;
use super::programs::{root, unshared, value};

/// Words that run a program in a root of its own, after this line of shell.
fn inside(directory: &Path, line: &str) -> Vec<String> {
    let script = root(directory, line);
    unshared().into_iter().chain([script.to_str().unwrap()]).map(str::to_owned).collect()
}

fn info(bench: &Bench, words: &[String]) -> String {
    bench.info(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Nobody writes into it, so opening it as a file waits for ever.
#[tokio::test]
async fn a_pipe_for_flatpak_s_file_stops_nobody() {
    let bench = Bench::new("").await;
    let directory = tempfile::tempdir().unwrap();
    let words = inside(directory.path(), "mkfifo $root/.flatpak-info");
    for _ in 0..6 {
        let said = info(&bench, &words);
        assert_eq!(value(&said, "kind"), Some("unknown"), "{said}");
        assert_eq!(value(&said, "submit-reason"), Some("sandboxed"), "{said}");
    }
    let said = bench.info(&["env"]);
    assert!(value(&said, "executable").is_some(), "{said}");
}

#[tokio::test]
async fn what_is_not_a_file_is_not_flatpak_s() {
    let bench = Bench::new("").await;
    for line in ["mkdir $root/.flatpak-info", "ln -s /etc/hostname $root/.flatpak-info"] {
        let directory = tempfile::tempdir().unwrap();
        let said = info(&bench, &inside(directory.path(), line));
        assert_eq!(value(&said, "kind"), Some("unknown"), "{line}: {said}");
    }
}
