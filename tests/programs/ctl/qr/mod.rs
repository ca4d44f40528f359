//! `add --qr` and `add --qr-screen`: pictures that other programs made, and a stand-in for the desktop's portal.

mod portal;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::python;

use super::rig::{Rig, finish, program};
use portal::{Answer, Portal};

const URI: &str = "otpauth://totp/Shop:bob@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA&issuer=Shop";
const OTHER: &str = "otpauth://totp/Bank:bob?secret=GEZDGNBVGY3TQOJQ&issuer=Bank";

/// One token without credentials.
const TOKEN: &str = "[[token]]\nserial = 1\n";

/// Pictures by segno, qrcode and Pillow.
fn pictures(rig: &Rig) -> PathBuf {
    let folder = rig.file("pictures");
    fs::create_dir(&folder).unwrap();
    let packages = ["segno==1.6.*", "qrcode==8.*", "pillow==12.*"];
    let python = python::environment("qr-venv", &packages).unwrap().join("python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/ctl/qr/pictures.py");
    let made = Command::new(python).arg(script).arg(&folder).args([URI, OTHER]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[test]
fn the_code_of_a_picture_is_read_as_pages_show_it() {
    let rig = Rig::with_tokens(TOKEN);
    let pictures = files(&pictures(&rig));
    assert_eq!(pictures.len(), 16 * 3 + 1);
    for picture in pictures {
        let added = rig.run(&["add", "--qr", picture.to_str().unwrap()]);
        assert_eq!((added.code, added.out.as_str()), (0, ""), "{}: {added:?}", picture.display());
        assert!(added.err.starts_with("Added Shop:bob@example.com to "), "{added:?}");
        assert_eq!(rig.run(&["remove", "Shop:bob@example.com", "--yes"]).code, 0);
    }
}

#[test]
fn a_picture_without_exactly_one_account_is_refused() {
    let rig = Rig::with_tokens(TOKEN);
    let folder = pictures(&rig).join("refused");
    for (name, words) in [
        ("two.png", "has 2 QR codes of accounts; show only one of them."),
        ("link.png", "has a QR code, but not one of an account"),
        ("empty.png", "has no QR code that can be read"),
        ("text.png", "is no PNG, JPEG or WebP picture that can be read"),
        ("cut.png", "is no PNG, JPEG or WebP picture that can be read"),
        ("missing.png", "missing.png cannot be read: there is no such file; name a PNG"),
        ("", "cannot be read: "),
    ] {
        let path = folder.join(name);
        rig.run(&["add", "--qr", path.to_str().unwrap()]).failed(2, words);
    }
    assert_eq!(rig.run(&["list", "--json"]).json()["credentials"].as_array().unwrap().len(), 0);
}

#[test]
fn a_picture_comes_on_standard_input() {
    let rig = Rig::with_tokens(TOKEN);
    let picture = pictures(&rig).join("plain-5.png");
    let script = format!("'{}' add --qr - < '{}'", program().display(), picture.display());
    let mut command = rig.command("sh");
    command.args(["-c", &script]);
    let added = finish(command, "");
    assert_eq!(added.code, 0, "{added:?}");
    rig.run(&["add", "--qr", "-"]).failed(2, "is no PNG, JPEG or WebP picture");
    rig.run(&["add", "--qr", "-", "--secret-stdin"]).failed(2, "cannot be used with");
}

/// The file of the picture is deleted, whatever it shows.
#[test]
fn the_code_of_the_screen_is_read_and_its_picture_deleted() {
    let rig = Rig::with_tokens(TOKEN);
    let pictures = pictures(&rig);
    let portal = Portal::start(&rig);
    let taken = |name: &str| {
        let path = rig.file("a screenshot.png");
        fs::copy(pictures.join(name), &path).unwrap();
        portal.answers(Answer::Picture(path.clone()));
        let run = rig.run(&["add", "--qr-screen"]);
        assert!(!path.exists(), "{run:?}");
        run
    };
    taken("refused/empty.png").failed(2, "The picture of the screen has no QR code");
    let added = taken("dark-screen-5.png");
    assert_eq!(added.code, 0, "{added:?}");
    assert!(added.err.starts_with("Added Shop:bob@example.com to "), "{added:?}");
    assert_eq!(portal.interactive(), [Some(false), Some(false)]);
}

#[test]
fn a_desktop_that_takes_no_picture_is_told() {
    let rig = Rig::with_tokens(TOKEN);
    let add = || rig.run(&["add", "--qr-screen"]);
    add().failed(
        1,
        "lets no program take a picture of the screen; save the QR code as a picture and use --qr FILE.",
    );
    let portal = Portal::start(&rig);
    for (answer, words) in [
        (Answer::Code(1), "was not allowed to take a picture"),
        (Answer::Code(2), "could not take a picture"),
        (
            Answer::Picture(rig.file("missing.png")),
            "missing.png cannot be read: there is no such file; save the QR",
        ),
        (Answer::Uri("https://example.com/picture.png".to_owned()), "could not take a picture"),
    ] {
        portal.answers(answer);
        add().failed(1, words);
    }
}
