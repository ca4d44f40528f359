//! Finds the credential or token that the user names. An ambiguous name is an error, never a guess.

use super::no_match::{choice, no_token, nothing, quoted};
use super::tree::{Credential, Token, Tree};
use super::{Failure, exit, problem};

/// The only credential whose id, path or `issuer:account` is `query`. If there is none, the only one whose account or
/// issuer is `query`; if there is none either, the only one whose `issuer:account` contains `query`, ignoring case. A hidden
/// one is found by its id, path or `issuer:account` only, unless the user asked for the hidden ones.
///
/// # Errors
///
/// A failure that lists the choices, or says why there are none.
pub(super) fn credential<'tree>(
    tree: &'tree Tree,
    query: &str,
    token: Option<&str>,
) -> Result<&'tree Credential, Failure> {
    let tokens = tokens(tree, token)?;
    let credentials = tree
        .credentials
        .iter()
        .filter(|credential| token.is_none() || tokens.iter().any(|token| token.id == credential.token));
    let listed = credentials.clone().filter(|credential| tree.is_listed(credential));
    let whole: Vec<_> = credentials.filter(|credential| is_whole(credential, query)).collect();
    let matching = |is_match: fn(&Credential, &str) -> bool| -> Vec<_> {
        listed.clone().filter(|credential| is_match(credential, query)).collect()
    };
    let found = if whole.is_empty() {
        [is_exact, is_part].map(matching).into_iter().find(|found| !found.is_empty()).unwrap_or_default()
    } else {
        whole
    };
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(nothing(tree, &tokens, query, listed)),
        several => Err(Failure::new(
            exit::AMBIGUOUS,
            format!(
                "{} credentials match {}; use the id or the whole issuer:account of one, or add --token:",
                several.len(),
                quoted(query)
            ),
        )
        .with_lines(several.iter().map(|credential| choice(tree, credential)))),
    }
}

/// The only token with this id, path or serial number; without a name the only locked token.
///
/// # Errors
///
/// A failure that lists the choices.
pub(super) fn token<'tree>(tree: &'tree Tree, name: Option<&str>) -> Result<&'tree Token, Failure> {
    let found: Vec<_> = match name {
        Some(name) => tokens(tree, Some(name))?,
        None => tree.locked().collect(),
    };
    match found.as_slice() {
        [one] => Ok(one),
        [] if tree.tokens.is_empty() => Err(no_token(tree)),
        [] => Err(Failure::new(problem::code_of(tree), "No token is locked, so there is nothing to unlock.")
            .with_lines(problem::unusable(tree))),
        several => {
            Err(Failure::new(exit::AMBIGUOUS, format!("{} tokens match; use the id of one:", several.len()))
                .with_lines(several.iter().map(|token| token.choice())))
        }
    }
}

/// The tokens with this id, path, serial number or label; all without a name.
///
/// # Errors
///
/// A failure that lists the choices.
pub(super) fn tokens<'tree>(tree: &'tree Tree, name: Option<&str>) -> Result<Vec<&'tree Token>, Failure> {
    let tokens: Vec<_> = tree.tokens.iter().filter(|token| name.is_none_or(|name| token.is(name))).collect();
    match name {
        Some(_) if tree.tokens.is_empty() => Err(no_token(tree)),
        Some(name) if tokens.is_empty() => Err(Failure::new(
            exit::NOT_FOUND,
            format!("No attached token has the id or serial number {}; name one of these:", quoted(name)),
        )
        .with_lines(tree.tokens.iter().map(Token::choice))),
        _ => Ok(tokens),
    }
}

/// An account may look like the whole `issuer:account` of another credential, as an ARN does.
fn is_whole(credential: &Credential, query: &str) -> bool {
    credential.id == query
        || credential.path == query
        || (!credential.issuer.is_empty() && credential.name == query)
}

fn is_exact(credential: &Credential, query: &str) -> bool {
    credential.account == query || (!query.is_empty() && credential.issuer == query)
}

fn is_part(credential: &Credential, query: &str) -> bool {
    !query.is_empty() && credential.name.to_lowercase().contains(&query.to_lowercase())
}

#[cfg(test)]
mod tests;
