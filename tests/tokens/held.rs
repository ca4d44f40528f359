//! Another program holds a card exclusively, so the daemon cannot read it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::ffi::CStr;
use std::time::Duration;

use oathbridge::virt::{Fault, VirtualToken};
use testkit::client::{Code, Event, Options, Refusal};
use testkit::pcscd::PrivatePcscd;
use testkit::scenario::{Scenario, World};
use tokio::task::JoinHandle;

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [{ account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// The applications that a card is asked for: OATH, and that of Token2.
const APPLICATIONS: usize = 2;

/// The time after which the daemon says that another program holds a card.
const TRANSACTION_LIMIT: Duration = Duration::from_secs(8);

/// The maximum time until pcscd notices a card.
const CARD_TIMEOUT: Duration = Duration::from_secs(60);

/// The pause before the daemon looks again.
const PAUSE: Duration = Duration::from_secs(2);

/// Holds the card in the first reader.
fn hold() -> pcsc::Card {
    connect(pcsc::ShareMode::Exclusive)
}

fn connect(mode: pcsc::ShareMode) -> pcsc::Card {
    let context = pcsc::Context::establish(pcsc::Scope::User).unwrap();
    let mut readers = context.list_readers_owned().unwrap();
    readers.retain(|name| name.to_str().unwrap().starts_with(PrivatePcscd::READER_NAME));
    readers.sort();
    let reader = readers.first().unwrap();
    wait_for_card(&context, reader);
    context.connect(reader, mode, pcsc::Protocols::ANY).unwrap()
}

/// Without a daemon nothing else tells whether pcscd has noticed a new card.
fn wait_for_card(context: &pcsc::Context, reader: &CStr) {
    let mut states = [pcsc::ReaderState::new(reader, pcsc::State::UNAWARE)];
    loop {
        context.get_status_change(CARD_TIMEOUT, &mut states).unwrap();
        if states[0].event_state().contains(pcsc::State::PRESENT) {
            return;
        }
        states[0].sync_current_state();
    }
}

fn release(card: pcsc::Card) {
    if let Err((_, error)) = card.disconnect(pcsc::Disposition::LeaveCard) {
        panic!("{error}");
    }
}

/// The paths of the tokens.
async fn tokens(world: &World) -> Vec<String> {
    let objects = world.client.objects().await.unwrap();
    objects.into_keys().filter(|path| path.contains("/tokens/")).collect()
}

/// A call that waits for the token.
fn waiting(world: &World, credential: &str) -> JoinHandle<Result<Code, Refusal>> {
    let (client, credential) = (world.client.clone(), credential.to_owned());
    let options: Options<'_> =
        [("wait-for-token", true.into()), ("timeout", 300_u32.into()), ("handle-token", "held".into())]
            .into();
    tokio::spawn(async move { client.calculate(&credential, options).await })
}

fn state(event: &Event) -> Option<String> {
    event.value("State")
}

#[testkit::test]
async fn a_card_that_another_program_holds_is_shown_and_read_when_it_lets_go() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let code = world.client.calculate(&alice, Options::new()).await.unwrap().code;
    world.end_daemon().await.unwrap();
    let held = hold();
    let mut signals = world.client.signals().await.unwrap();
    world.start_daemon().await.unwrap();
    let events = signals.until(|event| state(event).as_deref() == Some("busy")).await.unwrap();
    let place = events.last().unwrap().place().to_owned();
    assert!(place.starts_with("tokens/reader_"), "{place}");
    assert!(world.client.find(&[]).await.unwrap().0.is_empty());
    let refusal = world.client.calculate(&alice, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "TokenBusy");
    assert!(refusal.sentence.contains("another program"), "{refusal:?}");

    let call = waiting(&world, &alice);
    signals.until(|event| state(event).as_deref() == Some("waiting-token")).await.unwrap();
    release(held);
    world.pass(PAUSE).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap().code, code);
    let tokens = tokens(&world).await;
    assert!(tokens.len() == 1 && !tokens.concat().contains("reader_"), "{tokens:?}");
    assert_eq!(world.card().unwrap().resets(), 0);
}

#[testkit::test]
async fn an_unlock_of_a_card_that_was_let_go_finds_the_token() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    world.end_daemon().await.unwrap();
    let held = hold();
    let mut signals = world.client.signals().await.unwrap();
    world.start_daemon().await.unwrap();
    signals.until(|event| state(event).as_deref() == Some("busy")).await.unwrap();
    let place = tokens(&world).await.concat();
    assert_eq!(world.client.unlock(&place, "any").await.unwrap_err().name, "TokenBusy");
    release(held);
    // The clock stands, so no planned attempt comes before.
    world.client.unlock(&place, "any").await.unwrap();
    let tokens = tokens(&world).await;
    assert!(tokens.len() == 1 && tokens.concat().contains("/ykoath_"), "{tokens:?}");
    world.client.credential("alice").await.unwrap();
}

#[testkit::test]
async fn a_card_whose_transaction_another_program_keeps_is_shown_as_well() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    world.end_daemon().await.unwrap();
    let mut card = connect(pcsc::ShareMode::Shared);
    let transaction = card.transaction().unwrap();
    let mut signals = world.client.signals().await.unwrap();
    world.start_daemon().await.unwrap();
    world.pass(TRANSACTION_LIMIT).await.unwrap();
    let events = signals.until(|event| state(event).as_deref() == Some("busy")).await.unwrap();
    assert!(events.last().unwrap().place().starts_with("tokens/reader_"), "{events:?}");
    assert_eq!(world.client.calculate(&alice, Options::new()).await.unwrap_err().name, "TokenBusy");
    drop(transaction);
    signals.until(|event| state(event).as_deref() == Some("ready")).await.unwrap();
    world.client.calculate(&alice, Options::new()).await.unwrap();
    let tokens = tokens(&world).await;
    assert!(tokens.len() == 1 && !tokens.concat().contains("reader_"), "{tokens:?}");
}

#[testkit::test]
async fn a_call_waits_for_a_known_token_that_another_program_holds() {
    let world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let mut signals = world.client.signals().await.unwrap();
    let held = hold();
    world.client.reload().await.unwrap();
    signals.until(|event| state(event).as_deref() == Some("busy")).await.unwrap();
    assert_eq!(world.client.calculate(&alice, Options::new()).await.unwrap_err().name, "TokenBusy");
    let call = waiting(&world, &alice);
    signals.until(|event| state(event).as_deref() == Some("waiting-token")).await.unwrap();
    release(held);
    world.pass(PAUSE).await.unwrap();
    call.await.unwrap().unwrap();
}

#[testkit::test]
async fn a_call_that_has_waited_in_vain_tells_how_long() {
    let world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let mut signals = world.client.signals().await.unwrap();
    let held = hold();
    world.client.reload().await.unwrap();
    signals.until(|event| state(event).as_deref() == Some("busy")).await.unwrap();
    let call = waiting(&world, &alice);
    signals.until(|event| state(event).as_deref() == Some("waiting-token")).await.unwrap();
    world.clock().unwrap().advance(Duration::from_secs(292));
    let refusal = call.await.unwrap().unwrap_err();
    assert_eq!(refusal.name, "TokenBusy");
    assert!(refusal.sentence.contains(" held by another program for 292 s; "), "{refusal:?}");
    release(held);
}

#[testkit::test]
async fn a_locked_token_that_another_program_holds_is_busy_and_its_credentials_are_unknown() {
    let locked = TOKEN.replace("credential", "password = 'correct horse'\ncredential");
    let world = Scenario::inside().cards(&locked).start().await.unwrap();
    let token = world.client.find(&[]).await.unwrap().1.concat();
    world.client.unlock(&token, "correct horse").await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    world.client.call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    let held = hold();
    world.client.reload().await.unwrap();
    let state: String = world.client.property(&token, "Token", "State").await.unwrap();
    assert_eq!(state, "busy");
    assert_eq!(world.client.calculate(&alice, Options::new()).await.unwrap_err().name, "TokenBusy");
    release(held);
    world.client.reload().await.unwrap();
    let at_once = Options::from([("interactive", false.into())]);
    assert_eq!(world.client.calculate(&alice, at_once).await.unwrap_err().name, "TokenLocked");
}

/// A card without OATH is no token, so its object goes away.
#[testkit::test]
async fn a_held_card_without_the_application_is_shown_until_it_is_read() {
    let mut world = Scenario::inside().cards(TOKEN).left_out().start().await.unwrap();
    world.end_daemon().await.unwrap();
    let card = world.card().unwrap().clone();
    card.set_atr(VirtualToken::OPENPGP_ATR);
    world.pcscd().unwrap().insert(0, &card).unwrap();
    let held = hold();
    let mut signals = world.client.signals().await.unwrap();
    world.start_daemon().await.unwrap();
    signals.until(|event| state(event).as_deref() == Some("busy")).await.unwrap();
    for _ in 0..APPLICATIONS {
        world.card().unwrap().fail_next(Fault::Answer(vec![0x6a, 0x82]));
    }
    release(held);
    world.pass(PAUSE).await.unwrap();
    signals.until(|event| matches!(event, Event::Removed { .. })).await.unwrap();
    assert_eq!(tokens(&world).await, Vec::<String>::new());
}

/// The object has other values than before, and its properties never change in place.
#[testkit::test]
async fn a_held_key_without_oath_gets_a_new_object_when_it_is_read() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    world.end_daemon().await.unwrap();
    world.card().unwrap().switch_oath_off();
    let held = hold();
    let mut signals = world.client.signals().await.unwrap();
    world.start_daemon().await.unwrap();
    signals.until(|event| state(event).as_deref() == Some("busy")).await.unwrap();
    release(held);
    world.pass(PAUSE).await.unwrap();
    let events = signals.until(|event| state(event).as_deref() == Some("no-oath")).await.unwrap();
    assert!(events.iter().any(|event| matches!(event, Event::Removed { .. })), "{events:?}");
    let token = tokens(&world).await.concat();
    let vendor: String = world.client.property(&token, "Token", "Vendor").await.unwrap();
    assert_eq!(vendor, "Yubico");
}
