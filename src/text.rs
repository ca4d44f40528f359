//! Text that is shown to people.

/// The maximum length of a shown name, in characters.
const MAX_NAME_CHARS: usize = 200;

/// Replaces control characters, line breaks and characters that change the direction of text (Unicode TR 36 §2.2) by
/// `\u{..}`.
pub fn escape(text: &str) -> String {
    escape_where(text, is_unsafe)
}

/// Like [`escape`], but also for other invisible characters: for a terminal, where people compare names.
pub fn escape_invisible(text: &str) -> String {
    escape_where(text, |letter| is_unsafe(letter) || is_invisible(letter))
}

/// A name on one line of limited length, for the journal, notifications, status bars and `GetCallerInfo`: like
/// [`escape_invisible`], with `…` instead of everything after 200 characters.
pub fn shown(name: &str) -> String {
    shown_up_to(name, MAX_NAME_CHARS)
}

/// Like [`shown`], with at most `most` characters of the text, for whole lines and paths.
pub fn shown_up_to(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => escape_invisible(text),
        Some((end, _)) => format!("{}…", escape_invisible(text.get(..end).unwrap_or_default())),
    }
}

fn escape_where(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_escaped(letter) {
            safe.extend(letter.escape_unicode());
        } else {
            safe.push(letter);
        }
    }
    safe
}

fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters without a width: spaces, joiners, fillers, operators, variation selectors, tags, the byte order mark
/// (`Default_Ignorable_Code_Point`, Unicode Standard Annex 44). Some scripts and emoji need joiners and selectors.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_direction_marks_are_escaped() {
        let escaped = "a\\u{1b}[2Jb\\u{a}\\u{9b}c\\u{202e}d";
        assert_eq!(escape("a\x1b[2Jb\n\u{9b}c\u{202e}d"), escaped);
        assert_eq!(escape_invisible("a\x1b[2Jb\n\u{9b}c\u{202e}d"), escaped);
        assert_eq!(escape_invisible("Bücher: 猫 \\ 🔑"), "Bücher: 猫 \\ 🔑");
    }

    #[test]
    fn a_shown_name_is_one_visible_line_of_limited_length() {
        assert_eq!(shown("a\n\u{202e}\u{200b}\u{e0041}b"), "a\\u{a}\\u{202e}\\u{200b}\\u{e0041}b");
        assert_eq!(shown(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(shown(&"é".repeat(60_000)), format!("{}…", "é".repeat(200)));
        assert_eq!(shown_up_to("abc", 2), "ab…");
    }

    #[test]
    fn joiners_are_escaped_only_for_a_terminal() {
        assert_eq!(escape("a\u{200d}b\u{feff}"), "a\u{200d}b\u{feff}");
        assert_eq!(escape_invisible("a\u{200d}b\u{feff}"), "a\\u{200d}b\\u{feff}");
    }
}
