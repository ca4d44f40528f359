//! A token whose event was lost or whose reading failed is found: after a pause, and earlier if a call needs it.

use std::sync::{Arc, Condvar, Mutex};

use oathbridge::clock::ManualClock;
use oathbridge::device::{DeviceId, Error as DeviceError, Opened, Presence, Transport};
use oathbridge::flows::Error;
use oathbridge::registry::{Missing, Registry, Snapshot, State};
use oathbridge::token::Identities;
use oathbridge::virt::{self, Fault, VirtualTransport};

use super::rig::{Rig, limited, seconds};

/// The applications that each reading of a refusing card selects: OATH, and that of Token2.
const SELECTIONS: usize = 2;

/// A status word without a specific meaning.
fn refusal() -> Fault {
    Fault::Answer(vec![0x6f, 0x00])
}

async fn until(rig: &Rig, wanted: impl FnMut(&Arc<Snapshot>) -> bool) {
    let mut snapshots = rig.flows.registry().subscribe();
    limited(Box::pin(async { drop(snapshots.wait_for(wanted).await.unwrap()) })).await;
}

async fn until_ready(rig: &Rig) {
    until(rig, |snapshot| snapshot.tokens.values().any(|token| token.state == State::Ready)).await;
}

/// Pulls the token out and inserts it again. The token refuses the next commands.
async fn plug_in_failing(rig: &Rig, refusals: usize) {
    rig.card.unplug();
    until(rig, |snapshot| snapshot.tokens.is_empty() && snapshot.settled).await;
    (0..refusals).for_each(|_| rig.card.fail_next(refusal()));
    rig.card.plug();
}

#[tokio::test]
async fn a_failed_reading_is_repeated_with_growing_pauses() {
    let rig = Rig::start(seconds(5)).await;
    let pauses = [2, 5, 10, 30, 60, 60];
    plug_in_failing(&rig, pauses.len() * SELECTIONS).await;
    for pause in pauses {
        rig.pass(seconds(pause)).await;
    }
    until_ready(&rig).await;
    // A success starts the count from its beginning.
    rig.card.fail_next(refusal());
    rig.flows.registry().refresh().await;
    rig.pass(seconds(2)).await;
    until_ready(&rig).await;
}

#[tokio::test]
async fn a_call_that_misses_a_token_has_it_read_at_once() {
    let rig = Rig::start(seconds(5)).await;
    let request = rig.code_request("alice", 22);
    plug_in_failing(&rig, 1).await;
    limited(Box::pin(rig.clock.wait_for_sleeper(seconds(2)))).await;
    assert!(rig.flows.registry().now().tokens.is_empty(), "nothing is known of it");
    rig.clock.advance(seconds(1));
    limited(Box::pin(rig.code(&request))).await.unwrap();
}

#[tokio::test]
async fn a_call_that_names_a_token_in_error_has_it_read_at_once() {
    let rig = Rig::start(seconds(5)).await;
    let request = rig.code_request("alice", 22);
    rig.card.fail_next(refusal());
    rig.flows.registry().refresh().await;
    until(&rig, |snapshot| snapshot.tokens.values().all(|token| matches!(token.state, State::Error(_))))
        .await;
    rig.clock.advance(seconds(1));
    limited(Box::pin(rig.code(&request))).await.unwrap();
    until_ready(&rig).await;
}

#[tokio::test]
async fn calls_do_not_keep_a_broken_card_busy() {
    let rig = Rig::start(seconds(5)).await;
    let request = rig.code_request("alice", 22);
    plug_in_failing(&rig, 3).await;
    limited(Box::pin(rig.clock.wait_for_sleeper(seconds(2)))).await;
    let before = rig.card.log().len();
    for _ in 0..10 {
        let missing = limited(Box::pin(rig.code(&request))).await;
        assert!(matches!(missing, Err(Error::Missing(Missing::Token))), "{missing:?}");
    }
    assert_eq!(rig.card.log().len(), before, "it failed a moment ago, which is an answer");
}

#[tokio::test]
async fn a_card_without_the_application_is_not_asked_again() {
    let rig = Rig::start(seconds(5)).await;
    rig.card.unplug();
    until(&rig, |snapshot| snapshot.tokens.is_empty() && snapshot.settled).await;
    rig.card.fail_next(Fault::Answer(vec![0x6a, 0x82]));
    let sent = rig.card.log().len();
    rig.card.plug();
    // The snapshot without the new card is settled, too.
    until(&rig, |snapshot| snapshot.settled && rig.card.log().len() > sent).await;
    let before = rig.card.log().len();
    rig.clock.advance(seconds(600));
    limited(Box::pin(rig.flows.registry().rescanned())).await;
    assert_eq!(rig.card.log().len(), before);
}

/// A transport without change events: it reports its devices at the start and at each rescan.
struct WithoutEvents {
    tokens: VirtualTransport,
    rescans: Mutex<Rescans>,
    changed: Condvar,
}

#[derive(Default)]
struct Rescans {
    requested: u32,
    reported: u32,
    stopped: bool,
}

impl Transport for WithoutEvents {
    fn name(&self) -> &'static str {
        "virtual"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        loop {
            let requested = self.rescans.lock().unwrap().requested;
            // The inner transport reports its devices at once; `false` ends its watch after that report.
            self.tokens.watch(&mut |presence| {
                report(presence);
                false
            });
            let mut rescans = self.rescans.lock().unwrap();
            rescans.reported = requested + 1;
            self.changed.notify_all();
            let go_on = |rescans: &mut Rescans| !rescans.stopped && rescans.requested == requested;
            rescans = self.changed.wait_while(rescans, go_on).unwrap();
            if rescans.stopped {
                return;
            }
        }
    }

    fn rescan(&self) {
        let mut rescans = self.rescans.lock().unwrap();
        rescans.requested += 1;
        let requested = rescans.requested;
        self.changed.notify_all();
        drop(self.changed.wait_while(rescans, |rescans| rescans.reported <= requested).unwrap());
    }

    fn stop(&self) {
        self.rescans.lock().unwrap().stopped = true;
        self.changed.notify_all();
    }

    fn open(&self, device: &DeviceId) -> Result<Opened, DeviceError> {
        self.tokens.open(device)
    }
}

#[tokio::test]
async fn a_call_for_a_missing_token_and_a_reload_rescan_the_transports() {
    let tokens = VirtualTransport::new(&virt::parse("[[token]]\nserial = 7").unwrap());
    let card = tokens.token(7).unwrap();
    card.unplug();
    let transport = Arc::new(WithoutEvents { tokens, rescans: Mutex::default(), changed: Condvar::new() });
    let state = tempfile::tempdir().unwrap();
    let identities = Identities::new(state.path().to_owned());
    let clock = Arc::new(ManualClock::at(seconds(0)));
    let (registry, watch) = Registry::new(vec![transport.clone()], clock, identities);
    for task in watch.start().unwrap() {
        tokio::spawn(task.into_work());
    }
    limited(Box::pin(registry.settled())).await;
    card.plug();
    assert!(limited(Box::pin(registry.settled())).await.tokens.is_empty(), "the transport sends no events");
    assert_eq!(limited(Box::pin(registry.rescanned())).await.tokens.len(), 1);
    card.unplug();
    limited(Box::pin(registry.refresh())).await;
    assert!(registry.now().tokens.is_empty(), "a reload rescans");
    transport.stop();
}
