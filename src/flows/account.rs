//! The account whose refused codes Cognito counts, by the names that a request gives it.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest, Sha256};

/// An account, as hashes of its names: they stay in memory for longer than the request.
///
/// A request knows an account by several names, for example by the user pool and the `sub` of an access token, and by the
/// app client and the user name of a sign-in. Two requests with one common name are for the same account.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Account {
    places: Vec<[u8; 32]>,
    program: String,
    names: BTreeSet<[u8; 32]>,
}

impl Account {
    /// An account in these places: its user pool, its app client, or both. The program is that of the caller. It is part
    /// of the account's names as long as the user is not known.
    pub fn of<'place>(places: impl IntoIterator<Item = &'place str>, program: &str) -> Self {
        let places = places.into_iter().map(|place| Sha256::digest(place).into());
        Self { places: places.collect(), program: program.to_owned(), names: BTreeSet::new() }
    }

    /// Adds a name of the user, in any case: a user pool may ignore it.
    pub fn add_user(&mut self, user: &str) {
        let user = user.to_lowercase();
        self.names.extend(self.places.iter().map(|place| hash(place, &user)));
    }

    /// The keys for the count of refusals. Those of a known user are for all credentials, because Cognito counts all codes.
    /// Without a user they are for one credential and one program, which locks out no other program.
    pub(super) fn keys(&self, credential: &str) -> Vec<[u8; 32]> {
        if !self.names.is_empty() {
            return self.names.iter().copied().collect();
        }
        let stranger = |place| hash(&hash(&hash(place, ""), credential), &self.program);
        self.places.iter().map(stranger).collect()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({} names)", self.names.len())
    }
}

fn hash(before: &[u8; 32], text: &str) -> [u8; 32] {
    Sha256::digest([before.as_slice(), text.as_bytes()].concat()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(places: &[&str], user: &str, credential: &str) -> Vec<[u8; 32]> {
        let mut account = Account::of(places.iter().copied(), "p");
        account.add_user(user);
        account.keys(credential)
    }

    #[test]
    fn place_and_user_make_the_key_of_a_known_user() {
        let key = keys(&["pool"], "alice", "c")[0];
        for (user, credential) in [("alice", "c"), ("alice", "d"), ("Alice", "c")] {
            assert_eq!(keys(&["pool"], user, credential), [key]);
        }
        for (place, user) in [("pool2", "alice"), ("pool", "bob"), ("poola", "lice")] {
            assert_ne!(keys(&[place], user, "c"), [key]);
        }
        let both = keys(&["pool", "client"], "alice", "c");
        assert!(both.len() == 2 && both.contains(&key));
    }

    #[test]
    fn place_credential_and_program_make_the_key_of_an_unknown_user() {
        let key = |place, credential, program| Account::of([place], program).keys(credential);
        assert_eq!(key("region", "c", "p"), key("region", "c", "p"));
        for (place, credential, program) in [("pool", "c", "p"), ("region", "d", "p"), ("region", "c", "q")] {
            assert_ne!(key(place, credential, program), key("region", "c", "p"));
        }
    }

    #[test]
    fn debug_output_has_no_name() {
        let mut account = Account::of(["pool"], "p");
        account.add_user("alice");
        assert_eq!(format!("{account:?}"), "Account(1 names)");
    }
}
