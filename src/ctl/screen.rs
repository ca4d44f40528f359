//! Text for a terminal. Text from a token may contain anything, escape sequences included.

use std::io::stdout;

use serde::Serialize;
use zeroize::Zeroizing;

use super::Failure;
use super::cells::{self, columns, cut, padded};
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

/// The space between two columns.
const GAP: usize = 2;

/// A narrow terminal cuts no column below this width.
const MIN_COLUMN: usize = 3;

/// The look of a table: that of the terminal, or that of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    columns: Option<usize>,
    has_bold_head: bool,
    /// The numbers of the columns that are never cut, because a person copies their cells.
    whole: &'static [usize],
}

impl Look {
    /// The look for standard output. `NO_COLOR` turns the bold head off (no-color.org).
    pub(super) fn of_output() -> Self {
        let columns = columns(stdout());
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_smart = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let has_bold_head = columns.is_some() && is_smart && !is_set("NO_COLOR");
        Self { columns, has_bold_head, whole: &[] }
    }

    /// The same look, which never cuts the columns with these numbers.
    pub(super) fn keeping(self, whole: &'static [usize]) -> Self {
        Self { whole, ..self }
    }
}

/// Columns as wide as their longest cell, two spaces between them, narrowed to the terminal; cells are escaped. Lines are
/// longer than a terminal that is too narrow for the columns that are never cut.
pub(super) fn table<const COLUMNS: usize>(
    look: Look,
    head: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.into_iter().map(|row| row.map(|cell| escape_invisible(&cell))));
    let mut widths = [0; COLUMNS];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cells::width(cell).max(*width);
        }
    }
    if let Some(columns) = look.columns {
        narrow(&mut widths, columns, look.whole);
    }
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let fitted = line.iter().zip(widths).map(|(cell, width)| padded(&cut(cell, width), width));
        let line = fitted.collect::<Vec<_>>().join(&" ".repeat(GAP));
        let line = line.trim_end();
        let is_bold = number == 0 && look.has_bold_head;
        text.push_str(&if is_bold { format!("\x1b[1m{line}\x1b[0m") } else { line.to_owned() });
        text.push('\n');
    }
    text
}

/// Takes cells from the widest columns until all of them fit, but not from those that stay whole.
fn narrow(widths: &mut [usize], columns: usize, whole: &[usize]) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > columns {
        let may_be_cut = widths.iter_mut().enumerate().filter(|(number, _)| !whole.contains(number));
        match may_be_cut.map(|(_, width)| width).max() {
            Some(widest) if *widest > MIN_COLUMN => *widest -= 1,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = [["1".to_owned(), "x".to_owned()], ["\x07".to_owned(), String::new()]];
        assert_eq!(table(Look::default(), ["A", "B"], rows), "A      B\n1      x\n\\u{7}\n");
    }

    #[test]
    fn a_table_fits_the_terminal_by_cells() {
        let rows = || [["猫猫猫猫猫猫".to_owned(), "short".to_owned()], ["x".repeat(12), "y".to_owned()]];
        let look = Look { columns: Some(15), has_bold_head: true, whole: &[] };
        let text = table(look, ["A", "B"], rows());
        assert_eq!(text, "\x1b[1mA         B\x1b[0m\n猫猫猫…   short\nxxxxxxx…  y\n");
        let narrowest = table(Look { columns: Some(3), ..look }, ["A", "B"], rows());
        assert!(narrowest.contains("xx…  y\n"), "{narrowest}");
    }

    #[test]
    fn a_cell_that_is_copied_is_never_cut() {
        let rows = [["an issuer".to_owned(), "123456".to_owned(), "a token".to_owned()]];
        let look = Look { columns: Some(12), ..Look::default() }.keeping(&[1]);
        assert_eq!(table(look, ["A", "CODE", "B"], rows), "A    CODE    B\nan…  123456  a …\n");
    }
}
