//! Text as people get it.

/// Text on one line whose direction nothing turns: control characters, line breaks and the characters that change the
/// direction of text (Unicode TR 36 §2.2) become `\u{..}`.
pub fn escape(text: &str) -> String {
    escape_where(text, is_unsafe)
}

/// As [`escape`], and the other invisible characters, too: for a terminal, where names are compared by eye.
pub fn escape_invisible(text: &str) -> String {
    escape_where(text, |letter| is_unsafe(letter) || is_invisible(letter))
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

/// Zero-width spaces and joiners, invisible operators, the byte order mark. Some scripts and emoji need joiners.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_turns_the_text() {
        let escaped = "a\\u{1b}[2Jb\\u{a}\\u{9b}c\\u{202e}d";
        assert_eq!(escape("a\x1b[2Jb\n\u{9b}c\u{202e}d"), escaped);
        assert_eq!(escape_invisible("a\x1b[2Jb\n\u{9b}c\u{202e}d"), escaped);
        assert_eq!(escape_invisible("Bücher: 猫 \\ 🔑"), "Bücher: 猫 \\ 🔑");
    }

    #[test]
    fn joiners_stay_except_on_a_terminal() {
        assert_eq!(escape("a\u{200d}b\u{feff}"), "a\u{200d}b\u{feff}");
        assert_eq!(escape_invisible("a\u{200d}b\u{feff}"), "a\\u{200d}b\\u{feff}");
    }
}
