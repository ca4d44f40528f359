//! The smart card service refuses a card to a user whose connection it still serves.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use oathbridge::clock::ManualClock;
use oathbridge::device::{Attachment, DeviceId, Error, Identity, Opened, Presence, Problem, Transport};
use oathbridge::registry::{Registry, State};
use oathbridge::token::{self, Identities};
use oathbridge::virt::{TokenSpec, VirtualTransport};

/// A transport that shows its cards, and refuses them at first.
struct Refusing {
    cards: VirtualTransport,
    is_granted: AtomicBool,
    opened: AtomicUsize,
}

impl Transport for Refusing {
    fn name(&self) -> &'static str {
        "pcsc"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        self.cards.watch(report);
    }

    fn stop(&self) {
        self.cards.stop();
    }

    fn open(&self, device: &DeviceId) -> Result<Opened, Error> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        if !self.is_granted.load(Ordering::SeqCst) {
            return Err(Problem::PcscDenied.into());
        }
        self.cards.open(device)
    }

    fn identify(&self, device: &Attachment) -> Option<Identity> {
        self.cards.identify(device)
    }
}

#[tokio::test]
async fn a_refused_card_is_a_problem_until_it_is_granted() {
    let state = tempfile::tempdir().unwrap();
    let cards = VirtualTransport::new(&TokenSpec::demo()[..1]);
    let transport =
        Arc::new(Refusing { cards, is_granted: AtomicBool::new(false), opened: AtomicUsize::new(0) });
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_800_000_000)));
    let identities = Identities::new(state.path().to_owned());
    let transports = vec![Arc::clone(&transport) as Arc<dyn Transport>];
    let (registry, watch) = Registry::new(transports, Arc::clone(&clock) as _, identities);
    for task in watch.start().unwrap() {
        tokio::spawn(task.into_work());
    }
    let mut snapshots = registry.subscribe();
    let refused = snapshots.wait_for(|snapshot| snapshot.settled).await.unwrap().clone();
    assert!(refused.problems.contains(&Problem::PcscDenied));
    assert!(refused.tokens.is_empty());
    let opened = transport.opened.load(Ordering::SeqCst);
    for _ in 0..10 {
        // Long enough for each planned retry. Each attempt is an entry in the journal of the system.
        clock.advance(Duration::from_secs(61));
        registry.caught_up().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(transport.opened.load(Ordering::SeqCst), opened, "a refused card is asked for by the clock");

    transport.is_granted.store(true, Ordering::SeqCst);
    // Long enough for a retry that is requested.
    clock.advance(Duration::from_millis(1_500));
    registry.request_rescan();
    snapshots.wait_for(|snapshot| snapshot.problems.is_empty() && !snapshot.tokens.is_empty()).await.unwrap();

    // The session is no longer active.
    transport.is_granted.store(false, Ordering::SeqCst);
    registry.check_access().await;
    let withdrawn = registry.caught_up().await;
    assert!(withdrawn.problems.contains(&Problem::PcscDenied));
    let tokens: Vec<_> = withdrawn.tokens.values().collect();
    assert!(tokens.iter().all(|token| token.state == State::Error(token::Error::PcscDenied)), "{tokens:?}");
    assert!(tokens.iter().any(|token| !token.credentials.is_empty()), "a call says why it fails");

    transport.is_granted.store(true, Ordering::SeqCst);
    clock.advance(Duration::from_millis(1_500));
    registry.request_rescan();
    let granted = snapshots.wait_for(|snapshot| snapshot.problems.is_empty()).await.unwrap().clone();
    assert!(granted.tokens.values().all(|token| !matches!(token.state, State::Error(_))));
    transport.stop();
}
