//! The identities of different kinds of programs.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::programs::unshared;
use testkit::scenario::Scenario;
use testkit::{installed, programs};

use super::{Bench, DAEMON};

/// The value of a key in busctl's output of an `a{sv}`.
pub(crate) fn value<'a>(info: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = info.split_once(&format!("\"{key}\" s \""))?;
    rest.split('"').next()
}

/// A command prefix that runs programs in a root with `/.flatpak-info`.
fn flatpak(directory: &Path, id: &str) -> PathBuf {
    root(directory, &format!("printf '[Application]\\nname={id}\\n' >$root/.flatpak-info"))
}

/// A command prefix that runs programs in their own root, which this shell command prepares.
pub(crate) fn root(directory: &Path, line: &str) -> PathBuf {
    let (root, script) = (directory.join("root"), directory.join("flatpak"));
    fs::create_dir(&root).unwrap();
    let text = format!(
        "#!/bin/sh\nset -e\nroot={}\nmount -t tmpfs none $root\nfor folder in /*; do\n\
         case $folder in /dev | /sys | /boot) continue ;; esac\n[ -d $folder ] && [ ! -L $folder ] || continue\n\
         mkdir $root$folder\nmount --rbind $folder $root$folder\ndone\n\
         for link in bin lib lib64; do ln -s usr/$link $root/$link; done\n\
         {line}\nPATH=$PATH:/usr/sbin:/sbin\nexec chroot $root \"$@\"\n",
        root.display()
    );
    programs::script(&script, &text).unwrap();
    script
}

/// A command prefix that runs a program in the unit of a Flatpak application, if there are units.
fn unit_for(id: &str) -> Vec<String> {
    if !Path::new("/run/systemd/system").is_dir() {
        return Vec::new();
    }
    let scope = format!("systemd-run --user --scope --quiet --unit=app-flatpak-{id}-$$.scope");
    ["sh", "-c", &format!("exec {scope} \"$@\""), "sh"].map(str::to_owned).to_vec()
}

#[tokio::test]
async fn a_program_is_identified_by_its_executable_and_allowed() {
    let bench = Bench::new("").await;
    let info = bench.info(&["env"]);
    assert!(value(&info, "executable").unwrap().ends_with("/busctl"), "{info}");
    assert!(info.contains("\"sandboxed\" b false"), "{info}");
    assert_eq!((value(&info, "submit"), value(&info, "submit-reason")), (Some("allow"), Some("programs")));
    assert!(bench.calculate(&["env"]).said.starts_with("stta{sv} "));
}

#[tokio::test]
async fn a_program_with_another_view_of_the_file_system_is_sandboxed() {
    let bench = Bench::new("").await;
    let directory = tempfile::tempdir().unwrap();
    let script = root(directory.path(), ":");
    let words: Vec<_> = unshared().into_iter().chain([script.to_str().unwrap()]).collect();
    let info = bench.info(&words);
    assert_eq!(value(&info, "executable"), None, "the path proves nothing there: {info}");
    assert!(info.contains("\"sandboxed\" b true"), "{info}");
    assert_eq!(
        (value(&info, "read-code"), value(&info, "read-code-reason")),
        (Some("deny"), Some("sandboxed"))
    );
    let refused = bench.calculate(&words);
    assert!(refused.code != 0 && refused.said.contains("may not read_code"), "{}", refused.said);
    bench.reload("[access]\nsandboxed = 'allow'\n").await;
    assert_eq!(bench.calculate(&words).code, 0);
}

/// This test may run in a service of the user.
#[tokio::test]
async fn only_a_service_may_have_a_namespace_with_the_root_of_the_machine() {
    let bench = Bench::new("").await;
    let cgroup = fs::read_to_string("/proc/self/cgroup").unwrap();
    let info = bench.info(&unshared());
    assert_eq!(value(&info, "executable"), None, "the path proves nothing there: {info}");
    let is_service = cgroup.contains("/user@")
        && value(&info, "unit").is_some_and(|unit| unit.ends_with(".service") && !unit.starts_with("app-"));
    assert!(info.contains(&format!("\"sandboxed\" b {}", !is_service)), "{info}");
    bench.reload("[[access.rule]]\ncaller = 'executable:*/busctl'\nread_code = 'deny'\n").await;
    assert_eq!(value(&bench.info(&unshared()), "read-code-reason"), Some("rule 1"), "a rule that denies");
}

#[tokio::test]
async fn a_flatpak_application_is_identified_by_its_id_and_allowed_by_a_rule() {
    let bench = Bench::new("").await;
    let directory = tempfile::tempdir().unwrap();
    let script = flatpak(directory.path(), "org.example.Chat");
    let mut words = unit_for("org.example.Chat");
    words.extend(unshared().into_iter().chain([script.to_str().unwrap()]).map(str::to_owned));
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let info = bench.info(&words);
    assert_eq!(
        (value(&info, "kind"), value(&info, "name")),
        (Some("flatpak"), Some("org.example.Chat")),
        "{info}"
    );
    let refused = bench.calculate(&words);
    assert!(refused.said.contains("flatpak:org.example.Chat"), "{}", refused.said);
    bench.reload("[[access.rule]]\ncaller = 'flatpak:org.example.*'\nread_code = 'allow'\n").await;
    assert_eq!(bench.calculate(&words).code, 0);
    let info = bench.info(&words);
    assert_eq!(value(&info, "read-code-reason"), Some("rule 1"));
    assert_eq!(value(&info, "submit"), Some("deny"));
}

#[tokio::test]
async fn a_rule_denies_one_program_and_no_other() {
    let bench = Bench::new("[[access.rule]]\ncaller = 'executable:*/busctl'\nread_code = 'deny'\n").await;
    let refused = bench.calculate(&["env"]);
    assert!(refused.code != 0 && refused.said.contains("rule 1"), "{}", refused.said);
    bench.client.calculate(&bench.alice, Default::default()).await.unwrap();
    bench.reload("").await;
    assert_eq!(bench.calculate(&["env"]).code, 0);
}

#[tokio::test]
async fn a_program_that_is_deleted_while_it_runs_keeps_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("tool");
    let copy = copy.to_str().unwrap();
    let rule = format!("[[access.rule]]\ncaller = 'executable:{copy}'\nread_code = 'deny'\n");
    let bench = Bench::new(&rule).await;
    // Like during a package upgrade: the file is removed before the program calls.
    let line = "cp \"$1\" \"$0\"; exec 3<\"$0\"; rm \"$0\"; LD_LIBRARY_PATH=$2; export LD_LIBRARY_PATH; shift 3; \
                exec /proc/self/fd/3 \"$@\"";
    let busctl = "/usr/bin/busctl";
    let (program, libraries) = (installed::file_of_package(busctl), installed::libraries_of(busctl));
    let deleted = ["sh", "-c", line, copy, program.to_str().unwrap(), &libraries];
    let refused = bench.calculate(&deleted);
    assert!(refused.code != 0 && refused.said.contains("rule 1"), "{}", refused.said);
    assert_eq!(value(&bench.info(&deleted), "executable"), Some(copy));
}

#[tokio::test]
async fn programs_of_other_users_are_always_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("not tested: only root can become another user");
        return;
    }
    let bench =
        Bench::of(Scenario::program(DAEMON).bus_for_everybody(), "[access]\nsandboxed = 'allow'\n").await;
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let refused = bench.calculate(&nobody);
    assert!(refused.code != 0 && refused.said.contains("own user"), "{}", refused.said);
    let refused = bench.busctl(&nobody, super::ROOT, "Manager", &["FindCredentials", "a{ss}", "0"]);
    assert!(refused.code != 0 && refused.said.contains("own user"), "{}", refused.said);
}
