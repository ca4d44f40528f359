//! Cards without OATH: security keys, which are shown, and unrelated cards, which are not.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::time::Duration;

use oathbridge::dbus::names;
use oathbridge::virt::{Fault, VirtualToken};
use testkit::client::{Event, Signals};
use testkit::scenario::{Scenario, World};

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [{ account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// The applications that a card is asked for: OATH, and that of Token2.
const APPLICATIONS: usize = 2;

/// The pause after the first reading that failed.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// A world with a card that is not inserted.
async fn world() -> (World, VirtualToken, Signals) {
    let world = Scenario::inside().cards(TOKEN).left_out().start().await.unwrap();
    let (card, signals) = (world.card().unwrap().clone(), world.client.signals().await.unwrap());
    (world, card, signals)
}

async fn tokens(world: &World) -> Vec<String> {
    let objects = world.client.objects().await.unwrap();
    objects.into_keys().filter(|path| path.contains("/tokens/")).collect()
}

/// Waits until a token has this state, and returns its path.
async fn until_state(world: &World, signals: &mut Signals, state: &str) -> String {
    let has_state = |event: &Event| event.value::<String>("State").as_deref() == Some(state);
    signals.until(has_state).await.unwrap();
    tokens(world).await.concat()
}

async fn property(world: &World, token: &str, name: &str) -> String {
    world.client.property(token, "Token", name).await.unwrap()
}

#[testkit::test]
async fn a_key_whose_oath_is_switched_off_is_shown_without_oath() {
    let (mut world, card, mut signals) = world().await;
    card.switch_oath_off();
    world.pcscd().unwrap().insert(0, &card).unwrap();
    let token = until_state(&world, &mut signals, "no-oath").await;
    assert!(token.contains("/tokens/reader_"), "{token}");
    for (name, value) in [
        ("StateReason", ""),
        ("Vendor", "Yubico"),
        ("Model", "YubiKey 5"),
        ("Serial", "31415926"),
        ("Firmware", "5.4.3"),
    ] {
        assert_eq!(property(&world, &token, name).await, value, "{name}");
    }
    let refusal = world.client.unlock(&token, "any").await.unwrap_err();
    assert_eq!(refusal.name, "Unsupported");
    assert!(refusal.sentence.contains("run ykman config usb to switch it on"), "{refusal:?}");
}

/// A selection would end the session of another program with another application of the key.
#[testkit::test]
async fn a_key_without_oath_is_sent_nothing_when_tokens_are_locked() {
    let (mut world, card, mut signals) = world().await;
    card.switch_oath_off();
    world.pcscd().unwrap().insert(0, &card).unwrap();
    let token = until_state(&world, &mut signals, "no-oath").await;
    let before = card.commands();
    world.client.call::<_, ()>(names::ROOT, "Manager", "LockAll", &()).await.unwrap();
    world.client.call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    assert_eq!(card.commands(), before);
    world.client.reload().await.unwrap();
    assert_eq!(card.commands() - before, APPLICATIONS, "its application may have been switched on");
}

#[testkit::test]
async fn a_contactless_key_whose_oath_is_switched_off_names_the_command_for_nfc() {
    let (mut world, card, mut signals) = world().await;
    card.set_atr(VirtualToken::NFC_ATR);
    card.switch_oath_off();
    world.pcscd().unwrap().insert(0, &card).unwrap();
    let token = until_state(&world, &mut signals, "no-oath").await;
    let refusal = world.client.unlock(&token, "any").await.unwrap_err();
    assert!(refusal.sentence.contains("run ykman config nfc to switch it on"), "{refusal:?}");
}

#[testkit::test]
async fn a_security_key_that_answers_unclearly_once_is_read_again() {
    let (mut world, card, mut signals) = world().await;
    for _ in 0..APPLICATIONS {
        card.fail_next(Fault::Answer(vec![0x6f, 0x00]));
    }
    world.pcscd().unwrap().insert(0, &card).unwrap();
    world.pass(FIRST_PAUSE).await.unwrap();
    let token = until_state(&world, &mut signals, "ready").await;
    assert!(token.contains("/tokens/ykoath_"), "{token}");
}

#[testkit::test]
async fn an_unrelated_card_that_answers_unclearly_is_read_again_on_request() {
    let (mut world, card, mut signals) = world().await;
    card.set_atr(VirtualToken::OPENPGP_ATR);
    for _ in 0..APPLICATIONS {
        card.fail_next(Fault::Answer(vec![0x69, 0x85]));
    }
    world.pcscd().unwrap().insert(0, &card).unwrap();
    signals.until(|event| event.value("Settled") == Some(false)).await.unwrap();
    signals.until(|event| event.value("Settled") == Some(true)).await.unwrap();
    assert_eq!((tokens(&world).await, card.commands()), (Vec::new(), APPLICATIONS));
    world.client.reload().await.unwrap();
    assert!(tokens(&world).await.concat().contains("/tokens/ykoath_"));
}

#[testkit::test]
async fn an_unrelated_card_is_asked_once_and_not_shown() {
    let (mut world, card, mut signals) = world().await;
    card.set_atr(VirtualToken::OPENPGP_ATR);
    for status in [[0x6a, 0x82], [0x69, 0x99], [0x6d, 0x00], [0x6b, 0x00]] {
        let before = card.commands();
        for _ in 0..APPLICATIONS {
            card.fail_next(Fault::Answer(status.to_vec()));
        }
        world.pcscd().unwrap().insert(0, &card).unwrap();
        signals.until(|event| event.value("Settled") == Some(false)).await.unwrap();
        let events = signals.until(|event| event.value("Settled") == Some(true)).await.unwrap();
        assert!(!events.iter().any(|event| event.place().starts_with("tokens/")), "{status:02x?} {events:?}");
        // A call asks a card again whose reading has failed, once a second has passed.
        world.clock().unwrap().advance(Duration::from_secs(2));
        world.client.reload().await.unwrap();
        assert_eq!(tokens(&world).await, Vec::<String>::new(), "{status:02x?}");
        assert_eq!(card.commands() - before, APPLICATIONS, "{status:02x?}");
    }
}

#[testkit::test]
async fn a_key_that_was_never_used_over_usb_says_so_over_nfc() {
    let (mut world, card, mut signals) = world().await;
    card.set_atr(VirtualToken::NFC_ATR);
    let link = [b"\x00\x1f\xd1\x01\x1bU\x04yubico.com/getting-started".as_slice(), &[0x90, 0x00]].concat();
    let (refused, done) = (vec![0x6a, 0x82], vec![0x90, 0x00]);
    let answers = [refused.clone(), refused, done.clone(), done, link];
    let answer = || answers.iter().for_each(|answer| card.fail_next(Fault::Answer(answer.clone())));
    answer();
    world.pcscd().unwrap().insert(0, &card).unwrap();
    let token = until_state(&world, &mut signals, "error").await;
    assert_eq!(property(&world, &token, "StateReason").await, "NfcRestricted");
    let select = [0x00, 0xa4, 0x04, 0x00];
    assert_eq!(card.log(), [select, select, select, [0x00, 0xa4, 0x00, 0x0c], [0x00, 0xb0, 0x00, 0x00]]);
    // The test moves the clock by more than each pause between attempts. A reading that was planned would be sent with that
    // of the call, because one worker does both.
    let before = card.commands();
    answer();
    world.clock().unwrap().advance(Duration::from_secs(120));
    assert_eq!(world.client.unlock(&token, "any").await.unwrap_err().name, "NfcRestricted");
    world.client.call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    assert_eq!(card.commands() - before, answers.len());
}
