//! Tests of the whole file.

mod files;
mod layers;
mod refusals;
mod reread;
mod robustness;
mod shipped;
mod values;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Config, Error, Files, Loaded};

const SHIPPED: &str = include_str!("../../../config/oathbridge.toml");

fn parse(text: &str) -> Result<Config, Error> {
    Config::parse(text, Path::new("config.toml"))
}

fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// A commented-out key starts with `#` without a space; explanations have a space, and the example profile `## `.
fn uncommented(example_too: bool) -> String {
    let line = |line: &str| match (line.strip_prefix("## "), line.strip_prefix('#')) {
        (Some(example), _) if example_too => example.to_owned(),
        (None, Some(key)) if !key.starts_with(' ') => key.to_owned(),
        _ => line.to_owned(),
    };
    SHIPPED.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A user's file, a system's file and a policy, in folders that the owner of the test owns.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for name in ["user", "system"] {
            fs::create_dir(folder.path(name)).unwrap();
            fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn files(&self) -> Files {
        let owner = rustix::process::geteuid().as_raw();
        let places = ["user/config.toml", "system/config.toml"].map(|name| self.path(name));
        Files::over(places).with_policy(self.path("system/policy.toml"), owner)
    }

    fn load(&self) -> Loaded {
        self.files().check().unwrap()
    }

    fn errors(&self) -> Vec<Error> {
        self.files().check().unwrap_err()
    }

    /// The sentences, without the folder.
    fn sentences(&self) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        self.errors().iter().map(|error| error.to_string().replace(&folder, "")).collect()
    }
}
