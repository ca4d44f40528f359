//! Asks whether to do what cannot be undone.

use std::io::{IsTerminal, Write, stderr, stdin};

use super::Failure;
use crate::text::escape_invisible;

/// Tells the risk, and asks on the terminal. No is the default.
///
/// # Errors
///
/// There is no terminal, or reading fails.
pub(super) fn confirmed(risk: &str, question: &str) -> Result<bool, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::usage(format!("{risk}; add --yes to confirm.")));
    }
    // If standard error is closed, the user sees no question, and the answer is no.
    let _ = write!(stderr(), "{risk}.\n{} [y/N] ", escape_invisible(question));
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| Failure::failed("Reading the answer", error))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
