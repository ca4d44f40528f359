//! Which credential is meant: exact matches only, and never a guess.

use super::{Error, Flows};
use crate::protocol::ykoath::{Credential, Kind};
use crate::registry::{Attached, Found, Snapshot, State};

/// What a credential has to match; an absent field matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The issuer, exactly.
    pub issuer: Option<String>,
    /// The account, exactly.
    pub account: Option<String>,
    /// `totp`, `hotp` or `steam`.
    pub kind: Option<String>,
    /// The id of the token, or its serial number.
    pub token: Option<String>,
}

impl Query {
    /// The matching credentials, and the tokens that might hold more if they were unlocked.
    pub fn run(&self, snapshot: &Snapshot) -> (Vec<Found>, Vec<String>) {
        let mut found = Vec::new();
        let mut locked = Vec::new();
        for (token_id, token) in snapshot.tokens.iter().filter(|(id, token)| self.wants(id, token)) {
            if token.state == State::Locked {
                locked.push(token_id.clone());
            }
            for (id, credential) in &token.credentials {
                if self.matches(credential) {
                    let (id, credential) = (id.clone(), credential.clone());
                    found.push(Found { id, credential, token: token.clone() });
                }
            }
        }
        (found, locked)
    }

    fn wants(&self, id: &str, token: &Attached) -> bool {
        let is = |wanted: &String| *wanted == id || (*wanted == token.info.serial && !wanted.is_empty());
        self.token.as_ref().is_none_or(is)
    }

    fn matches(&self, credential: &Credential) -> bool {
        let equal = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|wanted| wanted == has);
        equal(&self.issuer, &credential.issuer)
            && equal(&self.account, &credential.account)
            && equal(&self.kind, kind_word(credential.kind))
    }
}

/// The word of the D-Bus contract for a kind of credential.
pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Totp => "totp",
        Kind::Hotp => "hotp",
        Kind::Steam => "steam",
    }
}

impl Flows {
    /// The one credential that a query matches, among everything present.
    pub(super) async fn the_one(&self, query: &Query) -> Result<Found, Error> {
        let (mut found, locked) = query.run(&*self.registry().settled().await);
        match (found.pop(), found.len()) {
            (Some(one), 0) => Ok(one),
            (Some(_), others) => Err(Error::Ambiguous(others + 1)),
            (None, _) => Err(Error::NoMatch { locked: !locked.is_empty() }),
        }
    }
}
