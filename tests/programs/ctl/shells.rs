//! The completions of zsh and fish. `scripts/test` skips these tests by name where the shell is missing.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use testkit::installed::unpacked_root_of;

use super::rig::{Rig, finish, program};
use super::terminal::{terminal, until};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");

/// The `PATH` with the tool, which the completions run.
fn path() -> String {
    format!("{}:{}", program().parent().unwrap().display(), std::env::var("PATH").unwrap())
}

/// The folders below this one, and itself.
fn folders(top: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path());
    let inner = entries.filter(|path| path.is_dir()).flat_map(|path| folders(&path));
    std::iter::once(top.to_owned()).chain(inner).collect()
}

/// The lines that lead an unpacked zsh to its own modules and functions; every other zsh finds them itself.
fn paths_of_zsh(root: &Path) -> String {
    // One architecture and one version: /usr/lib/ARCHITECTURE/zsh/VERSION.
    let architectures =
        fs::read_dir(root.join("usr/lib")).unwrap().map(|entry| entry.unwrap().path().join("zsh"));
    let modules = architectures.filter_map(|zsh| fs::read_dir(zsh).ok()?.next()?.ok()).next().unwrap().path();
    let functions = root.join("usr/share/zsh/functions");
    // They are in a package of their own, which may be installed.
    let functions = if functions.exists() { folders(&functions) } else { Vec::new() };
    let functions: Vec<_> = functions.iter().map(|folder| folder.display().to_string()).collect();
    format!("module_path=({})\nfpath=({} $fpath)\n", modules.display(), functions.join(" "))
}

/// What the start of a zsh does. Control-T shows the line.
fn zshrc() -> String {
    let paths = unpacked_root_of("zsh").map(|root| paths_of_zsh(&root)).unwrap_or_default();
    format!(
        "{paths}fpath=({FOLDER} $fpath)\nautoload -Uz compinit && compinit -u -D\n\
         show() {{ print -r -- \"<$BUFFER>\" }}\nzle -N show\nbindkey '^T' show\nPS1='ready> '\n"
    )
}

#[test]
fn zsh_completes_names() {
    let rig = Rig::start();
    assert_eq!(rig.run(&["list"]).code, 0);
    fs::write(rig.file(".zshrc"), zshrc()).unwrap();
    let (mut person, user) = terminal();
    let mut shell = rig.command("zsh");
    // Without -d it would run the files of the machine in /etc.
    shell.args(["-d", "-i"]).env("PATH", path()).env("TERM", "xterm").env("ZDOTDIR", rig.file(""));
    shell.stdin(user.try_clone().unwrap()).stdout(user.try_clone().unwrap()).stderr(user);
    let mut child = shell.spawn().unwrap();
    drop(shell);
    until(&mut person, "ready> ");
    for (typed, completed) in [
        ("cod", "code "),
        ("code VPN", "code VPN:dave "),
        ("verify --profile w", "verify --profile work "),
        ("lock 1", "lock 11112222 "),
        ("profile test w", "profile test work "),
    ] {
        person.write_all(format!("\x15oathbridgectl {typed}\t\x14").as_bytes()).unwrap();
        let shown = until(&mut person, ">");
        assert!(shown.contains(&format!("<oathbridgectl {completed}>")), "{typed}: {shown:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn fish_completes_names() {
    let rig = Rig::start();
    assert_eq!(rig.run(&["list"]).code, 0);
    let completed = |line: &str| {
        let script =
            "set --prepend fish_function_path $argv[1]; source $argv[2]; complete --do-complete $argv[3]";
        let mut shell = rig.command("fish");
        shell.args(["--no-config", "--command", script]).env("PATH", path());
        shell.arg(unpacked_root_of("fish").unwrap_or("/".into()).join("usr/share/fish/functions"));
        shell.arg(Path::new(FOLDER).join("oathbridgectl.fish")).arg(format!("oathbridgectl {line}"));
        let run = finish(shell, "");
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{line}");
        // Behind a tab there is a description.
        run.out.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(completed("cod"), ["code"]);
    assert_eq!(completed("code A"), ["AWS:alice", "AWS:touched"]);
    assert_eq!(completed("code VPN"), ["VPN:dave"]);
    assert_eq!(completed("verify --profile w"), ["work"]);
    assert_eq!(completed("lock 1"), ["11112222"]);
    assert_eq!(completed("profile test w"), ["work"]);
    assert_eq!(completed("guard forget V"), ["VPN:dave"]);
}
