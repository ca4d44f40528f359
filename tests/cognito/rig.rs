//! A fake Cognito, a client, a user with an access token and a session, on one clock.

use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::{Clock, ManualClock};
use oathbridge::cognito::{
    AccessToken, Answer, Authorization, Client, Delivered, Endpoint, EndpointUrl, Error, ErrorKind, Session,
    Settings, Verified,
};
use oathbridge::otp::{Algorithm, Code, Digits, Step, truncate};
use oathbridge::secret::SecretText;
use testkit::fake_cognito::{FakeCognito, Options, Ready};

/// The user's seed: 32 bytes, as with AWS.
pub(crate) const KEY: &[u8; 32] = b"oathbridge-test-seed-of-32-bytes";
/// The time step at the start of a rig, at its first second.
pub(crate) const STEP: u64 = 60_000_000;

pub(crate) struct Rig {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) fake: FakeCognito,
    pub(crate) ready: Ready,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(STEP * 30)));
        let fake = FakeCognito::start(Options { clock: clock.clone(), ..Options::default() }).unwrap();
        let ready = fake.ready_user("alice", KEY).unwrap();
        Self { clock, fake, ready }
    }

    pub(crate) fn client(&self) -> Client {
        self.client_at(&self.fake.url(), &patient())
    }

    pub(crate) fn client_at(&self, url: &str, settings: &Settings) -> Client {
        Client::new(settings, &endpoint(url), self.clock.clone()).unwrap()
    }

    pub(crate) fn token(&self) -> Authorization {
        let text = SecretText::from(self.ready.access_token.as_str());
        Authorization::AccessToken(AccessToken::parse(text, self.clock.unix_time()).unwrap())
    }

    pub(crate) fn session(&self) -> Authorization {
        session(&self.ready.session)
    }

    /// Submits the current code.
    pub(crate) async fn verify(&self, authorization: &Authorization) -> Answer<Verified> {
        self.client().verify_software_token(authorization, &code(STEP), "YubiKey 5C").await
    }

    /// The error of submitting the current code with `client`, after checking that it contains no secret.
    pub(crate) async fn failure(&self, client: &Client, authorization: &Authorization) -> Error {
        let answer = client.verify_software_token(authorization, &code(STEP), "YubiKey 5C").await;
        let error = answer.result.unwrap_err();
        self.assert_discreet(&error);
        error
    }

    /// Checks that an error contains neither the request's secrets nor text from the server.
    pub(crate) fn assert_discreet(&self, error: &Error) {
        let text = format!("{error} {error:?} {error:#?}");
        for canary in [&self.ready.access_token, &self.ready.session, code(STEP).expose(), "canary"] {
            assert!(!text.contains(canary), "{text}");
        }
    }

    /// The number of requests that reached the fake.
    pub(crate) fn arrived(&self) -> usize {
        self.fake.log().len()
    }
}

/// A generous timeout that only a failure reaches.
pub(crate) fn patient() -> Settings {
    let (connect_timeout, request_timeout) = (Duration::from_secs(50), Duration::from_secs(60));
    Settings { connect_timeout, request_timeout, ..Settings::default() }
}

pub(crate) fn endpoint(url: &str) -> Endpoint {
    Endpoint { region: None, url: Some(EndpointUrl::parse(url).unwrap()) }
}

pub(crate) fn session(text: &str) -> Authorization {
    Authorization::Session(Session::parse(SecretText::from(text)).unwrap())
}

/// The code of the user's seed at `step`.
pub(crate) fn code(step: u64) -> Code {
    let digest = Algorithm::Sha1.hmac(KEY, &Step(step).challenge());
    Code::decimal(truncate(&digest).unwrap(), Digits::SIX)
}

/// Kind and delivery of an error, which the callers of the client use.
pub(crate) fn verdict(error: &Error) -> (ErrorKind, Delivered) {
    (error.kind, error.delivered)
}
