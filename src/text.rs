//! Text that is shown to people.

/// Replaces control characters, line breaks and characters that change the direction of text (Unicode TR 36 §2.2) by
/// `\u{..}`.
pub fn escape(text: &str) -> String {
    escape_where(text, is_unsafe)
}

/// Like [`escape`], but also for other invisible characters: for a terminal, where people compare names.
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
    fn control_characters_and_direction_marks_are_escaped() {
        let escaped = "a\\u{1b}[2Jb\\u{a}\\u{9b}c\\u{202e}d";
        assert_eq!(escape("a\x1b[2Jb\n\u{9b}c\u{202e}d"), escaped);
        assert_eq!(escape_invisible("a\x1b[2Jb\n\u{9b}c\u{202e}d"), escaped);
        assert_eq!(escape_invisible("Bücher: 猫 \\ 🔑"), "Bücher: 猫 \\ 🔑");
    }

    #[test]
    fn joiners_are_escaped_only_for_a_terminal() {
        assert_eq!(escape("a\u{200d}b\u{feff}"), "a\u{200d}b\u{feff}");
        assert_eq!(escape_invisible("a\u{200d}b\u{feff}"), "a\\u{200d}b\\u{feff}");
    }
}
