//! Another program holds a card exclusively, so the daemon cannot read it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::time::Duration;

use testkit::client::{Event, Options};
use testkit::pcscd::PrivatePcscd;
use testkit::scenario::Scenario;

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [{ account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// The pause before the daemon looks again.
const PAUSE: Duration = Duration::from_secs(2);

/// Holds the card in the first reader.
fn hold() -> pcsc::Card {
    let context = pcsc::Context::establish(pcsc::Scope::User).unwrap();
    let mut readers = context.list_readers_owned().unwrap();
    readers.retain(|name| name.to_str().unwrap().starts_with(PrivatePcscd::READER_NAME));
    readers.sort();
    context.connect(readers.first().unwrap(), pcsc::ShareMode::Exclusive, pcsc::Protocols::ANY).unwrap()
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

    let call = {
        let (client, alice) = (world.client.clone(), alice.clone());
        let options: Options<'_> =
            [("wait-for-token", true.into()), ("timeout", 300_u32.into()), ("handle-token", "held".into())]
                .into();
        tokio::spawn(async move { client.calculate(&alice, options).await })
    };
    signals.until(|event| state(event).as_deref() == Some("waiting-token")).await.unwrap();
    if let Err((_, error)) = held.disconnect(pcsc::Disposition::LeaveCard) {
        panic!("{error}");
    }
    world.pass(PAUSE).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap().code, code);
    let objects = world.client.objects().await.unwrap();
    let tokens: Vec<_> = objects.into_keys().filter(|path| path.contains("/tokens/")).collect();
    assert!(tokens.len() == 1 && !tokens.concat().contains("reader_"), "{tokens:?}");
    assert_eq!(world.card().unwrap().resets(), 0);
}
