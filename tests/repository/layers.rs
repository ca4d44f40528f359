//! Each module uses only modules of lower layers, as listed in its row.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The lowest leaves: every module may use them, the other leaves included. Each uses only those before it.
const ROOTS: [&str; 6] = ["regular_file", "certificates", "sync", "text", "utc", "xdg"];

/// The leaves: every module may use them, and they use only the lowest leaves.
const LEAVES: [&str; 9] =
    ["clock", "config", "logging", "markup", "process", "secret", "signals", "state_file", "task"];

/// The modules that each module may use. Skipping a layer is allowed, using a higher one is not.
const ALLOWED: [(&str, &[&str]); 19] = [
    ("iso7816", &[]),
    ("otp", &[]),
    ("device", &["iso7816"]),
    ("virt", &["device", "iso7816", "otp"]),
    ("transport", &["device", "iso7816"]),
    ("oath", &["device", "otp"]),
    ("otpauth", &["oath", "otp"]),
    ("protocol", &["device", "iso7816", "oath", "otp"]),
    ("token", &["device", "iso7816", "oath", "otp", "protocol"]),
    ("registry", &["device", "oath", "otp", "token"]),
    ("cognito", &["otp"]),
    ("guard", &["otp"]),
    ("operations", &["oath"]),
    ("keyring", &[]),
    ("flows", &["cognito", "device", "guard", "keyring", "oath", "operations", "otp", "registry", "token"]),
    ("access", &[]),
    (
        "dbus",
        &[
            "access",
            "cognito",
            "device",
            "flows",
            "guard",
            "keyring",
            "oath",
            "operations",
            "otp",
            "otpauth",
            "registry",
            "token",
        ],
    ),
    ("desktop", &["dbus"]),
    (
        "daemon",
        &["dbus", "desktop", "device", "flows", "guard", "keyring", "operations", "registry", "token"],
    ),
];

/// `oathbridgectl` is a client of the daemon, and reads the single-use record itself. It also uses the daemon's deadlines
/// and error sentences.
const TOOL: (&str, &[&str]) = ("ctl", &["dbus", "guard", "oath", "operations", "otp", "otpauth", "token"]);

/// These tests have virtual tokens; their modules get the transports from the program.
const TESTS_WITH_TOKENS: [(&str, &str); 4] = [
    ("virt", "daemon/tests/mod.rs"),
    ("iso7816", "dbus/publish/tests.rs"),
    ("virt", "registry/keeper/tests.rs"),
    ("virt", "token/tests.rs"),
];

#[test]
fn modules_use_only_modules_of_lower_layers() {
    let allowed: BTreeMap<_, BTreeSet<_>> = ALLOWED
        .into_iter()
        .chain([TOOL])
        .map(|(module, below)| (module, below.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for (module, file) in sources() {
        for used in uses(&fs::read_to_string(&file).unwrap()) {
            let is_fine = used == module
                || TESTS_WITH_TOKENS.iter().any(|(module, test)| used == *module && file.ends_with(test))
                || is_root_below(&used, &module)
                || (LEAVES.contains(&used.as_str()) && !LEAVES.contains(&module.as_str()))
                || allowed.get(module.as_str()).is_some_and(|below| below.contains(used.as_str()));
            if !is_fine {
                wrong.push(format!("{} uses crate::{used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A root is below everything but the roots before it and itself.
fn is_root_below(used: &str, module: &str) -> bool {
    let place = |name| ROOTS.iter().position(|root| *root == name);
    place(used).is_some_and(|used| place(module).is_none_or(|module| used < module))
}

#[test]
fn every_module_has_a_row() {
    let known: BTreeSet<_> =
        ALLOWED.iter().map(|(module, _)| *module).chain(LEAVES).chain(ROOTS).chain([TOOL.0]).collect();
    for (module, file) in sources() {
        assert!(known.contains(module.as_str()), "{} is in no layer", file.display());
    }
}

/// Only the transports use C libraries, and only the daemon's binary uses the transports.
#[test]
fn only_the_transports_use_c_libraries() {
    for (module, file) in sources() {
        let text = fs::read_to_string(&file).unwrap();
        for name in ["pcsc::", "yubikey::"] {
            let used = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.starts_with(&format!("use {name}")) || line.contains(&format!(" {name}")))
            });
            // `config` has a section of that name.
            assert!(
                !used || ["transport", "config"].contains(&module.as_str()),
                "{} uses {name}",
                file.display()
            );
        }
    }
}

/// The modules' files, tests included; `lib.rs` and `bin/` see everything.
fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let inside = path.strip_prefix(&root).unwrap().to_owned();
            if path.is_dir() {
                if inside != Path::new("bin") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && inside != Path::new("lib.rs")
            {
                let first = inside.iter().next().unwrap().to_str().unwrap();
                found.push((first.trim_end_matches(".rs").to_owned(), path));
            }
        }
    }
    assert!(found.len() > 60, "the sources were not found");
    found
}

/// The modules after `crate::`, also those in braces.
fn uses(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    let mut used = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => used.extend(heads(group)),
            None => used.extend(word(rest)),
        }
    }
    used
}

/// The first names in a group of imports, up to its closing brace.
fn heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = vec![word(group)];
    for (place, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(word(group.split_at(place + 1).1)),
            _ => {}
        }
    }
    names.into_iter().flatten().collect()
}

fn word(text: &str) -> Option<String> {
    let name: String = text
        .trim_start()
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn groups_are_read_to_their_end() {
    let text =
        "use crate::{cognito, guard::{self, Use}, token};\nuse crate::otp::Step;\n// crate::dbus is above";
    let expected = ["cognito", "guard", "otp", "token"].map(str::to_owned);
    assert_eq!(uses(text), BTreeSet::from(expected));
}

/// Within a folder the arrows point one way, too. A `mod.rs` stands for its folder; what it re-exports belongs to the
/// file that defines it.
#[test]
fn no_two_files_of_a_folder_import_each_other() {
    let mut arrows = BTreeSet::new();
    for (_, file) in sources() {
        let module = module_of(&file);
        let text = fs::read_to_string(&file).unwrap();
        let used = imports(&module, text.split("#[cfg(test)]\nmod tests {").next().unwrap());
        for depth in 1..module.len() {
            let (folder, source) = (&module[..depth], &module[depth]);
            let inside = used.iter().filter(|path| path.len() > depth && path.starts_with(folder));
            let targets = inside.filter_map(|path| child(folder, &path[depth]));
            arrows.extend(
                targets
                    .filter(|target| target != source)
                    .map(|target| (folder.to_vec(), source.clone(), target)),
            );
        }
    }
    assert!(arrows.len() > 200, "the imports were not read");
    let mutual: Vec<_> = arrows
        .iter()
        .filter(|(folder, one, other)| {
            one < other && arrows.contains(&(folder.clone(), other.clone(), one.clone()))
        })
        .map(|(folder, one, other)| format!("{}: {one} and {other}", folder.join("/")))
        .collect();
    assert!(mutual.is_empty(), "these import each other:\n{}", mutual.join("\n"));
}

/// `src/a/b.rs` and `src/a/b/mod.rs` as `[a, b]`.
fn module_of(file: &Path) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = file.strip_prefix(root).unwrap().with_extension("");
    let mut names: Vec<_> = inside.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    names.pop_if(|last| last == "mod");
    names
}

/// The full paths of everything that a module names by `crate::` or `super::`.
fn imports(module: &[String], text: &str) -> Vec<Vec<String>> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (place, _) in code.match_indices(start) {
            let is_first = !code[..place]
                .ends_with(|letter: char| letter == ':' || letter == '_' || letter.is_alphanumeric());
            if is_first {
                paths(&code[place..], &mut Vec::new(), &mut found);
            }
        }
    }
    found.into_iter().map(|path| absolute(module, path)).collect()
}

fn absolute(module: &[String], path: Vec<String>) -> Vec<String> {
    let supers = path.iter().take_while(|name| *name == "super").count();
    let base = if supers == 0 { &[][..] } else { &module[..module.len() - supers] };
    let rest = path.iter().filter(|name| *name != "super" && *name != "crate");
    base.iter().chain(rest).cloned().collect()
}

/// Reads `a::b::{c, d::e}` into all its paths; returns what follows.
fn paths<'text>(text: &'text str, before: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'text str {
    let depth = before.len();
    let mut text = text;
    while let Some(name) = word(text) {
        text = &text.trim_start()[name.len()..];
        before.push(name);
        match text.strip_prefix("::") {
            Some(rest) => text = rest,
            None => break,
        }
    }
    match text.strip_prefix('{') {
        Some(mut group) => {
            while !group.trim_start().starts_with('}') && !group.is_empty() {
                let rest = paths(group, before, found);
                group = rest.trim_start_matches(|letter| letter != ',' && letter != '}');
                group = group.strip_prefix(',').unwrap_or(group);
            }
            text = group.trim_start().strip_prefix('}').unwrap_or_default();
        }
        None => found.push(before.clone()),
    }
    before.truncate(depth);
    text
}

/// The file or folder that a name in a folder belongs to: its own, or the one that `mod.rs` has it from.
fn child(folder: &[String], name: &str) -> Option<String> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder.join("/"));
    if place.join(name).is_dir() || place.join(format!("{name}.rs")).is_file() {
        return Some(name.to_owned());
    }
    let text = fs::read_to_string(place.join("mod.rs")).ok()?;
    let uses = text.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
    uses.into_iter().find_map(|tree| {
        let names: Vec<_> = tree.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        let source = names
            .first()
            .filter(|source| place.join(source).is_dir() || place.join(format!("{source}.rs")).is_file())?;
        (names.len() > 1 && names[1..].contains(&name)).then(|| (*source).to_owned())
    })
}
