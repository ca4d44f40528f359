//! Tests of the whole file.

mod files;
mod layers;
mod refusals;
mod robustness;
mod shipped;
mod values;

use std::path::Path;

use super::{Config, Error};

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
