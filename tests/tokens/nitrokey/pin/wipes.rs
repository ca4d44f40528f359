//! What ends the time for which the daemon holds the PIN, and what happens then.

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::secret::SecretText;
use oathbridge::virt::TouchPolicy;
use testkit::client::{Event, Options, memfd};
use zbus::Fd;

use super::{Bench, PIN, VERIFY, over_hid};
use crate::nitrokey::{TIMEOUT, TOKEN, named};

/// Another program changes the PIN.
pub(super) async fn a_kept_pin_that_is_refused_is_wiped(bench: Bench) {
    bench.unlock().await;
    let hidden = bench.credential("hidden").await;
    bench.key.change_pin(&SecretText::from("abcdef"));
    let verified = bench.key.count(VERIFY);
    let call = {
        let (client, hidden) = (bench.client().clone(), hidden.clone());
        tokio::spawn(async move { client.calculate(&hidden, Options::new()).await.map(|reply| reply.code) })
    };
    let mut signals = bench.client().signals().await.unwrap();
    let asks = |event: &Event| event.value::<String>("Kind").as_deref() == Some("unlock");
    let prompt: String = bench.client().property(&format!("{ROOT}/prompt"), "Prompt", "Kind").await.unwrap();
    if prompt != "unlock" {
        signals.until(asks).await.unwrap();
    }
    assert_eq!(bench.key.count(VERIFY), verified + 1, "it was tried once");
    assert_eq!(bench.refusal(&hidden).await, "TokenLocked");
    assert_eq!(bench.key.count(VERIFY), verified + 1, "and never again");
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 7);
    assert_eq!(bench.found().await, (1, true));
    bench.unlock_with("abcdef", Options::new()).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap().len(), 8, "the call has waited for the new PIN");
}

pub(super) async fn locking_and_removal_wipe_the_pin(bench: Bench) {
    let mut bench = bench;
    for event in ["Lock", "LockAll", "removal"] {
        bench.unlock().await;
        let hidden = bench.credential("hidden").await;
        let verified = bench.key.count(VERIFY);
        match event {
            "Lock" => bench.lock().await,
            "LockAll" => bench.client().call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap(),
            _ => replug(&mut bench).await,
        }
        assert_eq!(bench.found().await, (1, true), "{event}");
        assert_eq!(bench.token::<String>("State").await, "ready", "{event}");
        assert_eq!(bench.refusal(&hidden).await, "TokenLocked", "{event}");
        assert_eq!(bench.code("public").await.len(), 8, "{event}");
        assert_eq!(bench.key.count(VERIFY), verified, "{event}");
    }
}

async fn replug(bench: &mut Bench) {
    if bench.world.card().is_err() {
        bench.world.unplug(&bench.key).await.unwrap();
        bench.world.plug(&bench.key).await.unwrap();
        return;
    }
    let mut signals = bench.client().signals().await.unwrap();
    bench.world.pcscd().unwrap().remove(0).unwrap();
    let of_token = format!("tokens/{TOKEN}");
    let gone = |event: &Event| matches!(event, Event::Removed { .. }) && event.place() == of_token;
    signals.until(gone).await.unwrap();
    let key = bench.key.clone();
    bench.world.pcscd().unwrap().insert(0, &key).unwrap();
    let back = |event: &Event| event.value::<String>("State").as_deref() == Some("ready");
    signals.until(back).await.unwrap();
}

pub(super) async fn a_call_waits_for_the_pin(bench: Bench) {
    bench.unlock().await;
    let hidden = bench.credential("hidden").await;
    bench.lock().await;
    let mut signals = bench.client().signals().await.unwrap();
    let client = bench.client().clone();
    let call =
        tokio::spawn(async move { client.calculate(&hidden, Options::new()).await.map(|reply| reply.code) });
    let asks = |event: &Event| event.value::<String>("Kind").as_deref() == Some("unlock");
    signals.until(asks).await.unwrap();
    bench.unlock().await;
    assert_eq!(call.await.unwrap().unwrap().len(), 8);
}

#[testkit::test]
async fn a_touch_for_the_pin_is_announced_and_can_be_cancelled() {
    let bench = over_hid().await;
    bench.key.set_touch_policy(TouchPolicy::Never);
    let mut signals = bench.client().signals().await.unwrap();
    let client = bench.client().clone();
    let token = format!("{ROOT}/tokens/{TOKEN}");
    let call = tokio::spawn(async move {
        let pin = memfd(PIN.as_bytes()).unwrap();
        client.call::<_, ()>(&token, "Token", "Unlock", &(Fd::from(pin), named())).await
    });
    let waits = |event: &Event| event.value::<String>("State").as_deref() == Some("waiting-touch");
    signals.until(waits).await.unwrap();
    let key = bench.key.clone();
    let wanted = tokio::task::spawn_blocking(move || key.wait_until_it_wants_a_touch(TIMEOUT));
    assert!(wanted.await.unwrap());
    bench.client().call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenLocked");
    let key = bench.key.clone();
    let ended = tokio::task::spawn_blocking(move || key.wait_until_it_wants_no_touch(TIMEOUT));
    assert!(ended.await.unwrap());
    assert_eq!(bench.found().await, (1, true));
    bench.key.set_touch_policy(TouchPolicy::AfterSeconds(Duration::ZERO));
    bench.unlock().await;
}
