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
    names: BTreeSet<[u8; 32]>,
}

impl Account {
    /// An account in these places: its user pool, its app client, or both.
    pub fn of<'place>(places: impl IntoIterator<Item = &'place str>) -> Self {
        let places = places.into_iter().map(|place| Sha256::digest(place).into());
        Self { places: places.collect(), names: BTreeSet::new() }
    }

    /// Adds a name of the user. The empty name stands for a user that is not known.
    pub fn add_user(&mut self, user: &str) {
        self.names.extend(self.places.iter().map(|place| hash(place, user)));
    }

    /// The keys of the names together with a credential.
    pub(super) fn keys(&self, credential: &str) -> Vec<[u8; 32]> {
        self.names.iter().map(|name| hash(name, credential)).collect()
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
        let mut account = Account::of(places.iter().copied());
        account.add_user(user);
        account.keys(credential)
    }

    #[test]
    fn place_user_and_credential_make_the_key() {
        let key = keys(&["pool"], "alice", "c")[0];
        assert_eq!(keys(&["pool"], "alice", "c"), [key]);
        for (place, user, credential) in
            [("pool2", "alice", "c"), ("pool", "bob", "c"), ("pool", "alice", "d"), ("poola", "lice", "c")]
        {
            assert_ne!(keys(&[place], user, credential), [key]);
        }
        let both = keys(&["pool", "client"], "alice", "c");
        assert!(both.len() == 2 && both.contains(&key));
    }

    #[test]
    fn debug_output_has_no_name() {
        let mut account = Account::of(["pool"]);
        account.add_user("alice");
        assert_eq!(format!("{account:?}"), "Account(1 names)");
    }
}
