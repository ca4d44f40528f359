//! The failure for a name that nothing has: the tokens that cannot show it, or what the user may have meant.

use super::tree::{Credential, Token, Tree};
use super::{Failure, exit, problem, similar};

/// The maximum length of a query in a message; a longer query may be a secret that was passed by mistake.
const MAX_QUOTED_CHARS: usize = 80;

/// The failure for a query that no credential of these tokens matches.
pub(super) fn nothing<'tree>(
    tree: &Tree,
    tokens: &[&Token],
    query: &str,
    credentials: impl Iterator<Item = &'tree Credential>,
) -> Failure {
    if tree.tokens.is_empty() {
        return no_token(tree);
    }
    let typed = query;
    let query = quoted(query);
    if tokens.iter().any(|token| token.is_locked()) {
        let sentence = format!("No unlocked token has a credential that matches {query}.");
        let unusable = problem::unusable_of(tree, tokens.iter().copied());
        return Failure::new(exit::LOCKED, sentence).with_lines(problem::locked(tree)).with_lines(unusable);
    }
    let credentials: Vec<_> = credentials.collect();
    let unusable = problem::unusable_of(tree, tokens.iter().copied());
    if !unusable.is_empty() {
        let question = meant(typed, &credentials).map(|name| format!("Did you mean \"{name}\"?"));
        let choices: Vec<_> = match question {
            None if !credentials.is_empty() => std::iter::once("Name one of these:".to_owned())
                .chain(credentials.iter().map(|credential| choice(tree, credential)))
                .collect(),
            _ => Vec::new(),
        };
        return Failure::new(
            exit::NOT_FOUND,
            format!("No usable token has a credential that matches {query}."),
        )
        .with_lines(unusable)
        .with_lines(question)
        .with_lines(problem::sentences(tree))
        .with_lines(choices);
    }
    if let Some(name) = meant(typed, &credentials) {
        let sentence = format!("No credential matches {query}; did you mean \"{name}\"?");
        return Failure::new(exit::NOT_FOUND, sentence);
    }
    let choices: Vec<_> = credentials.iter().map(|credential| choice(tree, credential)).collect();
    if choices.is_empty() {
        return Failure::new(
            exit::NOT_FOUND,
            "The attached tokens have no credentials; add one with oathbridgectl add.",
        )
        .with_lines(problem::sentences(tree));
    }
    Failure::new(exit::NOT_FOUND, format!("No credential matches {query}; name one of these:"))
        .with_lines(choices)
}

/// The account or `issuer:account` that the user probably meant.
fn meant<'tree>(typed: &str, credentials: &[&'tree Credential]) -> Option<&'tree str> {
    let names = credentials.iter().flat_map(|credential| [&credential.account, &credential.name]);
    let name = similar::to(typed, names.map(String::as_str))?;
    match credentials.iter().filter(|credential| credential.account == name).count() {
        0 | 1 => Some(name),
        // The account alone is ambiguous.
        _ => None,
    }
}

/// The failure for the case that no token is attached.
pub(super) fn no_token(tree: &Tree) -> Failure {
    let mut sentences = problem::nothing_attached(tree).into_iter();
    Failure::new(exit::NOT_FOUND, sentences.next().unwrap_or_default()).with_lines(sentences)
}

/// The line of a credential in a list of choices.
pub(super) fn choice(tree: &Tree, credential: &Credential) -> String {
    format!("{}  {}  {}", credential.name, tree.token_label(credential), credential.id)
}

/// The query, unless it may be a secret.
pub(super) fn quoted(query: &str) -> String {
    if query.chars().count() > MAX_QUOTED_CHARS { "the query".to_owned() } else { format!("\"{query}\"") }
}
