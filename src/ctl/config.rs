//! `oathbridgectl config`: reads the files of the configuration itself; the daemon need not run.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::arguments::{ConfigCommand, FileArguments};
use super::screen::{Look, table};
use super::{Failure, Output, exit, state_folder};
use crate::config::{Entry, Error, Files, Warning};

/// The output of `check --json`.
#[derive(Serialize)]
struct Checked {
    valid: bool,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    /// The file or folder; null if the sentence has it.
    file: Option<PathBuf>,
    /// From 1; null if no line is at fault.
    line: Option<usize>,
    sentence: String,
}

/// The output of `show --json`.
#[derive(Serialize)]
struct Shown {
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    key: String,
    value: Value,
    /// Null for the default.
    file: Option<PathBuf>,
}

pub(super) fn run(command: &ConfigCommand, json: bool) -> Result<Output, Failure> {
    match command {
        ConfigCommand::Check(arguments) => check(arguments, json),
        ConfigCommand::Show(arguments) => show(arguments, json),
    }
}

fn files(arguments: &FileArguments) -> Files {
    Files::standard(arguments.config.clone())
}

fn check(arguments: &FileArguments, json: bool) -> Result<Output, Failure> {
    let (errors, warnings) = match files(arguments).check() {
        Ok(loaded) => (Vec::new(), loaded.warnings),
        Err(errors) => (errors, Vec::new()),
    };
    let mut errors: Vec<_> = errors.iter().map(of_error).collect();
    errors.extend(state_folder::fault().map(|(folder, sentence)| Finding {
        file: folder,
        line: None,
        sentence,
    }));
    let warnings: Vec<_> = warnings.iter().map(of_warning).collect();
    let failure = failure(errors.len());
    let checked = Checked { valid: errors.is_empty(), errors, warnings };
    let output = if json { Output::json(&checked)? } else { Output::text(text(&checked)) };
    Ok(output.with_failure(failure))
}

fn of_error(error: &Error) -> Finding {
    let sentence = format!("{error}.");
    Finding { file: Some(error.file().to_owned()), line: error.line(), sentence }
}

fn of_warning(warning: &Warning) -> Finding {
    let (file, line) = warning.place.rsplit_once(':').unzip();
    let line = line.and_then(|line| line.parse().ok());
    Finding { file: file.map(PathBuf::from), line, sentence: format!("{warning}.") }
}

fn failure(errors: usize) -> Option<Failure> {
    let count = match errors {
        0 => return None,
        1 => "1 error; correct it".to_owned(),
        many => format!("{many} errors; correct them"),
    };
    let sentence =
        format!("The configuration has {count}, because the daemon uses no file that has an error.");
    Some(Failure::new(exit::FAILED, sentence))
}

fn text(checked: &Checked) -> String {
    let line = |kind: &str, finding: &Finding| {
        format!("{kind}: {}\n", crate::text::escape_invisible(&finding.sentence))
    };
    let errors = checked.errors.iter().map(|finding| line("error", finding));
    let warnings = checked.warnings.iter().map(|finding| line("warning", finding));
    let valid = checked.valid.then(|| "The configuration is valid.\n".to_owned());
    errors.chain(warnings).chain(valid).collect()
}

fn show(arguments: &FileArguments, json: bool) -> Result<Output, Failure> {
    let entries = files(arguments).entries().map_err(|errors| {
        let why = errors.first().map_or_else(String::new, ToString::to_string);
        Failure::new(
            exit::FAILED,
            format!("{why}; run oathbridgectl config check, which prints more than one error."),
        )
    })?;
    if json {
        let key = |Entry { key, value, file }| Key { key, value, file };
        return Output::json(&Shown { keys: entries.into_iter().map(key).collect() });
    }
    let rows = entries.iter().map(|entry| {
        let file =
            entry.file.as_ref().map_or_else(|| "default".to_owned(), |file| file.display().to_string());
        [entry.key.clone(), entry.value.to_string(), file]
    });
    Ok(Output::text(table(Look::of_output().keeping(&[0]), ["KEY", "VALUE", "FILE"], rows)))
}
