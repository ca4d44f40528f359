//! Programs that control the content of their root and their own identity.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::dbusmock::Mock;
use testkit::programs::unshared;
use testkit::scenario::Scenario;

use super::programs::{root, value};
use super::{Bench, DAEMON};

/// The timeout for an event, which only a failure reaches.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

/// A command prefix that runs a program in its own root, after this shell command.
fn inside(directory: &Path, line: &str) -> Vec<String> {
    let script = root(directory, line);
    unshared().into_iter().chain([script.to_str().unwrap()]).map(str::to_owned).collect()
}

fn info(bench: &Bench, words: &[String]) -> String {
    bench.info(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The pipe has no writer, so opening it for reading would block for ever.
#[tokio::test]
async fn a_pipe_in_place_of_flatpak_info_does_not_block_the_daemon() {
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
async fn only_a_regular_file_is_accepted_as_flatpak_info() {
    let bench = Bench::new("").await;
    for line in ["mkdir $root/.flatpak-info", "ln -s /etc/hostname $root/.flatpak-info"] {
        let directory = tempfile::tempdir().unwrap();
        let said = info(&bench, &inside(directory.path(), line));
        assert_eq!(value(&said, "kind"), Some("unknown"), "{line}: {said}");
    }
}

/// It may have no access to logind, which tells it to other programs.
#[tokio::test]
async fn a_sandboxed_program_is_not_told_whether_the_screen_is_locked() {
    let bench = Bench::of(Scenario::program(DAEMON).system_bus(), "").await;
    let end = Instant::now() + EVENT_TIMEOUT;
    while value(&bench.info(&["env"]), "screen") == Some("unknown") {
        assert!(Instant::now() < end, "{}", bench.info(&["env"]));
    }
    assert_eq!(value(&bench.info(&["env"]), "screen"), None, "logind does not run");
    let _logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    let end = Instant::now() + EVENT_TIMEOUT;
    while value(&bench.info(&["env"]), "screen") != Some("unlocked") {
        assert!(Instant::now() < end, "{}", bench.info(&["env"]));
    }
    let directory = tempfile::tempdir().unwrap();
    let said = info(&bench, &inside(directory.path(), "true"));
    assert!(said.contains("\"sandboxed\" b true"), "{said}");
    assert_eq!(value(&said, "screen"), None, "{said}");
}

/// The rule for `unknown` matches every program that is shown as unknown.
#[tokio::test]
async fn a_sandboxed_program_without_a_name_is_allowed_by_the_rule_for_unknown() {
    let bench = Bench::new("").await;
    if unit().is_some() {
        println!("not tested: this test runs in a unit, which names what it runs");
        return;
    }
    assert_eq!(value(&bench.info(&unshared()), "kind"), Some("unknown"));
    let refused = bench.calculate(&unshared());
    assert!(refused.said.contains("\"unknown\""), "{}", refused.said);
    bench.reload("[[access.rule]]\ncaller = 'unknown'\nread_code = 'allow'\n").await;
    assert_eq!(bench.calculate(&unshared()).code, 0);
}

/// A control group like that of a systemd unit, removed on drop.
struct Group(PathBuf);

impl Group {
    /// `None` if this user may not create one.
    fn new(name: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let places = mounts.lines().filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (place, kind) = (words.next()?, words.next()?);
            (kind == "cgroup2").then(|| PathBuf::from(place))
        });
        places.map(|place| place.join(name)).find(|path| fs::create_dir(path).is_ok()).map(Self)
    }

    /// A command prefix that runs a program in the control group.
    fn words(&self) -> Vec<String> {
        let move_there = format!("echo $$ >{}/cgroup.procs && exec \"$@\"", self.0.display());
        ["sh", "-c", &move_there, "sh"].map(str::to_owned).to_vec()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its processes have ended.
        let _ = fs::remove_dir(&self.0);
    }
}

fn unit() -> Option<String> {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap();
    text.split(['/', '\n'])
        .find(|name| name.ends_with(".scope") || name.ends_with(".service"))
        .map(str::to_owned)
}

#[tokio::test]
async fn an_application_with_the_id_of_another_one_is_unknown() {
    let bench = Bench::new("[[access.rule]]\ncaller = 'flatpak:org.example.*'\nread_code = 'allow'\n").await;
    let directory = tempfile::tempdir().unwrap();
    let line = "printf '[Application]\\nname=org.example.Chat\\n' >$root/.flatpak-info";
    let words = inside(directory.path(), line);
    for (unit, expected) in [
        ("app-flatpak-org.example.Chat-71.scope", "flatpak"),
        ("app-flatpak-org.example.Other-71.scope", "unknown"),
        ("libpod-0123.scope", "unknown"),
    ] {
        let Some(group) = Group::new(unit) else {
            println!("not tested: only somebody else may make control groups here");
            return;
        };
        let words: Vec<_> = group.words().into_iter().chain(words.iter().cloned()).collect();
        let said = info(&bench, &words);
        assert_eq!(value(&said, "kind"), Some(expected), "{unit}: {said}");
        let may = if expected == "flatpak" { "allow" } else { "deny" };
        assert_eq!(value(&said, "read-code"), Some(may), "{unit}: {said}");
    }
}
