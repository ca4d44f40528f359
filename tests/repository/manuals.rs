//! The manual pages and the completions match the programs exactly.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory;
use clap_complete::Shell;
use oathbridge::ctl::{Arguments, exit};
use oathbridge::logging::events;

/// If this variable is set, the completions and the list of tokens are written, and not only compared.
const WRITE: &str = "OATHBRIDGE_WRITE_COMPLETIONS";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A manual page as plain text: without fonts, macros and escapes.
fn page(name: &str) -> String {
    let text = fs::read_to_string(root().join("man").join(name)).unwrap();
    let text = text.replace("\\fB", "").replace("\\fI", "").replace("\\fR", "").replace("\\fP", "");
    let text = text.replace("\\-", "-").replace("\\e", "\\");
    let line = |line: &str| match line.strip_prefix('.') {
        Some(request) if !request.starts_with("SS") && !request.starts_with("TH") => {
            request.split_once(' ').map_or_else(String::new, |(_, rest)| rest.replace('"', ""))
        }
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect()
}

fn all_options(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_long());
    let mut found: BTreeSet<_> = own.map(|name| format!("--{name}")).collect();
    found.extend(command.get_subcommands().flat_map(all_options));
    found
}

fn all_subcommands(command: &clap::Command, before: &str) -> Vec<String> {
    let mut found = Vec::new();
    for subcommand in command.get_subcommands() {
        if subcommand.get_name() == "help" || subcommand.is_hide_set() {
            continue;
        }
        let name = format!("{before}{}", subcommand.get_name());
        if subcommand.has_subcommands() {
            found.extend(all_subcommands(subcommand, &format!("{name} ")));
        } else {
            found.push(name);
        }
    }
    found
}

/// The table of tokens in the README as a list of a manual page.
fn tokens_of_the_readme() -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, table) = readme.split_once("| tokens | transport | status | tested with |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let entry = |row: &str| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [tokens, transport, status, tested] = &cells[..] else { panic!("{row}") };
        format!(".TP\n.B {tokens}: {transport}\n{status}; {tested}\n").replace('`', "").replace('-', "\\-")
    };
    rows.map(entry).collect()
}

#[test]
fn the_manual_lists_the_tokens_of_the_readme() {
    let path = root().join("man/oathbridged.8");
    let manual = fs::read_to_string(&path).unwrap();
    let (before, rest) = manual.split_once(".SH TOKENS\n").unwrap();
    let (section, after) = rest.split_once(".SH ").unwrap();
    let introduction = section.split(".TP\n").next().unwrap();
    let expected = format!("{before}.SH TOKENS\n{introduction}{}.SH {after}", tokens_of_the_readme());
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert_eq!(manual, expected, "the section TOKENS is out of date; run this test with {WRITE}=1");
}

fn tool() -> clap::Command {
    let mut command = Arguments::command();
    command.build();
    command
}

#[test]
fn the_tool_s_page_has_every_command_and_option() {
    let page = page("oathbridgectl.1");
    for name in all_subcommands(&tool(), "") {
        let heading = |line: &str| {
            let heading = line.strip_prefix(".SS ").map(|rest| rest.trim_matches('"')).unwrap_or_default();
            heading == name || heading.starts_with(&format!("{name} "))
        };
        assert!(page.lines().any(heading), "{name} has no section");
    }
    assert_eq!(options(&page), all_options(&tool()));
}

#[test]
fn the_tool_s_page_has_every_exit_code() {
    let page = page("oathbridgectl.1");
    let codes: Vec<_> = exit::HELP.lines().skip(1).collect();
    assert_eq!(codes.len(), usize::from(exit::UNREACHABLE) + 1);
    for line in codes {
        let (code, meaning) = line.trim_start().split_once("  ").unwrap();
        assert!(page.contains(&format!("\n{code}\n{meaning}\n")), "{line}");
    }
}

#[test]
fn the_daemon_s_page_has_every_option() {
    let help = Command::new(env!("CARGO_BIN_EXE_oathbridged")).arg("--help").output().unwrap();
    let mut documented = options(&page("oathbridged.8"));
    // Options of systemctl and journalctl.
    documented.retain(|option| !["--user", "--now"].contains(&option.as_str()));
    assert_eq!(documented, options(&String::from_utf8(help.stdout).unwrap()));
}

#[test]
fn the_daemon_s_page_has_each_message_id_with_its_event() {
    let page = page("oathbridged.8");
    let (_, section) = page.split_once("\nMESSAGE IDS\n").unwrap();
    let lines: Vec<_> = section.lines().collect();
    let is_id = |line: &str| line.len() == 32 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pair = |pair: &[&str]| {
        let [id, text] = pair else { return None };
        let (event, _) = text.split_once(": ")?;
        is_id(id).then(|| (event.to_owned(), (*id).to_owned()))
    };
    let documented: Vec<_> = lines.windows(2).filter_map(pair).collect();
    assert_eq!(documented, events::IDS.map(|(event, id)| (event.to_owned(), id.to_owned())));
}

#[test]
fn the_configuration_s_page_has_every_key() {
    let shipped = fs::read_to_string(root().join("config/oathbridge.toml")).unwrap();
    let page = page("oathbridge.toml.5");
    let mut keys = 0;
    for line in shipped.lines() {
        let Some((key, _)) = line.trim_start_matches(['#', ' ']).split_once(" = ") else { continue };
        if key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            assert!(
                page.lines().any(|line| line.split(", ").any(|word| word.trim() == key)),
                "{key} is missing"
            );
            keys += 1;
        }
    }
    assert!(keys >= 18, "the keys were not found");
}

#[test]
fn the_interface_s_page_has_every_interface() {
    let page = page("io.github.oathbridge.OathBridge1.5");
    let mut interfaces = 0;
    for entry in fs::read_dir(root().join("data/dbus-1/interfaces")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().rsplit('.').next().unwrap();
        assert!(page.lines().any(|line| line == name), "{name} is missing");
        interfaces += 1;
    }
    assert!(interfaces >= 5, "the interfaces were not found");
}

/// `OATHBRIDGE_WRITE_COMPLETIONS=1 cargo test --release --test repository manuals` writes them.
#[test]
fn the_completions_are_those_of_the_tool() {
    for (shell, name) in [
        (Shell::Bash, "oathbridgectl.bash"),
        (Shell::Zsh, "_oathbridgectl"),
        (Shell::Fish, "oathbridgectl.fish"),
    ] {
        let mut generated = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "oathbridgectl", &mut generated);
        let file = root().join("completions").join(name);
        let names = fs::read_to_string(root().join("completions/names").join(name)).unwrap();
        let generated = with_names(shell, &String::from_utf8(generated).unwrap(), &names).into_bytes();
        if std::env::var_os(WRITE).is_some() {
            fs::write(&file, &generated).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap();
        assert!(kept.as_bytes() == generated, "{name} is out of date; run this test with {WRITE}=1");
        for name in all_options(&tool()) {
            let option = name.trim_start_matches('-');
            assert!(kept.contains(option), "{option} is missing in {}", file.display());
        }
    }
}

/// The generated completions, and those of names that the tool knows.
fn with_names(shell: Shell, generated: &str, names: &str) -> String {
    if shell != Shell::Zsh {
        return format!("{generated}{names}");
    }
    let kinds = [
        ("--profile=", "profiles"),
        ("--token=", "tokens"),
        (":query --", "credentials"),
        (":credential --", "credentials"),
        ("::token --", "tokens"),
        (":name -- The name of the profile", "profiles"),
        ("::operation --", "requests"),
    ];
    let line = |line: &str| match kinds.iter().find(|(part, _)| line.contains(part)) {
        Some((_, kind)) => line.replace(":_default", &format!(":_oathbridgectl_{kind}")),
        None => line.to_owned(),
    };
    let text = generated.lines().map(line).collect::<Vec<_>>().join("\n");
    let (before, after) = text.split_once("if [ \"$funcstack[1]\"").unwrap();
    format!("{before}{names}if [ \"$funcstack[1]\"{after}\n")
}

#[test]
fn the_daemon_s_completions_have_every_option() {
    let help = Command::new(env!("CARGO_BIN_EXE_oathbridged")).arg("--help").output().unwrap();
    for name in ["oathbridged.bash", "_oathbridged", "oathbridged.fish"] {
        let text = fs::read_to_string(root().join("completions").join(name)).unwrap();
        for option in options(&String::from_utf8(help.stdout.clone()).unwrap()) {
            assert!(text.contains(option.trim_start_matches('-')), "{option} is missing in {name}");
        }
    }
}

/// A warning of groff is an error in a page.
#[test]
fn groff_reports_no_warnings() {
    for entry in fs::read_dir(root().join("man")).unwrap() {
        let file = entry.unwrap().path();
        let output = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&file).output();
        let output = output.unwrap_or_else(|error| panic!("groff (Debian package groff-base): {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", file.display());
    }
}

/// Libraries read these, so that a program which starts the daemon can change what the daemon trusts.
#[test]
fn the_variables_of_libraries_are_documented() {
    let text = page("oathbridged.8");
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "PCSCLITE_CSOCK_NAME", "DBUS_SYSTEM_BUS_ADDRESS"] {
        assert!(text.contains(name), "{name}");
    }
}
