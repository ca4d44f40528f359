//! A notification is shown as long as a person must act.

use testkit::client::Options;
use testkit::dbusmock::{Call, Mock};

use super::Bench;

pub(crate) fn of<'a>(calls: &'a [Call], method: &str) -> Vec<&'a Call> {
    calls.iter().filter(|call| call.1 == method).collect()
}

pub(crate) fn text(call: &Call, argument: usize) -> String {
    call.2[argument].try_clone().unwrap().try_into().unwrap()
}

#[testkit::test]
async fn a_notification_names_program_issuer_and_account() {
    let bench = Bench::prepare("").await;
    let server = Mock::notifications(bench.stage.address()).await.unwrap();
    let bench = bench.start().await;
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    let calls = server.until(|calls| of(calls, "Notify").len() == 1).await.unwrap();
    assert!(of(&calls, "CloseNotification").is_empty());
    let notify = of(&calls, "Notify")[0];
    assert_eq!(text(notify, 3), "Touch YubiKey 5");
    let own = std::env::current_exe().unwrap();
    let own = own.file_name().unwrap().to_str().unwrap();
    assert_eq!(text(notify, 4), format!("{own} wants the code of AWS &lt;b&gt;: alice."));
    // The notification expires by itself, in case the daemon cannot remove it.
    let expires = i32::try_from(notify.2[7].try_clone().unwrap()).unwrap();
    assert!((1..=22_000).contains(&expires), "{expires}");

    bench.card.touch();
    call.await.unwrap().unwrap();
    server.until(|calls| of(calls, "CloseNotification").len() == 1).await.unwrap();

    // The next notification has a new id, and is removed when no request waits for it.
    let call = bench.calculating("alice", Options::from([("handle-token", "gone".into())])).await;
    bench.wants_a_touch().await;
    server.until(|calls| of(calls, "Notify").len() == 2).await.unwrap();
    let name = bench.client.connection().unique_name().unwrap().trim_start_matches(':').replace('.', "_");
    let path = format!("{}/operations/{name}/gone", oathbridge::dbus::names::ROOT);
    assert!(bench.client.call::<_, bool>(&path, "Operation", "Cancel", &()).await.unwrap());
    call.await.unwrap().unwrap_err();
    server.until(|calls| of(calls, "CloseNotification").len() == 2).await.unwrap();
}

#[testkit::test]
async fn there_is_no_notification_with_own_prompt_or_if_switched_off() {
    let bench = Bench::prepare("").await;
    let server = Mock::notifications(bench.stage.address()).await.unwrap();
    let bench = bench.start().await;
    let call = bench.calculating("alice", Options::from([("own-prompt", true.into())])).await;
    bench.wants_a_touch().await;
    bench.card.touch();
    call.await.unwrap().unwrap();

    bench.configure("[notifications]\nenabled = false\n").unwrap();
    bench.client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "Reload", &()).await.unwrap();
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    bench.card.touch();
    call.await.unwrap().unwrap();

    // A notification that is shown proves that the server would have received the others.
    bench.configure("").unwrap();
    bench.client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "Reload", &()).await.unwrap();
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    let calls = server.until(|calls| !of(calls, "Notify").is_empty()).await.unwrap();
    assert_eq!(of(&calls, "Notify").len(), 1);
    bench.card.touch();
    call.await.unwrap().unwrap();
}

#[testkit::test]
async fn each_kind_can_be_switched_off_by_itself() {
    let bench = Bench::prepare("[notifications]\ntouch = false\n").await;
    let server = Mock::notifications(bench.stage.address()).await.unwrap();
    let bench = bench.start().await;
    let absent = bench.client.credential("bob").await.unwrap().replace("/ykoath_", "/ykoath_00");
    let touched = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    // The kind of the oldest wait is switched off, so the next wait is shown.
    let client = bench.client.clone();
    let options = Options::from([("wait-for-token", true.into()), ("timeout", 20_u32.into())]);
    let inserted = tokio::spawn(async move { client.calculate(&absent, options).await.map(drop) });
    let calls = server.until(|calls| !of(calls, "Notify").is_empty()).await.unwrap();
    assert_eq!(text(of(&calls, "Notify")[0], 3), "Plug in your token");
    bench.configure("[notifications]\ninsert = false\n").unwrap();
    let client = bench.client.clone();
    let reloading = tokio::spawn(async move {
        client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "Reload", &()).await
    });
    let calls = server.until(|calls| of(calls, "Notify").len() == 2).await.unwrap();
    assert_eq!(text(of(&calls, "Notify")[1], 3), "Touch YubiKey 5");
    bench.card.touch();
    touched.await.unwrap().unwrap();
    reloading.await.unwrap().unwrap();
    server.until(|calls| of(calls, "CloseNotification").len() == 1).await.unwrap();
    inserted.abort();
}

#[testkit::test]
async fn a_notification_asks_to_unlock_a_locked_token() {
    let bench = Bench::prepare("").await;
    let server = Mock::notifications(bench.stage.address()).await.unwrap();
    let bench = bench.start().await;
    let bob = bench.client.credential("bob").await.unwrap();
    bench.client.call::<_, ()>(&bench.token, "Token", "Lock", &()).await.unwrap();
    let client = bench.client.clone();
    let call = tokio::spawn(async move { client.calculate(&bob, Options::new()).await.map(drop) });
    let calls = server.until(|calls| !of(calls, "Notify").is_empty()).await.unwrap();
    assert_eq!(text(of(&calls, "Notify")[0], 3), "Unlock YubiKey 5");
    bench.unlock().await;
    call.await.unwrap().unwrap();
    server.until(|calls| of(calls, "CloseNotification").len() == 1).await.unwrap();
}

#[testkit::test]
async fn without_a_server_everything_else_works() {
    let bench = Bench::prepare("").await.start().await;
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    bench.card.touch();
    call.await.unwrap().unwrap();
    // A server that starts later is found.
    let server = Mock::notifications(bench.stage.address()).await.unwrap();
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    server.until(|calls| !of(calls, "Notify").is_empty()).await.unwrap();
    bench.card.touch();
    call.await.unwrap().unwrap();
}

#[testkit::test]
async fn switching_notifications_off_removes_the_shown_one() {
    let bench = Bench::prepare("").await;
    let server = Mock::notifications(bench.stage.address()).await.unwrap();
    let bench = bench.start().await;
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    server.until(|calls| of(calls, "Notify").len() == 1).await.unwrap();
    bench.configure("[notifications]\nenabled = false\n").unwrap();
    let client = bench.client.clone();
    // The reply comes after the token was read, which waits for the touch.
    let reloading = tokio::spawn(async move {
        client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "Reload", &()).await
    });
    server.until(|calls| of(calls, "CloseNotification").len() == 1).await.unwrap();
    assert!(!call.is_finished(), "the token was not touched");
    bench.card.touch();
    call.await.unwrap().unwrap();
    reloading.await.unwrap().unwrap();
}

#[testkit::test]
async fn stopping_the_daemon_removes_the_notification() {
    let bench = Bench::prepare("").await;
    let server = Mock::notifications(bench.stage.address()).await.unwrap();
    let mut bench = bench.start().await;
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    server.until(|calls| of(calls, "Notify").len() == 1).await.unwrap();
    bench.end_daemon().await.unwrap();
    server.until(|calls| of(calls, "CloseNotification").len() == 1).await.unwrap();
    call.await.unwrap().unwrap_err();
}
