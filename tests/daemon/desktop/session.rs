//! A locked screen and suspend cancel requests that are not sent yet, and wipe keys.

use std::collections::HashMap;
use std::time::Duration;

use oathbridge::virt::Fault;
use testkit::client::Options;
use testkit::dbusmock::Mock;
use zbus::Variant;

use super::{Bench, EVENT_TIMEOUT, until};

pub(crate) const SESSION: &str = "/org/freedesktop/login1/session/s1";

pub(crate) async fn add_session(logind: &Mock) {
    let user = rustix::process::geteuid().as_raw();
    logind.mock("AddSession", &("s1", "seat0", user, "me", true)).await.unwrap();
}

/// A session like that of the user's manager since systemd 256, which is always active.
pub(crate) async fn add_session_without_seat(logind: &Mock) {
    let user = rustix::process::geteuid().as_raw();
    logind.mock("AddSession", &("m1", "seat1", user, "me", true)).await.unwrap();
    let entry = |id, seat| {
        format!(
            "('{id}', dbus.UInt32({user}), 'me', '{seat}', dbus.ObjectPath('/org/freedesktop/login1/session/{id}'))"
        )
    };
    let code = format!("ret = [{}, {}]", entry("s1", "seat0"), entry("m1", ""));
    let method = ("org.freedesktop.login1.Manager", "ListSessions", "", "a(susso)", code);
    logind.mock("AddMethod", &method).await.unwrap();
}

pub(crate) async fn lock(logind: &Mock, locked: bool) {
    logind.call(SESSION, "org.freedesktop.login1.Session", "SetLockedHint", &(locked)).await.unwrap();
}

pub(crate) async fn sleep(logind: &Mock, start: bool) {
    let arguments = vec![Variant::from(start)];
    let body = ("org.freedesktop.login1.Manager", "PrepareForSleep", "b", arguments);
    logind.mock("EmitSignal", &body).await.unwrap();
}

/// The programs that delay the suspend.
async fn inhibitors(logind: &Mock) -> usize {
    let manager = "org.freedesktop.login1.Manager";
    let reply = logind.call("/org/freedesktop/login1", manager, "ListInhibitors", &()).await.unwrap();
    let list: Vec<(String, String, String, String, u32, u32)> =
        reply.body().deserialize().unwrap_or_default();
    assert!(list.iter().all(|entry| (entry.0.as_str(), entry.3.as_str()) == ("sleep", "delay")), "{list:?}");
    list.len()
}

pub(crate) async fn until_inhibitors(logind: &Mock, count: usize) {
    until(&format!("there are {count} inhibitors"), async || inhibitors(logind).await == count).await;
}

pub(crate) async fn until_state(bench: &Bench, state: &str) {
    let now = async || bench.client.property::<String>(&bench.token, "Token", "State").await.unwrap();
    until(&format!("the token is {state}"), async || now().await == state).await;
}

#[testkit::test]
async fn a_locked_screen_cancels_requests_wipes_keys_and_refuses_calls() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let bench = bench.start().await;
    let bob = bench.client.credential("bob").await.unwrap();
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    lock(&logind, true).await;
    let refusal = call.await.unwrap().unwrap_err();
    assert_eq!(refusal.name, "Cancelled");
    assert!(refusal.sentence.contains("screen"), "{refusal:?}");
    bench.card.touch();
    until_state(&bench, "locked").await;
    assert_eq!(bench.client.calculate(&bob, Options::new()).await.unwrap_err().name, "ScreenLocked");
    let unlocking = bench.client.unlock(&bench.token, "correct horse").await.unwrap_err();
    assert_eq!(unlocking.name, "ScreenLocked");
    // Locking and cancelling are allowed.
    bench.client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "LockAll", &()).await.unwrap();

    lock(&logind, false).await;
    bench.until_unlocked().await;
    bench.client.calculate(&bob, Options::new()).await.unwrap();
}

#[testkit::test]
async fn the_configuration_may_allow_calls_while_the_screen_is_locked() {
    let bench = Bench::prepare("[access]\nwhile_locked = 'allow'\n").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let bench = bench.start().await;
    let bob = bench.client.credential("bob").await.unwrap();
    lock(&logind, true).await;
    until_state(&bench, "locked").await;
    bench.unlock().await;
    bench.client.calculate(&bob, Options::new()).await.unwrap();
}

#[testkit::test]
async fn suspend_waits_until_requests_are_cancelled_and_keys_wiped() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    let bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    sleep(&logind, true).await;
    let refusal = call.await.unwrap().unwrap_err();
    assert_eq!(refusal.name, "Cancelled");
    assert!(refusal.sentence.contains("sleep"), "{refusal:?}");
    bench.card.touch();
    until_inhibitors(&logind, 0).await;
    until_state(&bench, "locked").await;
    sleep(&logind, false).await;
    until_inhibitors(&logind, 1).await;
    bench.unlock().await;
}

/// From the warning on, which comes seconds before the suspend.
#[testkit::test]
async fn no_request_starts_between_the_suspend_warning_and_the_suspend() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    let bench = bench.start().await;
    let bob = bench.client.credential("bob").await.unwrap();
    until_inhibitors(&logind, 1).await;
    sleep(&logind, true).await;
    until_inhibitors(&logind, 0).await;
    let unlocking = bench.client.unlock(&bench.token, "correct horse").await.unwrap_err();
    assert_eq!(unlocking.name, "Cancelled");
    assert!(unlocking.sentence.contains("sleep"), "{unlocking:?}");
    let wait = Options::from([("wait-for-token", true.into())]);
    assert_eq!(bench.client.calculate(&bob, wait).await.unwrap_err().name, "Cancelled");
    // Locking and cancelling are allowed.
    bench.client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "LockAll", &()).await.unwrap();
    sleep(&logind, false).await;
    until_inhibitors(&logind, 1).await;
    bench.unlock().await;
    bench.client.calculate(&bob, Options::new()).await.unwrap();
}

#[testkit::test]
async fn a_call_from_before_the_suspend_does_not_start_during_it() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    let bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    let (read, write) = rustix::pipe::pipe().unwrap();
    let (client, token) = (bench.client.clone(), bench.token.clone());
    let body = (zbus::Fd::from(read), Options::new());
    let unlocking = tokio::spawn(async move { client.call::<_, ()>(&token, "Token", "Unlock", &body).await });
    // The call has arrived when a later call is answered.
    bench.client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "LockAll", &()).await.unwrap();
    sleep(&logind, true).await;
    until_inhibitors(&logind, 0).await;
    rustix::io::write(&write, b"correct horse").unwrap();
    drop(write);
    assert_eq!(unlocking.await.unwrap().unwrap_err().name, "Cancelled");
    until_state(&bench, "locked").await;
}

/// The computer may suspend before everything was done, or the warning may be missed.
#[testkit::test]
async fn waking_up_cancels_requests_and_wipes_keys_again() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    let bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    sleep(&logind, false).await;
    assert_eq!(call.await.unwrap().unwrap_err().name, "Cancelled");
    bench.card.touch();
    until_state(&bench, "locked").await;
}

#[testkit::test]
async fn losing_logind_during_a_suspend_does_not_block_calls() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    let bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    sleep(&logind, true).await;
    until_inhibitors(&logind, 0).await;
    drop(logind);
    bench.until_unlocked().await;
}

#[testkit::test]
async fn a_logind_and_a_session_that_start_late_are_noticed() {
    let bench = Bench::prepare("").await.start().await;
    let bob = bench.client.credential("bob").await.unwrap();
    bench.client.calculate(&bob, Options::new()).await.unwrap();
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    until_inhibitors(&logind, 1).await;
    add_session(&logind).await;
    lock(&logind, true).await;
    until_state(&bench, "locked").await;
}

#[testkit::test]
async fn a_screen_lock_takes_effect_at_once_while_a_busy_token_is_read() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    let bob = bench.client.credential("bob").await.unwrap();
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    sleep(&logind, true).await;
    assert_eq!(call.await.unwrap().unwrap_err().name, "Cancelled");
    // Reads every token again; this token is busy until it is touched.
    sleep(&logind, false).await;
    lock(&logind, true).await;
    // The token is not touched yet, and the clock stands still, so the daemon cannot time out.
    let heeded = async {
        while bench.client.calculate(&bob, Options::new()).await.unwrap_err().name != "ScreenLocked" {}
    };
    tokio::time::timeout(EVENT_TIMEOUT, heeded).await.expect("the lock waits for the token");
    bench.card.touch();
    until_state(&bench, "locked").await;
}

#[testkit::test]
async fn stopping_logind_unlocks_nothing() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let bench = bench.start().await;
    let bob = bench.client.credential("bob").await.unwrap();
    lock(&logind, true).await;
    until_state(&bench, "locked").await;
    drop(logind);
    until("the loss is noticed", async || bench.stage.log().unwrap().contains("logind has left")).await;
    for _ in 0..10 {
        assert_eq!(bench.client.calculate(&bob, Options::new()).await.unwrap_err().name, "ScreenLocked");
    }
}

/// pcscd and the system grant access to users with an active session, and pcscd reports nothing when it does.
#[testkit::test]
async fn a_token_that_could_not_be_read_is_read_again_when_a_session_becomes_active() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    add_session_without_seat(&logind).await;
    let bench = bench.start().await;
    bench.card.fail_next(Fault::Answer(vec![0x6f, 0x00]));
    bench.client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "Reload", &()).await.unwrap();
    until_state(&bench, "error").await;
    let reason =
        async || bench.client.property::<String>(&bench.token, "Token", "StateReason").await.unwrap();
    assert_eq!(reason().await, "Malformed");
    // Long enough for another reading, and too short for the retry that is planned after 2 s.
    bench.clock().unwrap().advance(Duration::from_millis(1_500));
    for attempt in 0..3_000 {
        // The daemon misses the first change if it has not read the sessions before.
        let active = HashMap::from([("Active", Variant::from(attempt % 2 == 1))]);
        let change = ("org.freedesktop.login1.Session", active);
        logind.call(SESSION, "org.freedesktop.DBus.Mock", "UpdateProperties", &change).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let state: String = bench.client.property(&bench.token, "Token", "State").await.unwrap();
        if state != "error" {
            assert_eq!(reason().await, "");
            return;
        }
    }
    panic!("the token was not read again");
}
