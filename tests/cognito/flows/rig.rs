//! Virtual token, registry, flows and fake Cognito in one process, on one manual clock.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::{Clock, ManualClock};
use oathbridge::cognito::{
    AccessToken, Authorization, Endpoint, EndpointUrl, ErrorKind, Proof, Region, Responded, Respondent,
    Session, Settings,
};
use oathbridge::flows::{
    Account, ChallengeRequest, ChallengeStep, CodeReply, CodeRequest, Error, Flows, Permits, Policy, Query,
    Submission, Target, VerifyReply, VerifyRequest,
};
use oathbridge::oath::ObjectId;
use oathbridge::operations::{Deadline, Kind, Operation, Operations, Request, Requester, SubmissionDetails};
use oathbridge::registry::Registry;
use oathbridge::secret::SecretText;
use oathbridge::token::Identities;
use oathbridge::virt::{self, VirtualToken, VirtualTransport};
use testkit::fake_cognito::{FakeCognito, Options, Ready};

/// RFC 6238's seed for SHA-1.
pub(crate) const SEED: &[u8] = b"12345678901234567890";

/// The start of a time step, well after the epoch.
pub(crate) const STEP_START: u64 = 1_800_000_000;
pub(crate) const STEP: u64 = STEP_START / 30;

const TOKENS: &str = include_str!("tokens.toml");

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) struct Rig {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) flows: Flows,
    pub(crate) hands: Hands,
    pub(crate) card: VirtualToken,
    pub(crate) cognito: FakeCognito,
    pub(crate) user: Ready,
    pub(crate) state: tempfile::TempDir,
}

impl Rig {
    /// A rig with everything plugged in and read, `offset` after the start of a time step.
    pub(crate) async fn start(offset: Duration) -> Self {
        Self::with(TOKENS, offset).await
    }

    /// The same with other tokens, of which one has the serial number 12345678.
    pub(crate) async fn with(tokens: &str, offset: Duration) -> Self {
        let clock = Arc::new(ManualClock::at(seconds(STEP_START) + offset));
        let state = tempfile::tempdir().unwrap();
        let transport = Arc::new(VirtualTransport::new(&virt::parse(tokens).unwrap()));
        let card = transport.token(12_345_678).unwrap();
        let folder = state.path().join("state");
        let identities = Identities::new(folder.clone());
        let (registry, watch) = Registry::new(vec![transport], clock.clone(), identities);
        for task in watch.start().unwrap() {
            tokio::spawn(task.into_work());
        }
        let flows = Flows::new(registry, folder, clock.clone()).unwrap();
        let options = Options { clock: clock.clone(), ..Options::default() };
        let cognito = FakeCognito::start(options).unwrap();
        let user = cognito.ready_user("alice", SEED).unwrap();
        let mut snapshots = flows.registry().subscribe();
        snapshots.wait_for(|snapshot| snapshot.settled).await.unwrap();
        // When the second reading has ended, the first one has as well, so moving the clock cannot affect it.
        flows.registry().refresh().await;
        let (operations, _) = Operations::new(clock.clone());
        let hands = Hands { flows: flows.clone(), operations };
        Self { clock, flows, hands, card, cognito, user, state }
    }

    pub(crate) async fn code(&self, asked: &Asked<CodeRequest>) -> Result<CodeReply, Error> {
        self.hands.code(asked).await
    }

    pub(crate) async fn verify(&self, asked: &Asked<VerifyRequest>) -> Verification {
        self.hands.verify(asked).await
    }

    pub(crate) async fn respond(&self, asked: &Asked<ChallengeRequest>) -> Response {
        self.hands.respond(asked).await
    }

    pub(crate) fn credential(&self, account: &str) -> ObjectId {
        let query = Query { account: Some(account.to_owned()), ..Query::default() };
        let (found, _) = query.run(&self.flows.registry().now());
        assert_eq!(found.len(), 1);
        found[0].id.clone()
    }

    pub(crate) fn code_request(&self, account: &str, timeout: u64) -> Asked<CodeRequest> {
        let request = CodeRequest {
            credential: self.credential(account),
            permits: Permits::all(),
            next: false,
            min_validity: Duration::ZERO,
            claim: false,
            advance_counter: false,
            set_time: false,
        };
        self.asked(request, seconds(timeout))
    }

    pub(crate) fn verify_request(&self, account: &str, timeout: Duration) -> Asked<VerifyRequest> {
        let token = SecretText::from(self.user.access_token.as_str());
        let token = AccessToken::parse(token, self.clock.unix_time()).unwrap();
        let authorization = Authorization::AccessToken(token);
        let submission = self.submission(account);
        self.asked(VerifyRequest { submission, authorization, device_name: None }, timeout)
    }

    /// An answer of alice to SOFTWARE_TOKEN_MFA, with its own session.
    pub(crate) fn challenge_request(&self, account: &str, timeout: Duration) -> Asked<ChallengeRequest> {
        let (client, user) = ("client".to_owned(), "alice".to_owned());
        let respondent = Respondent::new(client, user, Proof::None, None, HashMap::new());
        let request = ChallengeRequest {
            submission: self.submission(account),
            step: ChallengeStep::SoftwareTokenMfa,
            session: self.challenge_session(false),
            respondent: respondent.unwrap(),
        };
        self.asked(request, timeout)
    }

    /// Like [`Rig::challenge_request`], for SELECT_MFA_TYPE.
    pub(crate) fn choice_request(&self, account: &str, timeout: Duration) -> Asked<ChallengeRequest> {
        let mut asked = self.challenge_request(account, timeout);
        (asked.step, asked.session) = (ChallengeStep::SelectMfaType, self.challenge_session(true));
        asked
    }

    fn challenge_session(&self, choice: bool) -> Session {
        let session = self.cognito.challenge("alice", None, choice).unwrap();
        Session::parse(session.as_str().into()).unwrap()
    }

    fn submission(&self, account: &str) -> Submission {
        Submission {
            credential: Target::Id(self.credential(account)),
            permits: Permits::all(),
            account: account_of("pool", "alice"),
            endpoint: Endpoint {
                region: Some(Region::parse("eu-central-1").unwrap()),
                url: Some(EndpointUrl::parse(&self.cognito.url()).unwrap()),
            },
            policy: Policy {
                settings: Settings::default(),
                max_attempts: 2,
                min_seconds_left: seconds(3),
                early_next_step: false,
            },
        }
    }

    fn asked<R>(&self, request: R, timeout: Duration) -> Asked<R> {
        Asked {
            request,
            caller: ":1.1".to_owned(),
            interactive: true,
            wait_for_token: false,
            deadline: self.flows.deadline(timeout),
        }
    }

    pub(crate) fn session(&self) -> Authorization {
        Authorization::Session(Session::parse(self.user.session.as_str().into()).unwrap())
    }

    /// The time steps of the codes that reached Cognito, in order.
    pub(crate) fn submitted(&self) -> Vec<u64> {
        self.cognito.log().iter().filter_map(|entry| entry.step).collect()
    }

    pub(crate) async fn until_it_wants_a_touch(&self) {
        let card = self.card.clone();
        let asked = tokio::task::spawn_blocking(move || card.wait_until_it_wants_a_touch(seconds(60)));
        assert!(asked.await.unwrap());
    }

    /// Advances the clock when there is a sleeper for exactly this duration.
    pub(crate) async fn pass(&self, duration: Duration) {
        limited(Box::pin(self.clock.wait_for_sleeper(duration))).await;
        self.clock.advance(duration);
    }
}

/// The user of a pool.
pub(crate) fn account_of(pool: &str, user: &str) -> Account {
    let mut account = Account::of([pool], "program");
    account.add_user(user);
    account
}

/// A request and its operation.
pub(crate) struct Asked<R> {
    request: R,
    pub(crate) caller: String,
    pub(crate) interactive: bool,
    pub(crate) wait_for_token: bool,
    pub(crate) deadline: Deadline,
}

impl<R> Deref for Asked<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.request
    }
}

impl<R> DerefMut for Asked<R> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.request
    }
}

/// A timeout for futures that sleep for a time that the test does not let pass.
pub(crate) async fn limited<T>(flow: Pin<Box<dyn Future<Output = T> + '_>>) -> T {
    tokio::time::timeout(seconds(30), flow).await.expect("it waits for a time that doesn't come")
}

/// The outcome of a verification.
#[derive(Debug)]
pub(crate) struct Verification {
    pub(crate) result: Result<VerifyReply, Error>,
    pub(crate) details: SubmissionDetails,
}

/// The outcome of the answer to a challenge.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) result: Result<Responded, Error>,
    pub(crate) details: SubmissionDetails,
}

impl Response {
    /// The class of Cognito's refusal.
    pub(crate) fn kind(&self) -> ErrorKind {
        match &self.result {
            Err(Error::Cognito(error)) => error.kind,
            other => panic!("not Cognito's: {other:?}"),
        }
    }
}

/// The flows.
#[derive(Clone)]
pub(crate) struct Hands {
    flows: Flows,
    pub(crate) operations: Operations,
}

impl Hands {
    pub(crate) fn begin<R>(&self, kind: Kind, asked: &Asked<R>) -> Operation {
        let request = Request {
            kind,
            caller: asked.caller.clone(),
            requester: Requester { kind: "unknown".to_owned(), name: String::new() },
            handle: None,
            credential: None,
            token: None,
            interactive: asked.interactive,
            own_prompt: false,
            wait_for_token: asked.wait_for_token,
            deadline: asked.deadline,
        };
        self.operations.begin(request)
    }

    pub(crate) async fn code(&self, asked: &Asked<CodeRequest>) -> Result<CodeReply, Error> {
        self.flows.code(asked, &self.begin(Kind::Calculate, asked)).await
    }

    pub(crate) async fn verify(&self, asked: &Asked<VerifyRequest>) -> Verification {
        let operation = self.begin(Kind::VerifySoftwareToken, asked);
        let result = limited(Box::pin(self.flows.verify(asked, &operation))).await;
        Verification { result, details: operation.details() }
    }

    pub(crate) async fn respond(&self, asked: &Asked<ChallengeRequest>) -> Response {
        let operation = self.begin(Kind::RespondToMfaChallenge, asked);
        let result = limited(Box::pin(self.flows.respond(asked, &operation))).await;
        Response { result, details: operation.details() }
    }
}
