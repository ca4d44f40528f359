//! Text for a terminal. Text from a token may contain anything, escape sequences included.

use serde::Serialize;
use zeroize::Zeroizing;

use super::Failure;
use crate::text::escape_invisible;

/// The output of a command.
#[derive(Debug)]
pub struct Output {
    /// For standard output; may contain a code or a session.
    pub text: Zeroizing<String>,
    /// For standard error, one sentence each.
    pub notes: Vec<String>,
    /// The failure of a part of the command, in addition to the output of the other parts.
    pub failure: Option<Failure>,
}

impl Output {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: Zeroizing::new(text.into()), notes: Vec::new(), failure: None }
    }

    pub(super) fn json(value: &impl Serialize) -> Result<Self, Failure> {
        let mut text =
            serde_json::to_string_pretty(value).map_err(|error| Failure::failed("Writing JSON", error))?;
        text.push('\n');
        Ok(Self::text(text))
    }

    pub(super) fn with_notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    pub(super) fn with_failure(mut self, failure: Option<Failure>) -> Self {
        self.failure = failure;
        self
    }
}

/// Columns as wide as their longest cell, two spaces between them; cells are escaped.
pub(super) fn table<const COLUMNS: usize>(
    head: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.into_iter().map(|row| row.map(|cell| escape_invisible(&cell))));
    let mut widths = [0; COLUMNS];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<_> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = [["1".to_owned(), "x".to_owned()], ["\x07".to_owned(), String::new()]];
        assert_eq!(table(["A", "B"], rows), "A      B\n1      x\n\\u{7}\n");
    }
}
