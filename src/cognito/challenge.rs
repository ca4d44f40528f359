//! RespondToAuthChallenge: the second factor of a sign-in.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use aws_sdk_cognitoidentityprovider as sdk;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sdk::operation::respond_to_auth_challenge::RespondToAuthChallengeOutput;
use sdk::types::{AuthenticationResultType, ChallengeNameType};
use sha2::Sha256;

use super::classify::{classify, unknown};
use super::client::{Answer, Client, is_six_digits};
use super::exchange::Exchange;
use super::{Error, ErrorKind, Refused, Session};
use crate::otp::Code;
use crate::secret::SecretText;

/// Names under which Cognito's parameters hold the user's name, best first.
const USER_NAMES: [&str; 2] = ["USER_ID_FOR_SRP", "USERNAME"];

/// What Cognito's parameters say that the token is called; nothing if they don't.
pub fn device_name(parameters: &BTreeMap<String, String>) -> Option<String> {
    parameters.get("FRIENDLY_DEVICE_NAME").filter(|name| !name.is_empty()).cloned()
}

/// Who answers a challenge: an app client, for a user.
#[derive(Clone, Debug)]
pub struct Respondent {
    client_id: SecretText,
    username: SecretText,
    proof: Proof,
    device_key: Option<String>,
    metadata: HashMap<String, String>,
}

/// How an app client proves that it is one.
#[derive(Clone, Debug)]
pub enum Proof {
    /// It has no secret.
    None,
    /// By its secret, from which the hash is made.
    ClientSecret(SecretText),
    /// By the hash itself, which its caller made for the user's name.
    SecretHash(SecretText),
}

impl Respondent {
    /// Checks the shapes that the API's model demands.
    ///
    /// # Errors
    ///
    /// [`Refused::Shape`] with the name of what is wrong.
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
            Proof::ClientSecret(secret) => {
                let secret = secret.expose();
                check((24..=64).contains(&secret.len()) && secret.bytes().all(is_word), "client-secret")?;
            }
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

    /// The same, by the name that Cognito's parameters have for the user; it wants to be told that one.
    pub fn named_by(&self, parameters: &BTreeMap<String, String>) -> Self {
        let mut respondent = self.clone();
        // A hash that was made by somebody else is good for one name only.
        if matches!(self.proof, Proof::SecretHash(_)) {
            return respondent;
        }
        if let Some(name) = USER_NAMES.iter().find_map(|key| parameters.get(*key)) {
            respondent.username = SecretText::new(name.clone());
        }
        respondent
    }

    /// `base64(HMAC-SHA256(client secret, username + client id))`, as the developer guide says.
    fn secret_hash(&self) -> Option<String> {
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

/// What Cognito says to an answer.
#[derive(Debug)]
pub enum Responded {
    /// The user is signed in.
    Tokens(Box<Tokens>),
    /// It wants something else as well.
    Next(NextChallenge),
}

/// The tokens of a signed-in user.
#[derive(Clone)]
pub struct Tokens {
    /// For the API of Cognito and of the app.
    pub access_token: SecretText,
    /// Who the user is.
    pub id_token: Option<SecretText>,
    /// For new tokens.
    pub refresh_token: Option<SecretText>,
    /// `Bearer`.
    pub token_type: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: u32,
    /// Key and group of a device that was not known before.
    pub new_device: Option<(String, String)>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Another challenge.
#[derive(Clone)]
pub struct NextChallenge {
    /// Its name, such as `NEW_PASSWORD_REQUIRED`.
    pub name: String,
    /// The session to answer it with.
    pub session: Option<SecretText>,
    /// What else Cognito tells.
    pub parameters: BTreeMap<String, String>,
}

impl fmt::Debug for NextChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The parameters tell who signs in.
        f.debug_struct("NextChallenge").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Client {
    /// Answers SOFTWARE_TOKEN_MFA with a code. At most one request leaves; whoever drops the future before it ends
    /// has to take the code for sent.
    ///
    /// # Errors
    ///
    /// In the answer: any [`ErrorKind`].
    pub async fn answer_with_code(
        &self,
        respondent: &Respondent,
        session: &Session,
        code: &Code,
    ) -> Answer<Responded> {
        if !is_six_digits(code.expose()) {
            let result = Err(Error::unsent(ErrorKind::InvalidParameter));
            return Answer { result, request_id: None, clock_skew: None };
        }
        let response = ("SOFTWARE_TOKEN_MFA_CODE", code.expose());
        self.respond(respondent, session, ChallengeNameType::SoftwareTokenMfa, response).await
    }

    /// Answers SELECT_MFA_TYPE: the code of a software token shall be asked for.
    ///
    /// # Errors
    ///
    /// In the answer: any [`ErrorKind`].
    pub async fn select_software_token(
        &self,
        respondent: &Respondent,
        session: &Session,
    ) -> Answer<Responded> {
        let response = ("ANSWER", "SOFTWARE_TOKEN_MFA");
        self.respond(respondent, session, ChallengeNameType::SelectMfaType, response).await
    }

    async fn respond(
        &self,
        respondent: &Respondent,
        session: &Session,
        challenge: ChallengeNameType,
        (key, value): (&str, &str),
    ) -> Answer<Responded> {
        let exchange = Arc::new(Exchange::default());
        let result = async {
            let mut request = self
                .connect(&exchange)?
                .respond_to_auth_challenge()
                .client_id(respondent.client_id.expose())
                .challenge_name(challenge)
                .session(session.expose())
                .challenge_responses("USERNAME", respondent.username.expose())
                .challenge_responses(key, value);
            if let Some(hash) = respondent.secret_hash() {
                request = request.challenge_responses("SECRET_HASH", hash);
            }
            if let Some(key) = &respondent.device_key {
                request = request.challenge_responses("DEVICE_KEY", key);
            }
            for (key, value) in &respondent.metadata {
                request = request.client_metadata(key, value);
            }
            match request.send().await {
                Ok(output) => responded(output),
                Err(error) => Err(classify(&error, &exchange)),
            }
        };
        let result = result.await;
        Answer::of(result, &exchange)
    }
}

fn responded(output: RespondToAuthChallengeOutput) -> Result<Responded, Error> {
    if let Some(result) = output.authentication_result {
        return tokens(result).map(|tokens| Responded::Tokens(Box::new(tokens)));
    }
    let name = output.challenge_name.ok_or_else(|| unknown(ErrorKind::OutcomeUnknown))?;
    Ok(Responded::Next(NextChallenge {
        name: name.as_str().to_owned(),
        session: output.session.map(SecretText::new),
        parameters: output.challenge_parameters.unwrap_or_default().into_iter().collect(),
    }))
}

fn tokens(result: AuthenticationResultType) -> Result<Tokens, Error> {
    let new_device = result.new_device_metadata;
    Ok(Tokens {
        access_token: SecretText::new(result.access_token.ok_or_else(|| unknown(ErrorKind::OutcomeUnknown))?),
        id_token: result.id_token.map(SecretText::new),
        refresh_token: result.refresh_token.map(SecretText::new),
        token_type: result.token_type.unwrap_or_else(|| "Bearer".to_owned()),
        expires_in: u32::try_from(result.expires_in).unwrap_or_default(),
        new_device: new_device.and_then(|device| Some((device.device_key?, device.device_group_key?))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respondent(client_id: &str, username: &str, proof: Proof) -> Result<Respondent, Refused> {
        Respondent::new(client_id.to_owned(), username.to_owned(), proof, None, HashMap::new())
    }

    /// Made with `printf %s aliceclient1 | openssl dgst -sha256 -hmac abcdefghijklmnopqrstuvwx -binary | base64`.
    #[test]
    fn the_secret_hash_is_that_of_openssl() {
        let proof = Proof::ClientSecret("abcdefghijklmnopqrstuvwx".into());
        let respondent = respondent("client1", "alice", proof).unwrap();
        assert_eq!(respondent.secret_hash().as_deref(), Some("AxrZGC20Q33ladIOvbiGYVMlwo6a2w5u6SvQvctsPiA="));
    }

    #[test]
    fn wrong_shapes_are_refused_by_name() {
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
    fn the_name_that_cognito_uses_wins() {
        let respondent = respondent("c", "alice@example.com", Proof::None).unwrap();
        let parameters = BTreeMap::from([("USER_ID_FOR_SRP".to_owned(), "sub".to_owned())]);
        assert_eq!(respondent.named_by(&parameters).username.expose(), "sub");
        assert_eq!(respondent.named_by(&BTreeMap::new()).username.expose(), "alice@example.com");
    }
}
