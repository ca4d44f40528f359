//! Many operations of every kind, through a real pcscd and over the bus. Descriptors, threads, contexts and memory of the
//! daemon return to their previous values.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod taken;

use std::fmt::Write;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use oathbridge::dbus::names;
use oathbridge::virt::Fault;
use testkit::client::{Client, Event, Options, Signals};
use testkit::scenario::{Scenario, World};

use taken::Taken;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

/// One fewer than the maximum of pcscd, which ends by itself with eight.
const READERS: usize = 7;

/// Each reader has two slots.
const CARDS: usize = 2 * READERS;

/// The timeout for the whole test, which only a hang reaches.
const TEST_TIMEOUT: Duration = Duration::from_secs(900);

/// A client of this test makes as many calls as a hundred usual ones.
const CONFIG: &str = "[limits]
calls_per_client = 64
queries_per_second = 100000
codes_per_minute = 1000000
";

struct Soak {
    world: World,
    /// The process id of its smart card service.
    pcscd: u32,
    signals: Signals,
    /// The credentials, in the order of the cards.
    plain: Vec<String>,
    touched: Vec<String>,
}

impl Soak {
    async fn new() -> Self {
        let mut tokens = String::new();
        for card in 0..CARDS {
            let serial = 1_000_000 + card;
            writeln!(
                tokens,
                "[[token]]\nserial = {serial}\ntouch = 'never'\n[[token.credential]]\naccount = 'plain'\n\
                 seed = 'GEZDGNBVGY3TQOJQ'\n[[token.credential]]\naccount = 'touched'\nseed = 'GEZDGNBVGY3TQOJQ'\n\
                 touch = true"
            )
            .unwrap();
        }
        let scenario = Scenario::program(DAEMON).cards(&tokens).readers(READERS).config(CONFIG);
        let mut world = scenario.start().await.unwrap();
        let mut signals = world.client.signals().await.unwrap();
        for card in &world.cards {
            // The tokens are not touched, and a cancelled request holds its token until the touch times out.
            card.set_touch_timeout(Duration::from_millis(20));
        }
        world.insert_all().unwrap();
        all_ready(&mut signals, &world).await;
        let (mut plain, mut touched) = (Vec::new(), Vec::new());
        for card in 0..CARDS {
            let token = (1_000_000 + card).to_string();
            for (account, credentials) in [("plain", &mut plain), ("touched", &mut touched)] {
                let (found, _) = world.client.find(&[("account", account), ("token", &token)]).await.unwrap();
                credentials.extend(found);
            }
        }
        assert_eq!((plain.len(), touched.len()), (CARDS, CARDS));
        let pcscd = world.pcscd().unwrap().id().unwrap();
        Self { world, pcscd, signals, plain, touched }
    }

    fn client(&self) -> &Client {
        &self.world.client
    }

    fn taken(&self) -> Taken {
        Taken::of(self.world.daemon.as_ref().unwrap().id(), self.pcscd)
    }

    /// Removes and inserts a card this number of times.
    async fn plug(&mut self, cycles: usize) {
        for _ in 0..cycles.div_ceil(CARDS) {
            self.remove_all().await;
            self.world.insert_all().unwrap();
            all_ready(&mut self.signals, &self.world).await;
        }
    }

    async fn remove_all(&mut self) {
        for reader in 0..CARDS {
            self.world.pcscd().unwrap().remove(reader).unwrap();
        }
        for _ in 0..CARDS {
            let gone = |event: &Event| {
                matches!(event, Event::Removed { .. }) && event.place().starts_with("tokens/")
            };
            self.signals.until(gone).await.unwrap();
        }
    }

    async fn calculate(&self, count: usize) {
        let each = self.plain.iter().map(async |credential| {
            for _ in 0..count / CARDS {
                self.client().calculate(credential, Options::new()).await?;
            }
            Ok::<_, testkit::client::Refusal>(())
        });
        try_join_all(each).await.unwrap();
    }

    /// Cancels this number of requests while their tokens wait for a touch.
    async fn cancel(&self, count: usize) {
        let caller = self.client().connection().unique_name().unwrap().to_string();
        let each = self.touched.iter().enumerate().map(async |(number, credential)| {
            for _ in 0..count.div_ceil(CARDS) {
                let handle = format!("cancel_{number}");
                let options = Options::from([("handle-token", handle.as_str().into())]);
                let call = self.client().calculate(credential, options);
                let cancel = async {
                    let path = names::operation(&caller, Some(&handle), 0);
                    // The request may have ended before, because the token waits only briefly for a touch.
                    while self.client().call::<_, bool>(&path, "Operation", "Cancel", &()).await.is_err() {}
                };
                let (result, ()) = tokio::join!(call, cancel);
                result.unwrap_err();
            }
        });
        join_all(each).await;
        // This runs after the remaining work for clients that have left.
        self.calculate(CARDS).await;
    }

    /// Cards that never answer, one per reader at a time, because the other slot of the reader is blocked as well.
    async fn hang(&mut self, count: usize) {
        for _ in 0..count.div_ceil(READERS) {
            for card in &self.world.cards[..READERS] {
                card.fail_next(Fault::Hang);
            }
            let calls = self.plain[..READERS].iter();
            let calls = calls.map(|credential| self.client().calculate(credential, Options::new()));
            let results = join_all(calls).await;
            let names: Vec<_> = results.into_iter().map(|result| result.unwrap_err().name).collect();
            assert!(names.iter().all(|name| name == "TokenStuck"), "{names:?}");
            self.plug(CARDS).await;
        }
    }
}

async fn all_ready(signals: &mut Signals, world: &World) {
    for _ in 0..CARDS {
        let ready = signals.until(|event| event.value::<String>("State").as_deref() == Some("ready")).await;
        if let Err(error) = ready {
            let objects = world.client.objects().await;
            panic!("{error}\n{objects:?}\n{}", world.stage.log().unwrap());
        }
    }
}

/// A daemon of its own, so that each test says what is left over after what.
async fn soak(work: impl AsyncFnOnce(&mut Soak)) {
    let mut soak = Soak::new().await;
    // A warm-up with every kind of operation, so that later growth is real growth.
    soak.plug(CARDS).await;
    soak.calculate(320).await;
    soak.cancel(CARDS).await;
    soak.hang(READERS).await;
    let before = soak.taken().settled(&soak.taken()).await;
    work(&mut soak).await;
    let after = soak.taken().settled(&before).await;
    println!("before {before:?}\nafter {after:?}");
    after.assert_back_to(&before);
}

#[tokio::test]
async fn insertions_and_codes_leave_nothing_over() {
    let work = async |soak: &mut Soak| {
        soak.plug(2_000).await;
        soak.calculate(10_000).await;
    };
    tokio::time::timeout(TEST_TIMEOUT, soak(work)).await.expect("in good time");
}

#[tokio::test]
async fn cancelled_and_hanging_requests_leave_nothing_over() {
    let work = async |soak: &mut Soak| {
        soak.cancel(500).await;
        soak.hang(50).await;
    };
    tokio::time::timeout(TEST_TIMEOUT, soak(work)).await.expect("in good time");
}
