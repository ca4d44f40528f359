//! VerifySoftwareToken, from D-Bus through a card behind a real pcscd to a fake Cognito.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod arguments;
mod counted;
mod faults;
mod policy;
mod profiles;
mod regions;
mod rules;
mod spent;
mod success;
mod waiting;

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::BASE32_NOPAD;
use testkit::client::{Options, Refusal, Verified};
use testkit::fake_cognito::Ready;
use testkit::scenario::{Scenario, World};

const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";

/// Too short to wait for the next step, and long enough for one submission, in seconds.
const ONE_SUBMISSION_TIMEOUT: u32 = 9;

/// The number of credentials that a test can use; each has its own seed, and so its own time steps.
const CREDENTIALS: usize = 24;

/// One attempt, so that each fault is visible, and no waiting for the start of a step.
const ONE_ATTEMPT: &str = "[cognito]
max_attempts = 1
min_seconds_left = 0
";

/// The daemon, a card full of credentials, and a fake Cognito with all of their seeds.
struct Bench {
    world: World,
    used: AtomicUsize,
}

/// An unused credential, and a user with its seed.
struct Fresh {
    path: String,
    user: Ready,
    key: [u8; 32],
}

impl Bench {
    async fn new(config: &str) -> Self {
        Self::with_more("", config).await
    }

    /// The same, with a limit that a test can reach.
    async fn limited(config: &str, submissions_per_minute: usize) -> Self {
        Self::of("", config, submissions_per_minute).await
    }

    /// The same, with `credentials` on the card as well.
    async fn with_more(credentials: &str, config: &str) -> Self {
        Self::of(credentials, config, 1000).await
    }

    async fn of(credentials: &str, config: &str, submissions_per_minute: usize) -> Self {
        let mut token = "[[token]]\nserial = 31415926\nfirmware = '5.7.1'\n".to_owned();
        for number in 0..CREDENTIALS {
            let seed = BASE32_NOPAD.encode(&key(number));
            writeln!(token, "[[token.credential]]\naccount = 'user-{number}'\nseed = '{seed}'").unwrap();
        }
        let config = format!(
            "{config}\n[limits]\nsubmissions_per_minute = {submissions_per_minute}\n[profiles.fake]\nregion = 'eu-central-1'\nendpoint_url = 'COGNITO_URL'\n"
        );
        let scenario = Scenario::inside().cards(&format!("{token}{credentials}")).config(&config);
        Self { world: scenario.start().await.unwrap(), used: AtomicUsize::new(0) }
    }

    async fn fresh(&self) -> Fresh {
        let number = self.used.fetch_add(1, Ordering::Relaxed);
        assert!(number < CREDENTIALS, "raise CREDENTIALS");
        let account = format!("user-{number}");
        let path = self.world.client.credential(&account).await.unwrap();
        let key = key(number);
        Fresh { path, user: self.world.cognito.ready_user(&account, &key).unwrap(), key }
    }

    /// Options with the user's access token and a timeout for one attempt.
    async fn verify(&self, fresh: &Fresh) -> Result<Verified, Refusal> {
        self.verify_at("fake", fresh).await
    }

    async fn verify_at(&self, profile: &str, fresh: &Fresh) -> Result<Verified, Refusal> {
        let token = fresh.user.access_token.as_str();
        let options = [
            ("access-token", token.into()),
            ("profile", profile.into()),
            ("timeout", ONE_SUBMISSION_TIMEOUT.into()),
        ];
        self.world.client.verify(&fresh.path, options.into()).await
    }

    /// The name of the error of a call that must fail.
    async fn refusal(&self, credential: &str, options: Options<'_>) -> String {
        let refusal = self.world.client.verify(credential, options).await.unwrap_err();
        assert!(refusal.sentence.ends_with('.'), "{refusal:?}");
        refusal.name
    }

    /// The number of requests that arrived.
    fn arrived(&self) -> usize {
        self.world.cognito.log().len()
    }

    /// Checks that no code of a time step arrived twice.
    fn assert_single_use(&self) {
        let submissions = self.world.cognito.submissions();
        assert!(submissions.values().all(|count| *count == 1), "{submissions:?}");
    }
}

/// A seed of 32 bytes, like those of AWS.
fn key(number: usize) -> [u8; 32] {
    format!("oathbridge-e2e-seed-number-{number:05}").into_bytes().try_into().unwrap()
}
