//! Random changes of a valid file.

use super::{parse, uncommented};

/// A deterministic generator of random numbers (Marsaglia, xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

#[test]
fn no_file_makes_the_parser_panic_or_print_several_lines() {
    const PIECES: &[&str] = &[
        "[", "]", "[[", "\"", "'''", "=", ".", "{", "}", "\n", "\\u0000", "é", "-9", "1e999", "0x", ",",
        "profiles",
    ];
    let whole = uncommented(true);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut accepted, mut refused) = (0_u32, 0_u32);
    for _ in 0..20_000 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            match numbers.below(4) {
                0 => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
                1 => bytes.truncate(at.max(1)),
                2 => drop(bytes.drain(at..(at + numbers.below(40)).min(bytes.len()))),
                _ => drop(bytes.splice(at..at, PIECES[numbers.below(PIECES.len())].bytes()).count()),
            }
            bytes.push(b'\n');
        }
        match parse(&String::from_utf8_lossy(&bytes)) {
            Ok(_) => accepted += 1,
            Err(error) => {
                refused += 1;
                let sentence = error.to_string();
                assert!(!sentence.contains(char::is_control) && sentence.len() < 300, "{sentence:?}");
                assert!(error.line().is_some());
            }
        }
    }
    assert!(accepted > 1_000 && refused > 1_000, "{accepted} accepted, {refused} refused");
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&format!("pcsc = {}", "[".repeat(100_000))).is_err());
    assert!(parse(&format!("{}pcsc = 1", "a.".repeat(100_000))).is_err());
}
