//! The recipes for other distributions and the description for software catalogues.

use std::process::Command;

use super::{NAME, below, has, programs, read, root, run};

const PKGBUILD: &str = "packaging/arch/PKGBUILD";
const SPEC: &str = "packaging/rpm/oathbridge.spec";

#[test]
fn the_recipes_parse() {
    run(Command::new("bash").arg("-n").arg(root().join(PKGBUILD)));
    if has("rpmspec") {
        let parsed = run(Command::new("rpmspec").arg("-P").arg(root().join(SPEC)));
        assert!(parsed.contains("%attr(0711, root, root) /usr/bin/oathbridged\n"), "{parsed}");
    }
}

/// Each line of `%files` is a path, perhaps with the pattern `*`; a folder has everything below it.
#[test]
fn the_spec_lists_every_installed_file() {
    let spec = read(SPEC);
    let (_, files) = spec.split_once("\n%files\n").unwrap();
    let listed = files.lines().filter_map(|line| line.split(' ').find(|word| word.starts_with("/usr/")));
    let listed: Vec<_> = listed.map(|path| path.split_once('*').unwrap_or((path, ""))).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut make = Command::new("make");
    make.current_dir(root()).args([
        "install",
        "PREFIX=/usr",
        "LICENSES=",
        "ZSHDIR=/usr/share/zsh/site-functions",
    ]);
    make.arg(format!("DESTDIR={}", folder.path().display())).arg(format!("TARGET={}", programs().display()));
    run(make.env_remove("MAKEFLAGS"));
    let installed: Vec<_> = below(folder.path()).into_iter().filter(|path| path.is_file()).collect();
    let path =
        |file: &std::path::PathBuf| format!("/{}", file.strip_prefix(folder.path()).unwrap().display());
    let installed: Vec<_> = installed.iter().map(path).collect();
    let fits = |file: &str, (start, end): &(&str, &str)| {
        let is_pattern = start.ends_with(['.', '/', '1', '5', '8']);
        file == *start || (is_pattern && file.starts_with(start) && file.ends_with(end))
    };
    for file in &installed {
        assert!(listed.iter().any(|one| fits(file, one)), "{SPEC} does not list {file}");
    }
    for one in &listed {
        assert!(installed.iter().any(|file| fits(file, one)), "{SPEC} lists {one:?}, which is not installed");
    }
}

#[test]
fn every_recipe_has_the_version_of_the_crate() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, line) in [
        (PKGBUILD, format!("\npkgver={version}\n")),
        (SPEC, format!("\nVersion:        {version}\n")),
        (SPEC, format!("\nBuildRequires:  cargo >= {}\n", env!("CARGO_PKG_RUST_VERSION"))),
        (&format!("data/metainfo/{NAME}.metainfo.xml"), format!("<release version=\"{version}\" ")),
    ] {
        assert!(read(file).contains(&line), "{file} has no {line:?}");
    }
    assert!(read("debian/changelog").starts_with(&format!("oathbridge ({version}-")));
}

#[test]
fn the_metainfo_is_valid() {
    if has("appstreamcli") {
        let file = root().join("data/metainfo").join(format!("{NAME}.metainfo.xml"));
        run(Command::new("appstreamcli").args(["validate", "--no-net"]).arg(file));
    }
    let text = read(&format!("data/metainfo/{NAME}.metainfo.xml"));
    for line in [
        "<component type=\"console-application\">",
        "<binary>oathbridgectl</binary>",
        "<binary>oathbridged</binary>",
        &format!("<icon type=\"stock\">{NAME}</icon>"),
    ] {
        assert!(text.contains(line), "{line}");
    }
}

/// Licences such as MIT and ISC want their text passed on with the programs.
#[test]
fn the_licences_of_the_crates_are_passed_on() {
    let said = run(&mut Command::new(root().join("scripts/third-party")));
    let crates: Vec<_> = said.lines().skip(2).take_while(|line| line.starts_with("    ")).collect();
    assert!(crates.len() >= 100, "{} crates", crates.len());
    for one in crates {
        let (name, licence) = one.trim_start().split_once(' ').unwrap();
        assert!(name.contains('-') && !licence.is_empty() && !licence.contains("proc-macro"), "{one}");
    }
    let texts = said.lines().filter(|line| line.starts_with("-- ")).count();
    assert!(texts >= 80, "{texts} texts");
    assert!(said.contains("-- aws-lc-sys-"), "the TLS library is missing");
}
