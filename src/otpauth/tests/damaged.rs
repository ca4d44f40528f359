use super::super::{parse, to_uri};

const PARTS: [&str; 24] = [
    "otpauth://",
    "totp/",
    "hotp/",
    "steam/",
    "?",
    "&",
    "secret=",
    "issuer=",
    "JBSWY3DPEHPK3PXP",
    "A",
    "=",
    ":",
    "%3A",
    "%",
    "%2",
    "%FF",
    "+",
    "%2B",
    "60/Shop",
    "Steam",
    "digits=8",
    "period=60",
    "counter=7",
    "ä",
];

/// Whatever is accepted is written and read again as the same credential.
#[test]
fn random_texts_are_refused_or_read_without_loss() {
    let mut accepted = 0;
    for seed in 1..40_000_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |limit: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % u64::try_from(limit).unwrap()).unwrap()
        };
        let kind = PARTS[1 + next(3)];
        let mut text = format!("otpauth://{kind}");
        for _ in 0..next(5) {
            text.push_str(PARTS[next(PARTS.len())]);
        }
        text.push_str("a?secret=JBSWY3DPEHPK3PXP");
        for _ in 0..next(4) {
            text.push_str(PARTS[next(PARTS.len())]);
        }
        if let Ok(credential) = parse(&text) {
            accepted += 1;
            assert_eq!(parse(&to_uri(&credential)).as_ref(), Ok(&credential), "{text}");
        }
    }
    assert!(accepted > 1_000, "only {accepted} texts were accepted");
}
