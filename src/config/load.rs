//! Reads the files of the configuration, and makes one configuration of them.

use std::path::{Path, PathBuf};

use super::document::Document;
use super::entry::{Entry, entries};
use super::error::Error;
use super::layers::Layers;
use super::policy::Policy;
use super::{Config, Loaded, trust, warning};

/// The keys of a policy that replace those of the configuration; see [`restrict`].
const REPLACED: [&str; 2] = ["cognito.proxy", "cognito.ca_file"];

/// The policy's file, and the user that must own it.
#[derive(Clone, Debug)]
pub(super) struct PolicyFile {
    pub(super) path: PathBuf,
    pub(super) owner: u32,
}

/// Reads the files, the most important one first, the policy, and the files that they name. A file need not exist, unless
/// `is_explicit`.
///
/// # Errors
///
/// All errors that could be found; at least one.
pub(super) fn load(
    places: &[PathBuf],
    is_explicit: bool,
    policy: Option<&PolicyFile>,
) -> Result<Loaded, Vec<Error>> {
    let files = places.iter().map(|path| (path.as_path(), trust::read(path))).collect();
    load_texts(files, is_explicit, policy)
}

/// The same, with this text in the place of the most important file, which is checked for all but its own text.
pub(super) fn load_with(
    text: &str,
    places: &[PathBuf],
    policy: Option<&PolicyFile>,
) -> Result<Loaded, Vec<Error>> {
    let Some((first, others)) = places.split_first() else { return load(places, false, policy) };
    let others = others.iter().map(|path| (path.as_path(), trust::read(path)));
    let own = match trust::read(first) {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(text.to_owned()),
    };
    let files = std::iter::once((first.as_path(), own)).chain(others).collect();
    load_texts(files, false, policy)
}

/// The place of a profile, if one of the files has it. Their values need not be valid.
pub(super) fn place_of_profile(name: &str, places: &[PathBuf]) -> Result<Option<String>, Vec<Error>> {
    let mut errors = Vec::new();
    let files = places.iter().map(|path| (path.as_path(), trust::read(path))).collect();
    let files = texts(files, false, &mut errors);
    let layers = parse(&files, &mut errors);
    let keys = ["profiles", name];
    if errors.is_empty() { Ok(layers.has(&keys).then(|| layers.place(&keys))) } else { Err(errors) }
}

fn load_texts(
    files: Vec<(&Path, Result<String, Error>)>,
    is_explicit: bool,
    policy: Option<&PolicyFile>,
) -> Result<Loaded, Vec<Error>> {
    let mut errors = Vec::new();
    let files = texts(files, is_explicit, &mut errors);
    let of_policy = policy.map(|file| (file.path.as_path(), trust::read_policy(&file.path, file.owner)));
    let of_policy = texts(of_policy.into_iter().collect(), false, &mut errors);
    let (layers, policy) = (parse(&files, &mut errors), parse(&of_policy, &mut errors));
    errors.extend(layers.faults::<Config>());
    errors.extend(policy.faults::<Policy>());
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut config = Config::of(&layers)?;
    restrict(&mut config, &policy)?;
    // Only now, because the policy may name another file.
    config
        .cognito
        .load(if policy.has(&["cognito", "ca_file"]) { &policy } else { &layers })
        .map_err(|error| vec![error])?;
    let warnings = warning::warnings(&config);
    Ok(Loaded { config, warnings })
}

/// The keys of valid files with their values, for people.
pub(super) fn shown(places: &[PathBuf], policy: Option<&PolicyFile>) -> Vec<Entry> {
    let files: Vec<_> =
        places.iter().filter_map(|path| Some((path.clone(), trust::read(path).ok()?))).collect();
    let text =
        policy.and_then(|file| Some((file.path.clone(), trust::read_policy(&file.path, file.owner).ok()?)));
    entries(&files, text.as_ref(), &REPLACED)
}

/// The files that exist, with their texts.
fn texts<'p>(
    files: Vec<(&'p Path, Result<String, Error>)>,
    must_exist: bool,
    errors: &mut Vec<Error>,
) -> Vec<(&'p Path, String)> {
    let mut texts = Vec::new();
    for (path, text) in files {
        match text {
            Ok(text) => texts.push((path, text)),
            Err(error) if error.is_not_found() && !must_exist => {}
            Err(error) => errors.push(error),
        }
    }
    texts
}

fn parse<'t>(files: &'t [(&Path, String)], errors: &mut Vec<Error>) -> Layers<'t> {
    let mut documents = Vec::new();
    for (path, text) in files {
        match Document::parse(text, path) {
            Ok(document) => documents.push(document),
            Err(error) => errors.push(error),
        }
    }
    Layers::new(documents)
}

fn restrict(config: &mut Config, layers: &Layers<'_>) -> Result<(), Vec<Error>> {
    let policy: Policy = layers.deserialize().map_err(|error| vec![error])?;
    let errors = policy.errors(layers);
    if !errors.is_empty() {
        return Err(errors);
    }
    config.cognito.allowed = policy.allowed();
    config.access.while_locked &= policy.access.while_locked;
    config.access.policy = policy.access;
    if let Some(proxy) = policy.cognito.proxy {
        config.cognito.proxy = Some(proxy);
    }
    if let Some(ca_file) = policy.cognito.ca_file {
        config.cognito.ca_file = ca_file;
    }
    Ok(())
}
