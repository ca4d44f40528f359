//! The width of text on a terminal, in cells (Unicode Standard Annex 11).

use std::os::fd::AsFd;

use rustix::termios::{isatty, tcgetwinsize};
use unicode_width::UnicodeWidthStr;

/// What stands for text that was cut off.
const CUT: &str = "…";

/// The columns of the terminal; `None` if it is none, or does not know its width.
pub(super) fn columns(output: impl AsFd) -> Option<usize> {
    let size = isatty(&output).then(|| tcgetwinsize(&output).ok()).flatten()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The cells that a text takes.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text with spaces after it, up to a width.
pub(super) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// As much of the text as a width holds, with `…` for what was cut off.
pub(super) fn cut(text: &str, to: usize) -> String {
    if width(text) <= to {
        return text.to_owned();
    }
    let mut end = 0;
    for (start, letter) in text.char_indices() {
        let next = start + letter.len_utf8();
        if width(text.get(..next).unwrap_or_default()) + width(CUT) > to {
            break;
        }
        end = next;
    }
    let kept = text.get(..end).unwrap_or_default();
    if to == 0 { String::new() } else { format!("{kept}{CUT}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_letter_takes_two_cells() {
        assert_eq!((width("abc"), width("猫"), width("e\u{301}")), (3, 2, 1));
        assert_eq!(padded("猫", 4), "猫  ");
        assert_eq!(cut("猫猫猫", 6), "猫猫猫");
        assert_eq!(cut("猫猫猫", 5), "猫猫…");
        assert_eq!(cut("猫猫猫", 4), "猫…");
        assert_eq!((cut("abc", 1), cut("abc", 0)), ("…".to_owned(), String::new()));
    }
}
