//! `debian/` makes the package of `make deb`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{has, package, programs, read, root, run};

/// Copies the files of the repository, also those that are not committed yet.
fn copy_to(folder: &Path) {
    let copy = "git ls-files --cached --others --exclude-standard -z | \
                xargs -0 -I{} sh -c 'test ! -e {} || printf \"%s\\0\" {}' | \
                tar --create --null --files-from - | tar --extract --directory \"$1\"";
    run(Command::new("sh").args(["-c", copy, "sh"]).arg(folder).current_dir(root()));
}

/// Permissions and path of each file.
fn contents(package: &Path) -> BTreeSet<(String, String)> {
    let listed = run(Command::new("dpkg-deb").arg("--contents").arg(package));
    let entry = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        (words[0].to_owned(), words[5].trim_start_matches('.').to_owned())
    };
    listed.lines().map(entry).filter(|(mode, _)| mode.starts_with('-')).collect()
}

#[test]
fn dpkg_buildpackage_makes_the_same_package() {
    let Some(other) = package() else { return };
    if !has("dpkg-buildpackage") || !has("dh") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("oathbridge");
    fs::create_dir(&sources).unwrap();
    copy_to(&sources);
    let mut build = Command::new("dpkg-buildpackage");
    build.env("DPKG_DEB_COMPRESSOR_TYPE", "gzip").env("DPKG_DEB_COMPRESSOR_LEVEL", "1");
    build.args(["--build=binary", "-d", "--no-sign"]).current_dir(&sources);
    run(build
        .env("BUILD", "true")
        .env("BUILT", programs())
        .env_remove("MAKEFLAGS")
        .env_remove("CARGO_TARGET_DIR"));
    let is_package = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "deb");
    let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let made: Vec<_> = entries.filter(is_package).collect();
    assert_eq!(made.len(), 1, "{made:?}");

    assert_eq!(contents(&made[0]), contents(other));
    for name in ["Package", "Version", "Architecture", "Maintainer", "Section", "Recommends", "Description"] {
        let field = |package: &Path| run(Command::new("dpkg-deb").arg("--field").arg(package).arg(name));
        assert_eq!(field(&made[0]), field(other), "{name}");
    }
    let depends = |package: &Path| {
        let field = run(Command::new("dpkg-deb").arg("--field").arg(package).arg("Depends"));
        field.trim_end().split(", ").map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(depends(&made[0]), depends(other));
}

#[test]
fn the_description_is_the_same_in_each_file() {
    let control = read("debian/control");
    let (_, described) = control.split_once("\nDescription: ").unwrap();
    let (synopsis, long) = described.split_once('\n').unwrap();
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["package"]["description"].as_str(), Some(synopsis));
    let indented: String = read("debian/description").lines().map(|line| format!(" {line}\n")).collect();
    assert_eq!(indented, long);
    let spec = read("packaging/rpm/oathbridge.spec");
    assert!(spec.contains(&read("debian/description").replace("\n.\n", "\n\n")));
    assert!(spec.contains(&format!("\nSummary:        {synopsis}\n")));
    assert!(read("packaging/arch/PKGBUILD").contains(&format!("\npkgdesc='{synopsis}'\n")));
}
