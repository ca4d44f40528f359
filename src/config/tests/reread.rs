//! When files are read again without a reload, and what is not "no file".

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use super::Folder;
use crate::config::{Files, Problem};

/// Every file is older at this Unix time.
const LATER: Duration = Duration::from_secs(1 << 40);

/// The time of the last change of a file.
fn changed(path: &Path) -> Duration {
    let file = path.metadata().unwrap();
    Duration::new(file.ctime().try_into().unwrap(), file.ctime_nsec().try_into().unwrap())
}

#[test]
fn a_change_of_a_file_and_its_permissions_is_noticed() {
    let folder = Folder::new();
    folder.write("user/config.toml", "[pcsc]\nx = 1\n");
    let reading = folder.files().read();
    assert!(reading.result.is_err() && folder.files().reread(&reading, LATER).is_none());
    fs::set_permissions(folder.path("user/config.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    let reading = folder.files().reread(&reading, LATER).expect("permissions");
    folder.write("system/policy.toml", "");
    let reading = folder.files().reread(&reading, LATER).expect("a new policy");
    folder.write("user/config.toml", "[pcsc]\n");
    assert!(folder.files().reread(&reading, LATER).unwrap().result.is_ok());
}

#[test]
fn a_file_that_was_just_changed_may_be_incomplete() {
    let folder = Folder::new();
    let user = folder.path("user/config.toml");
    folder.write("user/config.toml", "[pcsc]\nx = 1\n");
    let reading = folder.files().read();
    fs::write(&user, "").unwrap();
    let quiet = Duration::from_secs(2);
    let early = changed(&user) + quiet - Duration::from_nanos(1);
    assert!(folder.files().reread(&reading, early).is_none());
    assert!(folder.files().reread(&reading, changed(&user) + quiet).is_some());
    // Reload takes it at once.
    assert!(folder.files().read().result.is_ok());
}

#[test]
fn a_file_that_is_missing_is_not_read_as_no_file() {
    let folder = Folder::new();
    let user = folder.path("user/config.toml");
    folder.write("user/config.toml", "[pcsc]\nx = 1\n");
    let reading = folder.files().read();
    fs::remove_file(&user).unwrap();
    assert!(folder.files().reread(&reading, LATER).is_none());
    symlink("/nowhere/config.toml", &user).unwrap();
    let reading = folder.files().reread(&reading, LATER).unwrap();
    assert_eq!(reading.result.as_ref().unwrap_err().problem(), &Problem::Dangling);
    fs::remove_file(&user).unwrap();
    assert!(folder.files().reread(&reading, LATER).is_none(), "a removed link");
    assert!(folder.files().read().result.is_ok());
}

#[test]
fn a_named_file_is_read_again_only_after_a_change() {
    let folder = Folder::new();
    let authorities = folder.path("authorities.pem");
    folder.write("user/config.toml", &format!("[cognito]\nca_file = '{}'\n", authorities.display()));
    let reading = folder.files().read();
    assert!(reading.result.is_err() && folder.files().reread(&reading, LATER).is_none());
    fs::write(&authorities, "nothing").unwrap();
    let reading = folder.files().reread(&reading, LATER).unwrap();
    let pem = rcgen::generate_simple_self_signed(["x.example".to_owned()]).unwrap().cert.pem();
    fs::write(&authorities, pem).unwrap();
    assert!(folder.files().reread(&reading, changed(&authorities)).is_none());
    assert!(folder.files().reread(&reading, LATER).unwrap().result.is_ok());
}

#[test]
fn a_folder_that_is_a_link_to_nothing_is_an_error_and_not_no_file() {
    let folder = Folder::new();
    symlink("/nowhere", folder.path("home")).unwrap();
    for place in ["home/config.toml", "home/.config/oathbridge/config.toml"] {
        let reading = Files::over([folder.path(place)]).read();
        assert_eq!(reading.result.unwrap_err().problem(), &Problem::Dangling, "{place}");
    }
    folder.write("file", "");
    let problem = Files::over([folder.path("file/config.toml")]).read().result.unwrap_err().problem().clone();
    assert!(matches!(problem, Problem::File(_)), "{problem}");
}
