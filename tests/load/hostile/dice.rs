//! Random values of all types, reproducible by a seed.

use std::collections::HashMap;

use zbus::Variant;

/// SplitMix64, by Sebastiano Vigna: the same calls for the same seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    pub(crate) fn text(&mut self) -> String {
        match self.roll(20) {
            0 => "x".repeat(1 << self.roll(18)),
            1 => "\u{202e}\n\u{1b}[31m%s%n".to_owned(),
            2 => format!("handle_{}", self.roll(50)),
            3 => String::new(),
            _ => self.pick(&["alice", "AWS", "true", "/", "é", "eu-central-1", "work", "0"]).to_string(),
        }
    }

    pub(crate) fn variant(&mut self, depth: usize) -> Variant<'static> {
        match self.roll(if depth > 6 { 8 } else { 11 }) {
            0 => (self.roll(2) == 0).into(),
            1 => u32::try_from(self.roll(2_000)).unwrap().into(),
            2 => i64::MIN.into(),
            3 => f64::NAN.into(),
            4 => 255_u8.into(),
            5 | 6 => self.text().into(),
            7 => zbus::ObjectPath::try_from("/a/b").unwrap().into(),
            8 => vec![self.text(), self.text()].into(),
            9 => HashMap::from([(self.text(), self.text())]).into(),
            _ => Variant::Variant(Box::new(self.variant(depth + 1))),
        }
    }

    pub(crate) fn attributes(&mut self) -> HashMap<String, String> {
        const KEYS: [&str; 5] = ["issuer", "account", "type", "token", "bogus"];
        (0..self.roll(3)).map(|_| ((*self.pick(&KEYS)).to_owned(), self.text())).collect()
    }

    pub(crate) fn options(&mut self) -> HashMap<String, Variant<'static>> {
        const KEYS: [&str; 16] = [
            "timeout",
            "handle-token",
            "interactive",
            "own-prompt",
            "wait-for-token",
            "next",
            "min-validity",
            "claim",
            "advance-counter",
            "session",
            "access-token",
            "profile",
            "region",
            "challenge-name",
            "username",
            "bogus",
        ];
        let mut options = HashMap::new();
        for _ in 0..self.roll(4) {
            let key = *self.pick(&KEYS);
            // Half of the values have the type of the key, so that the code behind it is reached.
            let value = if self.roll(2) == 0 { self.variant(0) } else { self.wanted(key) };
            options.insert(key.to_owned(), value);
        }
        options
    }

    /// The options of a sign-in, and sometimes one more.
    pub(crate) fn sign_in(&mut self) -> HashMap<String, Variant<'static>> {
        let mut options = HashMap::new();
        for key in ["challenge-name", "session", "username", "profile"] {
            options.insert(key.to_owned(), self.wanted(key));
        }
        let key = *self.pick(&["timeout", "handle-token", "own-prompt", "tokens-as-fd", "interactive"]);
        options.insert(key.to_owned(), self.wanted(key));
        options
    }

    fn wanted(&mut self, key: &str) -> Variant<'static> {
        match key {
            "timeout" => u32::try_from(1 + self.roll(30)).unwrap().into(),
            "min-validity" => u32::try_from(self.roll(40)).unwrap().into(),
            "handle-token" => format!("handle_{}", self.roll(50)).into(),
            "session" => "0123456789abcdef0123456789abcdef".into(),
            "access-token" => "e30.e30.e30".into(),
            "challenge-name" => (*self.pick(&["SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE"])).into(),
            "profile" => "work".into(),
            "region" => "eu-central-1".into(),
            "username" => "alice".into(),
            _ => (self.roll(2) == 0).into(),
        }
    }
}
