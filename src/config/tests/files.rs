//! The places, permissions and kinds of files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::config::{Error, Files, Loaded, Problem, trust};
use crate::{certificates, regular_file};

fn write(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn load(path: &Path) -> Result<Loaded, Error> {
    Files::only(path.to_owned()).read().result
}

fn first(places: &[PathBuf]) -> Result<Loaded, Error> {
    Files::over(places.iter().cloned()).read().result
}

#[test]
fn files_need_not_exist_except_an_explicit_one() {
    let directory = tempfile::tempdir().unwrap();
    let places = ["user/config.toml", "system/config.toml"].map(|name| directory.path().join(name));
    assert_eq!(first(&places).unwrap(), Loaded::default());
    write(&places[1], "[pcsc]\nenabled = false", 0o644);
    assert!(!first(&places).unwrap().config.pcsc.enabled);
    write(&places[0], "[hid]\nfido = false", 0o600);
    let both = first(&places).unwrap().config;
    assert!(!both.pcsc.enabled && !both.hid.fido);
    let explicit = directory.path().join("other.toml");
    let missing = load(&explicit).unwrap_err();
    assert!(missing.is_not_found() && missing.line().is_none(), "{missing}");
    write(&explicit, "[profiles.w]\nregion = 'us-east-1'", 0o600);
    let loaded = load(&explicit).unwrap();
    assert!(loaded.config.hid.fido);
    assert_eq!(loaded.config.profiles["w"].source, format!("{}:1", explicit.display()));
}

#[test]
fn a_broken_file_is_an_error_and_not_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let places = ["a.toml", "b.toml"].map(|name| directory.path().join(name));
    write(&places[1], "", 0o600);
    let problem = |text: &[u8], mode| {
        fs::write(&places[0], text).unwrap();
        fs::set_permissions(&places[0], fs::Permissions::from_mode(mode)).unwrap();
        first(&places).unwrap_err().problem().clone()
    };
    assert_eq!(problem(b"", 0o602), Problem::WritableByOthers);
    assert_eq!(problem(b"\xff", 0o600), Problem::File(regular_file::Error::NotText));
    let limit = 1 << 20;
    let large = Problem::File(regular_file::Error::TooLarge { limit });
    assert_eq!(problem(&vec![b'\n'; (1 << 20) + 1], 0o600), large);
    assert!(matches!(problem(b"x", 0o600), Problem::Syntax(_)));
    let not_regular = Problem::File(regular_file::Error::NotRegular);
    fs::remove_file(&places[0]).unwrap();
    fs::create_dir(&places[0]).unwrap();
    assert_eq!(first(&places).unwrap_err().problem(), &not_regular);
    fs::remove_dir(&places[0]).unwrap();
    mknodat(CWD, &places[0], FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(first(&places).unwrap_err().problem(), &not_regular);
}

#[test]
fn certificate_authorities_are_read_with_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let (file, ca_file) = (directory.path().join("config.toml"), directory.path().join("ca.pem"));
    write(&file, &format!("[cognito]\n\nca_file = '{}'", ca_file.display()), 0o600);
    let refusal = || {
        let error = load(&file).unwrap_err();
        assert_eq!(error.line(), Some(3), "{error}");
        error.problem().clone()
    };
    let unreadable = regular_file::Error::Unreadable(std::io::ErrorKind::NotFound);
    assert_eq!(refusal(), Problem::CaFile(unreadable.into()));
    mknodat(CWD, &ca_file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(refusal(), Problem::CaFile(regular_file::Error::NotRegular.into()));
    fs::remove_file(&ca_file).unwrap();
    write(&ca_file, "nothing", 0o600);
    assert_eq!(refusal(), Problem::CaFile(certificates::Error::Empty));
    let pem = rcgen::generate_simple_self_signed(["x.example".to_owned()]).unwrap().cert.pem();
    write(&ca_file, &pem, 0o600);
    let loaded = load(&file).unwrap();
    // A later change of the file does not affect the loaded configuration.
    fs::remove_file(&ca_file).unwrap();
    assert_eq!(loaded.config.cognito.ca_certificates.unwrap().pem(), pem.as_bytes());
}

#[test]
fn a_foreign_owner_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    write(&path, "", 0o600);
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() {
        // Only root can change the owner of a file, so only root can run this test.
        assert!(!rustix::process::geteuid().is_root());
        return;
    }
    assert_eq!(trust::read(&path).unwrap_err().problem(), &Problem::ForeignOwner);
}
