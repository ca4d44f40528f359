//! Tokens that hang, are pulled out during a command, or send invalid responses.

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::iso7816::Aid;
use oathbridge::virt::{Fault, VirtualToken};
use testkit::client::{Client, Event, Options};
use testkit::scenario::Scenario;

use super::{OTHER, TOKEN, inserted, tree, until_gone, until_state};

/// The instruction SELECT (ISO/IEC 7816-4).
const SELECT: u8 = 0xa4;

#[testkit::test]
async fn a_token_that_hangs_does_not_affect_another_one() {
    let mut world = inserted(&format!("{TOKEN}{OTHER}")).await;
    let alice = world.client.credential("alice").await.unwrap();
    let erin = world.client.credential("erin").await.unwrap();
    let full = tree(&world.client).await;
    assert_eq!(full.len(), 6, "{full:?}");
    let mut signals = world.client.signals().await.unwrap();

    world.cards[0].fail_next(Fault::Hang);
    let hanging = {
        let (client, alice) = (world.client.clone(), alice.clone());
        tokio::spawn(async move { client.calculate(&alice, Options::new()).await })
    };
    let card = world.cards[0].clone();
    // The first command of the request, the selection of the application, hangs.
    let before = card.count(SELECT);
    while card.count(SELECT) == before {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for _ in 0..10 {
        world.client.calculate(&erin, Options::new()).await.unwrap();
    }
    assert!(!hanging.is_finished());
    world.pass(Duration::from_secs(8)).await.unwrap();
    let refusal = hanging.await.unwrap().unwrap_err();
    assert_eq!(refusal.name, "TokenStuck", "{refusal:?}");
    let token = alice_token(&world.client, &alice).await;
    let events = until_state(&mut signals, "stuck").await;
    assert_eq!(format!("{ROOT}/{}", events.last().unwrap().place()), token);
    let again = world.client.calculate(&alice, Options::new()).await.unwrap_err();
    assert_eq!(again.name, "TokenStuck");

    world.pcscd().unwrap().remove(0).unwrap();
    until_gone(&mut signals, 4).await;
    world.pcscd().unwrap().insert(0, &card).unwrap();
    until_state(&mut signals, "ready").await;
    assert_eq!(tree(&world.client).await, full);
    for credential in [alice, erin] {
        world.client.calculate(&credential, Options::new()).await.unwrap();
    }
}

async fn alice_token(client: &Client, credential: &str) -> String {
    let token: zbus::OwnedObjectPath = client.property(credential, "Credential", "Token").await.unwrap();
    token.to_string()
}

/// A client that keeps both properties never sees an error without its reason, nor another state with one.
#[testkit::test]
async fn the_reason_of_an_error_comes_before_it_and_goes_after_it() {
    let world = inserted(TOKEN).await;
    let card = world.card().unwrap();
    // Now the token was read.
    world.client.credential("alice").await.unwrap();
    let mut signals = world.client.signals().await.unwrap();
    card.fail_next(Fault::Answer(vec![0x6f, 0x00]));
    world.client.call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    // Read before the planned retry: this clock stands still.
    world.client.call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    let is_over = |event: &Event| event.value::<String>("StateReason").as_deref() == Some("");
    let events = signals.until(is_over).await.unwrap();
    let changes: Vec<_> = events
        .iter()
        .filter(|event| event.place().starts_with("tokens/"))
        .flat_map(|event| ["State", "StateReason"].map(|name| (name, event.value::<String>(name))))
        .filter_map(|(name, value)| Some(format!("{name} {}", value?)))
        .filter(|change| change != "State reading")
        .collect();
    assert_eq!(changes, ["StateReason Malformed", "State error", "State ready", "StateReason "]);
}

#[testkit::test]
async fn a_card_that_is_pulled_out_during_a_command_is_removed() {
    let mut world = inserted(TOKEN).await;
    let alice = world.client.credential("alice").await.unwrap();
    let mut signals = world.client.signals().await.unwrap();
    let card = world.card().unwrap().clone();
    card.fail_next(Fault::Vanish);
    let refusal = world.client.calculate(&alice, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "TokenRemoved", "{refusal:?}");
    until_gone(&mut signals, 4).await;
    let absent = world.client.calculate(&alice, Options::new()).await.unwrap_err();
    assert_eq!(absent.name, "TokenRemoved", "{absent:?}");
    world.pcscd().unwrap().insert(0, &card).unwrap();
    until_state(&mut signals, "ready").await;
    world.client.calculate(&alice, Options::new()).await.unwrap();
}

#[testkit::test]
async fn invalid_responses_are_errors_without_further_effects() {
    let world = inserted(TOKEN).await;
    let alice = world.client.credential("alice").await.unwrap();
    let card = world.card().unwrap();
    let truncated = [0x79, 0x7f, 0x90, 0x00];
    let no_length = [0x79, 0x83, 0xff, 0xff, 0xff, 0x90, 0x00];
    let long: Vec<u8> = (0..=255).cycle().take(4_000).chain([0x90, 0x00]).collect();
    // A selection with another salt would be that of another token.
    let select = Aid::OATH.select().to_bytes();
    let selected = card.connect().unwrap().exchange(&select, &|| {}).unwrap();
    let too_short_a_code = [0x76, 0x03, 0x06, 0x12, 0x34, 0x90, 0x00];
    for answers in [
        vec![truncated.to_vec()],
        vec![no_length.to_vec()],
        vec![vec![0x6f, 0x00]],
        vec![long.clone()],
        vec![selected.clone(), vec![0x90, 0x00]],
        vec![selected.clone(), truncated.to_vec()],
        vec![selected.clone(), no_length.to_vec()],
        vec![selected.clone(), too_short_a_code.to_vec()],
        vec![selected.clone(), vec![0x6f, 0x00]],
        vec![selected.clone(), vec![0x76, 0x61, 0xff], vec![0x7f, 0x61, 0xff], truncated.to_vec()],
        vec![selected, long],
    ] {
        answers.iter().for_each(|answer| card.fail_next(Fault::Answer(answer.clone())));
        let result = world.client.calculate(&alice, Options::new()).await;
        let name = result.as_ref().err().map(|refusal| refusal.name.as_str());
        assert_eq!(name, Some("Malformed"), "{result:?} for {answers:02x?}");
        let next = world.client.calculate(&alice, Options::new()).await;
        assert!(next.is_ok(), "{next:?} after {answers:02x?}");
    }
    assert!(!world.daemon.unwrap().has_ended().unwrap());
}

#[testkit::test]
async fn a_card_without_the_application_is_not_a_token() {
    let mut world = Scenario::inside().cards(&format!("{TOKEN}{OTHER}")).left_out().start().await.unwrap();
    let (card, other) = (world.cards[0].clone(), world.cards[1].clone());
    let mut signals = world.client.signals().await.unwrap();
    card.set_atr(VirtualToken::OPENPGP_ATR);
    card.fail_next(Fault::Answer(vec![0x6a, 0x82]));
    world.pcscd().unwrap().insert(0, &card).unwrap();
    signals.until(|event| event.value("Settled") == Some(false)).await.unwrap();
    signals.until(|event| event.value("Settled") == Some(true)).await.unwrap();
    world.pcscd().unwrap().insert(1, &other).unwrap();
    until_state(&mut signals, "ready").await;
    let tokens: Vec<_> =
        tree(&world.client).await.into_iter().filter(|path| path.contains("/tokens/")).collect();
    assert_eq!(tokens.len(), 1);
    let serial: String = world.client.property(&tokens[0], "Token", "Serial").await.unwrap();
    assert_eq!(serial, "27182818");
    // It is asked for each application of a token with codes, and for nothing else.
    let headers: Vec<_> = card.log().iter().map(|command| command[..4].to_vec()).collect();
    assert_eq!(headers, [[0, 0xa4, 4, 0], [0, 0xa4, 4, 0]], "more than two selections");
}
