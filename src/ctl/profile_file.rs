//! `oathbridgectl profile add`: writes a profile to the user's configuration, and keeps the comments there.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write, stderr, stdin};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use toml_edit::{DocumentMut, Item, Table, value};

use super::arguments::AddArguments;
use super::bus::Bus;
use super::profile_checks::{check, check_name, unusable};
use super::style::Style;
use super::{Failure, Output, exit};
use crate::config::Files;
use crate::xdg;

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'a> {
    name: &'a str,
    file: String,
}

/// The keys of a profile, and the questions for their values.
const QUESTIONS: [(&str, &str); 4] = [
    ("user_pool_id", "User pool id, such as eu-central-1_AbCdEfGhI"),
    ("client_id", "App client id, for the daily sign-in (may be empty)"),
    ("issuer", "Issuer of the credential (may be empty)"),
    ("account", "Account of the credential"),
];

pub(super) async fn add(arguments: &AddArguments, style: Style) -> Result<Output, Failure> {
    let file = xdg::config_home().map(|folder| folder.join("oathbridge/config.toml")).ok_or_else(|| {
        Failure::new(
            exit::FAILED,
            "There is no configuration folder; set HOME or XDG_CONFIG_HOME to an absolute path.",
        )
    })?;
    let file = target(file)?;
    let files = Files::standard(None);
    // Before the questions.
    check_name(&files, &arguments.name)?;
    let before = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::of_system(&format!("Reading {}", file.display()), &error)),
    };
    let values = values(arguments)?;
    let after = with_profile(&before, &arguments.name, &values)?;
    let contradictions = check(&files, &after, &arguments.name)?;
    write(&file, &after)
        .map_err(|error| Failure::of_system(&format!("Writing {}", file.display()), &error))?;
    let reloaded = reload().await;
    if style.json {
        let json = Json { name: &arguments.name, file: file.display().to_string() };
        return Ok(Output::json(&json)?.with_notes(contradictions).with_failure(reloaded.err()));
    }
    let note = format!(
        "Profile \"{}\" is in {}; check it with `oathbridgectl profile test {}`.",
        arguments.name,
        file.display(),
        arguments.name
    );
    Ok(Output::text("").with_notes([note]).with_notes(contradictions).with_failure(reloaded.err()))
}

/// The file itself, behind links to it, so that a link stays one.
fn target(file: PathBuf) -> Result<PathBuf, Failure> {
    match fs::canonicalize(&file) {
        Ok(target) => Ok(target),
        Err(_) if fs::symlink_metadata(&file).is_err() => Ok(file),
        Err(_) => Err(Failure::new(
            exit::FAILED,
            format!(
                "The configuration {} is a link to a file that is not there; create that file, or remove the link.",
                file.display()
            ),
        )),
    }
}

/// The values of the options; on a terminal also those of the questions.
fn values(arguments: &AddArguments) -> Result<Vec<(&'static str, String)>, Failure> {
    let given = [
        ("region", &arguments.region),
        ("user_pool_id", &arguments.user_pool_id),
        ("client_id", &arguments.client_id),
        ("endpoint_url", &arguments.endpoint_url),
        ("issuer", &arguments.issuer),
        ("account", &arguments.account),
    ];
    let mut values: Vec<_> =
        given.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect();
    if !values.is_empty() {
        return Ok(values);
    }
    if !stdin().is_terminal() {
        return Err(Failure::usage(
            "There is no terminal to ask for the profile; add --user-pool-id ID and --account NAME.",
        ));
    }
    for (key, question) in QUESTIONS {
        let answer = ask(question).map_err(|error| Failure::of_system("Reading the answer", &error))?;
        let Some(answer) = answer else {
            return Err(Failure::new(
                exit::FAILED,
                "Cancelled, so nothing was written; run the command again to add the profile.",
            ));
        };
        if !answer.is_empty() {
            values.push((key, answer));
        }
    }
    Ok(values)
}

/// `None` at the end of the input, also in the middle of a line.
fn ask(question: &str) -> io::Result<Option<String>> {
    // If standard error is closed, the question is not shown.
    let _ = write!(stderr(), "{question}: ");
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    Ok(line.ends_with('\n').then(|| line.trim().to_owned()))
}

/// The configuration with one more profile, after the others or at its end.
fn with_profile(text: &str, name: &str, values: &[(&str, String)]) -> Result<String, Failure> {
    let mut document: DocumentMut =
        text.parse().map_err(|_| unusable("the configuration is not valid TOML; correct it first"))?;
    let mut implicit = Table::new();
    implicit.set_implicit(true);
    let profiles = document.entry("profiles").or_insert(Item::Table(implicit)).as_table_mut();
    let profiles = profiles.ok_or_else(|| unusable("profiles is no section; write [profiles.NAME]"))?;
    if profiles.contains_key(name) {
        return Err(unusable(&format!("there is already a profile \"{name}\"; choose another name")));
    }
    let mut profile = Table::new();
    for (key, text) in values {
        profile.insert(key, value(text));
    }
    profiles.insert(name, Item::Table(profile));
    Ok(document.to_string())
}

/// Replaces the file as a whole, and keeps its mode.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let new = folder.join(format!(".config.toml.{}", std::process::id()));
    // Left behind by an interrupted process with the same number.
    let _ = fs::remove_file(&new);
    let written = write_new(&new, file, text).and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// Writes a file that does not exist yet, so no link is followed.
fn write_new(new: &Path, old: &Path, text: &str) -> io::Result<()> {
    let mut output = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    if let Ok(data) = fs::metadata(old) {
        output.set_permissions(data.permissions())?;
    }
    output.write_all(text.as_bytes())?;
    output.sync_all()
}

/// Has a daemon that runs read the file.
async fn reload() -> Result<(), Failure> {
    let bus = Bus::join().await?;
    match bus.tree_now().await? {
        Some(_) => bus.reload().await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_other_profiles_stay() {
        let before =
            "# mine\n[profiles.work] # the pool\nregion = 'eu-central-1'\n\n[pcsc]\nenabled = false\n";
        let values = [("user_pool_id", "eu-west-1_AbCdEfGhI".to_owned()), ("account", "a \"b\"".to_owned())];
        let after = with_profile(before, "home", &values).unwrap();
        for part in [
            "# mine\n[profiles.work] # the pool\nregion = 'eu-central-1'\n",
            "[pcsc]\nenabled = false\n",
            "[profiles.home]\n",
        ] {
            assert!(after.contains(part), "{after}");
        }
        let config = crate::config::Config::parse(&after, Path::new("config.toml")).unwrap();
        assert_eq!(config.profiles["home"].account.as_deref(), Some("a \"b\""));
        assert!(with_profile(&after, "home", &values).is_err());
        assert!(with_profile("[profiles", "home", &values).is_err());
        assert!(with_profile("", "home", &values).unwrap().starts_with("[profiles.home]\n"));
    }

    #[test]
    fn a_link_stays_one_and_nothing_else_is_left_behind() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [link, file] = ["link.toml", "file.toml"].map(|name| folder.path().join(name));
        symlink(&file, &link).unwrap();
        assert!(
            target(link.clone()).unwrap_err().sentence().contains("is a link to a file that is not there")
        );
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        write(&target(link.clone()).unwrap(), "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&link).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        // A folder is in the way, so the file cannot be replaced.
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("inside")).unwrap();
        assert!(write(&taken, "new").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
