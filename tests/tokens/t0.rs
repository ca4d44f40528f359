//! A card with the protocol T=0 behind a real pcscd, for which programs must fetch responses themselves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::fmt::Write;

use oathbridge::otp::{Algorithm, Code, Digits, truncate};
use testkit::client::{Client, Options};
use testkit::scenario::{Scenario, World};

const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// The instruction CALCULATE.
const CALCULATE: u8 = 0xa2;

/// A card whose list takes several responses.
async fn inserted(token: &str) -> World {
    let mut text = format!("[[token]]\nserial = 31415926\n{token}\n");
    for number in 0..30 {
        let account = format!("account-{number:02}@example.org");
        writeln!(text, "[[token.credential]]\nissuer = 'Example'\naccount = '{account}'\nseed = '{SEED}'")
            .unwrap();
    }
    writeln!(text, "[[token.credential]]\naccount = 'dave'\ntype = 'hotp'\nseed = '{SEED}'").unwrap();
    let mut world = Scenario::inside().cards(&text).left_out().start().await.unwrap();
    world.card().unwrap().use_t0();
    world.insert_all().unwrap();
    world
}

fn code(factor: u64) -> String {
    let digest = Algorithm::Sha1.hmac(b"12345678901234567890", &factor.to_be_bytes());
    Code::decimal(truncate(&digest).unwrap(), Digits::new(6).unwrap()).expose().to_owned()
}

async fn calculated(client: &Client, account: &str, options: Options<'_>) -> String {
    let credential = client.credential(account).await.unwrap();
    client.calculate(&credential, options).await.unwrap().code
}

#[testkit::test]
async fn a_card_with_t0_is_read_whole_and_calculates() {
    let world = inserted("").await;
    let mut signals = world.client.signals().await.unwrap();
    while world.client.find(&[]).await.unwrap().0.is_empty() {
        signals.next().await.unwrap();
    }
    assert_eq!(world.client.find(&[]).await.unwrap().0.len(), 31);
    let step = world.step().unwrap();
    assert_eq!(calculated(&world.client, "account-29@example.org", Options::new()).await, code(step));
    let before = world.card().unwrap().count(CALCULATE);
    for counter in 0..2 {
        let options = [("advance-counter", true.into())].into();
        assert_eq!(calculated(&world.client, "dave", options).await, code(counter));
    }
    let card = world.card().unwrap();
    assert_eq!((card.count(CALCULATE) - before, card.hotp_counter("dave")), (2, Some(2)));
    assert_eq!(card.resets(), 0);
}

#[testkit::test]
async fn a_locked_card_with_t0_is_unlocked() {
    let world = inserted("password = 'correct horse'").await;
    let mut signals = world.client.signals().await.unwrap();
    let token = loop {
        if let [token] = &world.client.find(&[]).await.unwrap().1[..] {
            break token.clone();
        }
        signals.next().await.unwrap();
    };
    world.client.unlock(&token, "correct horse").await.unwrap();
    assert_eq!(world.client.find(&[]).await.unwrap().0.len(), 31);
}
