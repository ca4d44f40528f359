//! Virtual token, registry, flows and fake Cognito in one process, on one manual clock.

use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::{Clock, ManualClock};
use oathbridge::cognito::{AccessToken, Authorization, Endpoint, EndpointUrl, Region, Session, Settings};
use oathbridge::flows::{CodeRequest, Flows, Policy, Query, VerifyRequest};
use oathbridge::registry::Registry;
use oathbridge::secret::SecretText;
use oathbridge::token::Identities;
use oathbridge::virt::{self, Card, VirtualTransport};
use testkit::fake_cognito::{FakeCognito, Options, Ready};

/// RFC 6238's seed for SHA-1.
pub(crate) const SEED: &[u8] = b"12345678901234567890";

/// The start of a time step, well after the epoch.
pub(crate) const STEP_START: u64 = 1_800_000_000;
pub(crate) const STEP: u64 = STEP_START / 30;

const TOKEN: &str = r#"
[[token]]
serial = 12345678
[[token.credential]]
issuer = "AWS"
account = "alice"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "AWS"
account = "touched"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
touch = true
[[token.credential]]
issuer = "AWS"
account = "counting"
type = "hotp"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "AWS"
account = "eight"
digits = 8
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) struct Rig {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) flows: Flows,
    pub(crate) card: Card,
    pub(crate) cognito: FakeCognito,
    pub(crate) user: Ready,
    pub(crate) state: tempfile::TempDir,
}

impl Rig {
    /// Everything plugged in and read, `offset` into a time step.
    pub(crate) async fn start(offset: Duration) -> Self {
        let clock = Arc::new(ManualClock::at(seconds(STEP_START) + offset));
        let state = tempfile::tempdir().unwrap();
        let transport = Arc::new(VirtualTransport::new(&virt::parse(TOKEN).unwrap()));
        let card = transport.card(12_345_678).unwrap();
        let identities = Identities::new(state.path().to_owned());
        let (registry, watch) = Registry::new(vec![transport], clock.clone(), identities);
        watch.start().unwrap();
        let flows = Flows::new(registry, state.path().to_owned(), clock.clone()).unwrap();
        let options = Options { clock: clock.clone(), ..Options::default() };
        let cognito = FakeCognito::start(options).unwrap();
        let user = cognito.ready_user("alice", SEED).unwrap();
        let mut snapshots = flows.registry().subscribe();
        snapshots.wait_for(|snapshot| snapshot.settled).await.unwrap();
        // The first reading is over for sure when a second one is: moving the clock can't hit it.
        flows.registry().refresh().await;
        Self { clock, flows, card, cognito, user, state }
    }

    pub(crate) fn credential(&self, account: &str) -> String {
        let query = Query { account: Some(account.to_owned()), ..Query::default() };
        let (found, _) = query.run(&self.flows.registry().now());
        assert_eq!(found.len(), 1);
        found[0].id.clone()
    }

    pub(crate) fn code_request(&self, account: &str, timeout: u64) -> CodeRequest {
        CodeRequest {
            credential: self.credential(account),
            next: false,
            min_validity: Duration::ZERO,
            claim: false,
            advance_counter: false,
            interactive: true,
            deadline: self.flows.deadline(seconds(timeout)),
        }
    }

    pub(crate) fn verify_request(&self, account: &str, timeout: Duration) -> VerifyRequest {
        let token = SecretText::from(self.user.access_token.as_str());
        let token = AccessToken::parse(token, self.clock.unix_time()).unwrap();
        VerifyRequest {
            credential: Ok(self.credential(account)),
            authorization: Authorization::AccessToken(token),
            endpoint: Endpoint {
                region: Some(Region::parse("eu-central-1").unwrap()),
                url: Some(EndpointUrl::parse(&self.cognito.url()).unwrap()),
            },
            pool: "eu-central-1_FaKe00001".to_owned(),
            device_name: None,
            interactive: true,
            policy: Policy {
                settings: Settings::default(),
                max_attempts: 2,
                min_seconds_left: seconds(3),
                early_next_step: false,
            },
            deadline: self.flows.deadline(timeout),
        }
    }

    pub(crate) fn session(&self) -> Authorization {
        Authorization::Session(Session::parse(self.user.session.as_str().into()).unwrap())
    }

    /// The time steps of the codes that reached Cognito, in the order they came.
    pub(crate) fn submitted(&self) -> Vec<u64> {
        self.cognito.log().iter().filter_map(|entry| entry.step).collect()
    }

    /// Lets time pass when, and only when, somebody sleeps for exactly that long.
    pub(crate) async fn pass(&self, duration: Duration) {
        self.clock.somebody_sleeps(duration).await;
        self.clock.advance(duration);
    }
}
