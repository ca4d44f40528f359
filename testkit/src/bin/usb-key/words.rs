//! The lines on standard input: what the simulated user does with the key, and its faults.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::tokens::Tokens;

/// Obeys each line, and writes it to standard error then.
pub(super) fn obey_all(tokens: &Tokens, hangs: &AtomicBool) {
    for line in io::stdin().lines().map_while(Result::ok) {
        if obey(&line, tokens, hangs) {
            eprintln!("obeyed: {line}");
        } else {
            eprintln!("this key does not know how to obey: {line}");
        }
    }
}

/// Returns whether the key of these tokens can obey the line.
fn obey(line: &str, tokens: &Tokens, hangs: &AtomicBool) -> bool {
    let (word, number) = line.split_once(' ').map_or((line, None), |(word, number)| (word, Some(number)));
    let Ok(number) = number.map(str::parse).transpose() else { return false };
    match (word, number) {
        ("", None) => tokens.press(),
        ("hang", None) => hangs.store(true, Ordering::SeqCst),
        ("delay", Some(millis)) => tokens.set_delay(Duration::from_millis(millis)),
        ("report-delay", Some(millis)) => tokens.set_report_delay(Duration::from_millis(millis)),
        ("patience", Some(millis)) => return tokens.set_touch_timeout(Duration::from_millis(millis)),
        (fault, number) => {
            let Ok(number) = number.map(usize::try_from).transpose() else { return false };
            return tokens.fail_next(fault, number);
        }
    }
    true
}
