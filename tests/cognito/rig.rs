//! A fake Cognito, a client for it, a user with a token and a session, and one clock for all of them.

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

/// The user's seed: 32 bytes, as AWS's are.
pub(crate) const KEY: &[u8; 32] = b"oathbridge-test-seed-of-32-bytes";
/// The step that a rig starts in, at its first second.
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

    /// Shows the current code.
    pub(crate) async fn verify(&self, authorization: &Authorization) -> Answer<Verified> {
        self.client().verify_software_token(authorization, &code(STEP), "YubiKey 5C").await
    }

    /// The error of showing the current code by `client`, after looking for what it must not contain.
    pub(crate) async fn failure(&self, client: &Client, authorization: &Authorization) -> Error {
        let answer = client.verify_software_token(authorization, &code(STEP), "YubiKey 5C").await;
        let error = answer.result.unwrap_err();
        self.assert_discreet(&error);
        error
    }

    /// No error may contain what was sent, nor what a server wrote.
    pub(crate) fn assert_discreet(&self, error: &Error) {
        let text = format!("{error} {error:?} {error:#?}");
        for canary in [&self.ready.access_token, &self.ready.session, code(STEP).expose(), "canary"] {
            assert!(!text.contains(canary), "{text}");
        }
    }

    /// How many requests reached the fake.
    pub(crate) fn arrived(&self) -> usize {
        self.fake.log().len()
    }
}

/// Time enough for a loaded machine; nothing that succeeds waits for it.
pub(crate) fn patient() -> Settings {
    let (connect_timeout, request_timeout) = (Duration::from_secs(20), Duration::from_secs(30));
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

/// Kind and delivery, which is what the callers of the client decide by.
pub(crate) fn verdict(error: &Error) -> (ErrorKind, Delivered) {
    (error.kind, error.delivered)
}
