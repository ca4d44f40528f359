//! One token that is attached through two transports at once is one token.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::SystemClock;
use oathbridge::device::{Attachment, DeviceId, Error, Identity, Opened, Presence, Transport};
use oathbridge::flows::Flows;
use oathbridge::oath::{CodeRequest, When};
use oathbridge::registry::{Registry, Snapshot, State};
use oathbridge::secret::SecretText;
use oathbridge::token::{self, Identities, Secret, Token, Unlock};
use oathbridge::virt::{self, VirtualToken, VirtualTransport};
use tokio::sync::watch;

const TOKEN: &str = r#"
[[token]]
serial = 12345678
password = "secret"
[[token.credential]]
issuer = "AWS"
account = "alice"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

/// A generous timeout that only a failure reaches.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The virtual transport under another name.
struct Named(&'static str, VirtualTransport);

impl Transport for Named {
    fn name(&self) -> &'static str {
        self.0
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        self.1.watch(report);
    }

    fn stop(&self) {
        self.1.stop();
    }

    fn open(&self, device: &DeviceId) -> Result<Opened, Error> {
        self.1.open(device)
    }

    fn identify(&self, device: &Attachment) -> Option<Identity> {
        self.1.identify(device)
    }
}

/// A key that waits for a touch before each code.
const NITROKEY: &str = r#"
[[token]]
serial = 12345678
model = "nitrokey-3"
touch = "never"
[[token.credential]]
account = "alice"
touch = true
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

struct Bench {
    registry: Registry,
    cards: [VirtualToken; 2],
    state: tempfile::TempDir,
}

impl Bench {
    /// A token behind a transport of each name.
    async fn plug(names: [&'static str; 2]) -> Self {
        Self::plug_token(TOKEN, names).await
    }

    async fn plug_token(token: &str, names: [&'static str; 2]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let transports = names.map(|name| Named(name, VirtualTransport::new(&virt::parse(token).unwrap())));
        let cards = [0, 1].map(|place: usize| transports[place].1.token(12_345_678).unwrap());
        let transports = transports.map(|transport| Arc::new(transport) as Arc<dyn Transport>);
        let identities = Identities::new(state.path().to_owned());
        let (registry, watch) = Registry::new(transports.to_vec(), Arc::new(SystemClock::new()), identities);
        for task in watch.start().unwrap() {
            tokio::spawn(task.into_work());
        }
        let bench = Self { registry, cards, state };
        bench.until(|snapshot| snapshot.settled).await;
        bench
    }

    async fn until(&self, is_wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut snapshots = self.registry.subscribe();
        let snapshot = snapshots.wait_for(|snapshot| is_wanted(snapshot)).await.unwrap();
        Arc::clone(&snapshot)
    }
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
async fn it_is_one_token_until_its_last_device_goes() {
    let bench = Bench::plug(["hid", "pcsc"]).await;
    let both = bench.registry.now();
    assert_eq!(both.tokens.len(), 1);
    let (id, token) = both.tokens.first_key_value().unwrap();
    assert_eq!(token.transports, ["hid", "pcsc"]);

    bench.cards[0].unplug();
    let one = bench.until(|snapshot| snapshot.tokens[id].transports == ["pcsc"]).await;
    assert!(one.tokens[id].continues(token), "it is the same insertion");
    assert_eq!(one.tokens[id].state, State::Locked);

    bench.cards[0].plug();
    let both = bench.until(|snapshot| snapshot.tokens[id].transports.len() == 2 && snapshot.settled).await;
    assert!(both.tokens[id].continues(&one.tokens[id]));

    bench.cards.iter().for_each(VirtualToken::unplug);
    bench.until(|snapshot| snapshot.tokens.is_empty()).await;
    bench.cards[1].plug();
    let again = bench.until(|snapshot| !snapshot.tokens.is_empty()).await;
    assert!(again.tokens.contains_key(id), "a token keeps its id");
    assert!(!again.tokens[id].continues(&both.tokens[id]), "it is another insertion");
}

#[tokio::test]
async fn the_device_that_answers_serves_the_token() {
    let bench = Bench::plug(["hid", "pcsc"]).await;
    let before = bench.registry.now();
    let (id, token) = before.tokens.first_key_value().unwrap();
    let standby = &token.standby[0];
    unlock(standby).await;
    let served = bench.until(|snapshot| snapshot.tokens[id].state == State::Ready).await;
    assert_eq!(served.tokens[id].credentials.len(), 1);
    assert_eq!(served.tokens[id].transports, ["hid", "pcsc"], "the order of the transports stays");
}

#[tokio::test]
async fn locking_it_locks_both_devices() {
    let bench = Bench::plug(["hid", "pcsc"]).await;
    let before = bench.registry.now();
    let (id, token) = before.tokens.first_key_value().unwrap();
    unlock(&token.token).await;
    unlock(&token.standby[0]).await;
    bench.until(|snapshot| snapshot.tokens[id].state == State::Ready).await;
    let directory = bench.state.path().join("state");
    let flows = Flows::new(bench.registry.clone(), directory, Arc::new(SystemClock::new())).unwrap();
    flows.lock(token).await.unwrap();
    assert_eq!(bench.registry.caught_up().await.tokens[id].state, State::Locked);
}

#[tokio::test]
async fn its_devices_take_turns() {
    let bench = Bench::plug_token(NITROKEY, ["hid", "pcsc"]).await;
    let both = bench.registry.now();
    let (_, token) = both.tokens.first_key_value().unwrap();
    let credential = token.credentials.values().next().unwrap().clone();
    let request = CodeRequest { credential, when: When::Now, with_next: false, set_time: false };
    let serving = token.token.clone();
    let stage = watch::Sender::default();
    let call = tokio::spawn(async move { serving.calculate(request, stage).await.map(|_| ()) });
    let [hid, pcsc] = bench.cards.clone();
    let waits = tokio::task::spawn_blocking(move || hid.wait_until_it_wants_a_touch(TIMEOUT));
    assert!(waits.await.unwrap());
    let commands = pcsc.commands();
    assert_eq!(token.standby[0].read().await, Err(token::Error::Busy));
    assert_eq!(pcsc.commands(), commands);
    bench.cards[0].touch();
    assert_eq!(call.await.unwrap(), Ok(()));
    assert_eq!(token.standby[0].read().await, Ok(()));
    assert!(pcsc.commands() > commands);
}
