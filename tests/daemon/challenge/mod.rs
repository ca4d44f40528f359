//! The daily sign-in: the daemon answers the challenge for a second factor.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod arguments;
mod choice;
mod client_secret;
mod faults;
mod once;
mod order;
mod success;
mod unnamed;

use std::collections::HashMap;
use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use testkit::client::{Extra, Options, Refusal};
use testkit::scenario::{Scenario, World};
use zbus::{ObjectPath, OwnedVariant};

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");
const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";
const CLIENT: &str = "1h57kf5cpq17m0eml12EXAMPLE";

const SEED: &[u8] = b"12345678901234567890";
const OTHER: &[u8] = b"abcdefghij0123456789";

/// Two tokens with a credential of the same name.
const TOKENS: &str = "[[token]]
serial = 31415926
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
[[token]]
serial = 27182818
credential = [{ issuer = 'AWS', account = 'alice', seed = 'MFRGGZDFMZTWQ2LKGAYTEMZUGU3DOOBZ' }]
";

/// A configuration with these lines in the profile.
fn config(lines: &str) -> String {
    limited(lines, 1000)
}

/// The same with another limit of submissions.
fn limited(lines: &str, submissions_per_minute: u32) -> String {
    format!(
        "[limits]\nsubmissions_per_minute = {submissions_per_minute}\n[profiles.work]\nregion = 'eu-central-1'\n\
         endpoint_url = 'COGNITO_URL'\n{lines}"
    )
}

/// The lines of alice's profile.
fn alice() -> String {
    format!("issuer = 'AWS'\naccount = 'alice'\nclient_id = '{CLIENT}'\n")
}

struct Bench {
    world: World,
    first: String,
}

impl Bench {
    /// The user `alice` has the seed of the first token.
    async fn new() -> Self {
        Self::with(TOKENS, &alice()).await
    }

    /// Other tokens, and other lines of the profile.
    async fn with(tokens: &str, lines: &str) -> Self {
        Self::of(Scenario::inside().cards(tokens).config(&config(lines)).start().await.unwrap()).await
    }

    async fn of(world: World) -> Self {
        world.cognito.ready_user("alice", SEED).unwrap();
        let (found, _) = world.client.find(&[("token", "31415926")]).await.unwrap();
        let first = found.first().cloned().unwrap_or_default();
        Self { world, first }
    }

    /// Makes a call that waits for the next time step, and lets the clock go on to it.
    async fn in_the_next_step<T>(&self, call: impl Future<Output = T>) -> T {
        let (outcome, passed) = tokio::join!(call, self.world.pass(Duration::from_secs(30)));
        passed.unwrap();
        outcome
    }

    fn session(&self) -> String {
        self.world.cognito.challenge("alice", None, false).unwrap()
    }

    /// The options for a sign-in of alice.
    fn options(&self, session: &str) -> Options<'static> {
        Options::from([
            ("challenge-name", "SOFTWARE_TOKEN_MFA".into()),
            ("session", session.to_owned().into()),
            ("username", "alice".into()),
            ("profile", "work".into()),
        ])
    }

    async fn respond(&self, credential: &str, options: Options<'_>) -> Result<Extra, Refusal> {
        let credential = ObjectPath::try_from(credential).unwrap();
        self.world.client.call(ROOT, "Cognito", "RespondToMfaChallenge", &(credential, options)).await
    }

    fn assert_single_use(&self) {
        let submissions = self.world.cognito.submissions();
        assert!(submissions.values().all(|count| *count == 1), "{submissions:?}");
    }
}

fn text(map: &Extra, key: &str) -> Option<String> {
    String::try_from(map.get(key)?.try_clone().unwrap()).ok()
}

fn tokens(map: &Extra) -> HashMap<String, OwnedVariant> {
    map["authentication-result"].try_clone().unwrap().try_into().unwrap()
}
