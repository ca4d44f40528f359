//! The app client and the user of a challenge, and the proof of the app client.

use std::collections::{BTreeMap, HashMap};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Refused;
use crate::secret::{SecretText, is_client_secret};

/// The parameters of Cognito that contain the user's name, in order of priority.
const USER_NAMES: [&str; 2] = ["USER_ID_FOR_SRP", "USERNAME"];

/// The app client and the user that answer a challenge.
#[derive(Clone, Debug)]
pub struct Respondent {
    pub(super) client_id: SecretText,
    pub(super) username: SecretText,
    proof: Proof,
    pub(super) device_key: Option<String>,
    pub(super) metadata: HashMap<String, String>,
}

/// The proof of an app client.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The app client has no secret.
    None,
    /// The secret, from which the hash is computed.
    ClientSecret(SecretText),
    /// The hash, which the caller computed for the user's name.
    SecretHash(SecretText),
}

impl Proof {
    /// The user's name for the request. Cognito expects the name of its own parameters, so that name has priority over
    /// `given`. A hash that the caller computed is valid for the given name only.
    pub fn username(&self, given: Option<String>, parameters: &BTreeMap<String, String>) -> Option<String> {
        let of_server = || USER_NAMES.iter().find_map(|key| parameters.get(*key)).cloned();
        match self {
            Self::SecretHash(_) => given.or_else(of_server),
            Self::None | Self::ClientSecret(_) => of_server().or(given),
        }
    }
}

impl Respondent {
    /// Checks the values against the API's model.
    ///
    /// # Errors
    ///
    /// [`Refused::Shape`] with the name of the invalid value.
    pub fn new(
        client_id: String,
        username: String,
        proof: Proof,
        device_key: Option<String>,
        metadata: HashMap<String, String>,
    ) -> Result<Self, Refused> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+');
        let check = |fits: bool, what| if fits { Ok(()) } else { Err(Refused::Shape(what)) };
        check((1..=128).contains(&client_id.len()) && client_id.bytes().all(is_word), "client-id")?;
        let letters = username.chars().count();
        let is_name = !username.chars().any(|letter| letter.is_control() || letter.is_whitespace());
        check((1..=128).contains(&letters) && is_name, "username")?;
        match &proof {
            Proof::None => {}
            Proof::ClientSecret(secret) => check(is_client_secret(secret.expose()), "client-secret")?,
            Proof::SecretHash(hash) => {
                let is_hash = |byte: u8| is_word(byte) || matches!(byte, b'=' | b'/');
                let hash = hash.expose();
                check((1..=128).contains(&hash.len()) && hash.bytes().all(is_hash), "secret-hash")?;
            }
        }
        if let Some(key) = &device_key {
            let is_key = |byte: u8| is_word(byte) || byte == b'-';
            check((1..=55).contains(&key.len()) && key.bytes().all(is_key), "device-key")?;
        }
        let (client_id, username) = (SecretText::new(client_id), SecretText::new(username));
        Ok(Self { client_id, username, proof, device_key, metadata })
    }

    /// The user's name.
    pub fn username(&self) -> &str {
        self.username.expose()
    }

    /// The same with the user's name from Cognito's parameters.
    pub fn named_by(&self, parameters: &BTreeMap<String, String>) -> Self {
        let mut respondent = self.clone();
        let own = Some(self.username.expose().to_owned());
        if let Some(name) = self.proof.username(own, parameters) {
            respondent.username = SecretText::new(name);
        }
        respondent
    }

    /// `base64(HMAC-SHA256(client secret, username + client id))`, as in the developer guide.
    pub(super) fn secret_hash(&self) -> Option<String> {
        match &self.proof {
            Proof::None => None,
            Proof::SecretHash(hash) => Some(hash.expose().to_owned()),
            Proof::ClientSecret(secret) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
                mac.update(self.username.expose().as_bytes());
                mac.update(self.client_id.expose().as_bytes());
                Some(BASE64.encode(&mac.finalize().into_bytes()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respondent(client_id: &str, username: &str, proof: Proof) -> Result<Respondent, Refused> {
        Respondent::new(client_id.to_owned(), username.to_owned(), proof, None, HashMap::new())
    }

    /// Computed with `printf %s aliceclient1 | openssl dgst -sha256 -hmac abcdefghijklmnopqrstuvwx -binary | base64`.
    #[test]
    fn the_secret_hash_equals_that_of_openssl() {
        let proof = Proof::ClientSecret("abcdefghijklmnopqrstuvwx".into());
        let respondent = respondent("client1", "alice", proof).unwrap();
        assert_eq!(respondent.secret_hash().as_deref(), Some("AxrZGC20Q33ladIOvbiGYVMlwo6a2w5u6SvQvctsPiA="));
    }

    #[test]
    fn the_error_names_the_invalid_value() {
        let long = "a".repeat(129);
        for (client_id, username, proof, what) in [
            ("", "alice", Proof::None, "client-id"),
            ("a b", "alice", Proof::None, "client-id"),
            (long.as_str(), "alice", Proof::None, "client-id"),
            ("c", "", Proof::None, "username"),
            ("c", "a\nb", Proof::None, "username"),
            ("c", "alice", Proof::ClientSecret("short".into()), "client-secret"),
            ("c", "alice", Proof::SecretHash("not a hash".into()), "secret-hash"),
        ] {
            assert_eq!(respondent(client_id, username, proof).unwrap_err(), Refused::Shape(what));
        }
        assert!(respondent("1h57kf5cpq17m0eml12EXAMPLE", "älice@example.com", Proof::None).is_ok());
    }

    #[test]
    fn the_user_name_of_cognito_has_priority() {
        let respondent = respondent("c", "alice@example.com", Proof::None).unwrap();
        let parameters = BTreeMap::from([("USER_ID_FOR_SRP".to_owned(), "sub".to_owned())]);
        assert_eq!(respondent.named_by(&parameters).username.expose(), "sub");
        assert_eq!(respondent.named_by(&BTreeMap::new()).username.expose(), "alice@example.com");
    }
}
