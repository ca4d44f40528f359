//! The APDUs of each request: one transaction, which selects the application, unlocks it and does the work.

use std::sync::Arc;

use oathbridge::clock::SystemClock;
use oathbridge::oath::{CodeRequest, When};
use oathbridge::registry::{Attached, Registry, State};
use oathbridge::secret::SecretText;
use oathbridge::token::{Identities, Secret, Token, Unlock};
use oathbridge::virt::{self, VirtualToken, VirtualTransport};
use tokio::sync::watch;

const SELECT: u8 = 0xa4;
const VALIDATE: u8 = 0xa3;
const LIST: u8 = 0xa1;
const CALCULATE: u8 = 0xa2;
/// The same byte as SELECT, but with another P1.
const CALCULATE_ALL: u8 = 0xa4;

const TOKEN: &str = r#"
[[token]]
serial = 12345678
[[token.credential]]
issuer = "AWS"
account = "alice"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

struct Bench {
    card: VirtualToken,
    registry: Registry,
    seen: usize,
    _state: tempfile::TempDir,
}

impl Bench {
    async fn plug(file: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let transport = Arc::new(VirtualTransport::new(&virt::parse(file).unwrap()));
        let card = transport.token(12_345_678).unwrap();
        let identities = Identities::new(state.path().to_owned());
        let clock = Arc::new(SystemClock::new());
        let (registry, watch) = Registry::new(vec![transport], clock, identities);
        for task in watch.start().unwrap() {
            tokio::spawn(task.into_work());
        }
        registry.subscribe().wait_for(|snapshot| snapshot.settled).await.unwrap();
        Self { card, registry, seen: 0, _state: state }
    }

    /// The instructions since the last call.
    fn sent(&mut self) -> Vec<u8> {
        let log = self.card.log();
        let new = log[self.seen..].iter().map(|[_, instruction, ..]| *instruction).collect();
        self.seen = log.len();
        new
    }

    fn attached(&self) -> Arc<Attached> {
        Arc::clone(self.registry.now().tokens.values().next().unwrap())
    }

    async fn calculate(&self, with_next: bool) {
        let attached = self.attached();
        let credential = attached.credentials.values().next().unwrap().clone();
        let request = CodeRequest { credential, when: When::Now, with_next, set_time: false };
        attached.token.calculate(request, watch::Sender::default()).await.unwrap();
    }
}

#[tokio::test]
async fn an_open_token_is_selected_once_for_each_request() {
    let mut bench = Bench::plug(TOKEN).await;
    assert_eq!(bench.sent(), [SELECT, CALCULATE_ALL, LIST], "plugged in");
    bench.calculate(false).await;
    assert_eq!(bench.sent(), [SELECT, CALCULATE]);
    bench.calculate(true).await;
    assert_eq!(bench.sent(), [SELECT, CALCULATE, CALCULATE]);
    bench.attached().token.read().await.unwrap();
    assert_eq!(bench.sent(), [SELECT, CALCULATE_ALL, LIST], "read again");
}

/// Unlocks a token with the password.
async fn unlock(token: &Token) {
    let secret = SecretText::from("secret");
    let unlock = Unlock {
        secret: Secret::Text(secret),
        since: token.wipe_counts(),
        may_require_touch: false,
        allow_last_attempts: false,
    };
    token.unlock(unlock, watch::Sender::default()).await.unwrap();
}

#[tokio::test]
async fn a_locked_token_is_selected_and_unlocked_once_for_each_request() {
    let mut bench = Bench::plug(&TOKEN.replace("12345678\n", "12345678\npassword = \"secret\"\n")).await;
    assert_eq!(bench.sent(), [SELECT], "no further command is sent to a locked token");
    let token = bench.attached().token.clone();
    unlock(&token).await;
    assert_eq!(bench.sent(), [SELECT, VALIDATE, CALCULATE_ALL, LIST]);
    assert_eq!(bench.registry.caught_up().await.tokens.values().next().unwrap().state, State::Ready);
    bench.calculate(false).await;
    assert_eq!(bench.sent(), [SELECT, VALIDATE, CALCULATE]);
}
