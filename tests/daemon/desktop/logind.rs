//! Forged signals are ignored, an error of logind changes nothing, and a requested lock counts.

use std::collections::HashMap;

use oathbridge::dbus::names::ROOT;
use testkit::client::Options;
use testkit::dbusmock::Mock;
use zbus::{Connection, Variant, connection, fdo};

use super::session::{
    SESSION, add_session, add_session_without_seat, lock, sleep, until_inhibitors, until_state,
};
use super::start::screen;
use super::{Bench, EVENT_TIMEOUT, until};

const MANAGER: &str = "org.freedesktop.login1.Manager";

/// Another client of the system bus, and the daemon's unique name there.
async fn somebody(bench: &Bench, logind: &Mock) -> (Connection, String) {
    let connection = connection::Builder::address(bench.system().unwrap().address()).build().await.unwrap();
    let bus = fdo::DBusProxy::new(&connection).await.unwrap();
    // This process has two more connections to it.
    let ours = [connection.unique_name().unwrap().to_string(), logind.caller().unwrap()];
    let daemon = bench.daemon.as_ref().unwrap().id();
    for name in bus.list_names().await.unwrap() {
        let process = bus.get_connection_unix_process_id(name.as_ref()).await;
        let is_daemon = name.starts_with(':') && !ours.iter().any(|own| name == own.as_str());
        if is_daemon && process.is_ok_and(|process| process == daemon) {
            return (connection, name.to_string());
        }
    }
    panic!("the daemon is not on the system bus");
}

#[testkit::test]
async fn a_flood_of_forged_signals_has_no_effect() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    let (forger, daemon) = somebody(&bench, &logind).await;
    let to = Some(daemon.as_str());
    let path = "/org/freedesktop/login1";
    forger.emit_signal(to, path, MANAGER, "PrepareForSleep", &true).await.unwrap();
    let changed = (MANAGER, HashMap::<&str, Variant<'_>>::new(), Vec::<&str>::new());
    for _ in 0..500 {
        let properties = "org.freedesktop.DBus.Properties";
        forger.emit_signal(to, SESSION, properties, "PropertiesChanged", &changed).await.unwrap();
        let bus = "org.freedesktop.DBus";
        let gone = ("org.freedesktop.login1", ":1.1", "");
        forger.emit_signal(to, "/org/freedesktop/DBus", bus, "NameOwnerChanged", &gone).await.unwrap();
    }
    bench.card.touch();
    call.await.unwrap().unwrap();
    lock(&logind, true).await;
    until_state(&bench, "locked").await;
    // All signals have been read by now, without an effect.
    lock(&logind, false).await;
    bench.until_unlocked().await;
}

#[testkit::test]
async fn the_system_bus_passes_no_descriptor_to_the_daemon() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    let bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    let (stranger, daemon) = somebody(&bench, &logind).await;
    let fd = zbus::Fd::from(std::os::fd::OwnedFd::from(std::io::pipe().unwrap().0));
    let call = stranger.call_method(Some(daemon.as_str()), "/", Some("com.example.Noise"), "Take", &fd);
    let called = tokio::time::timeout(EVENT_TIMEOUT, call).await.expect("the bus answers");
    let Err(zbus::Error::FDO(error)) = called else { panic!("{called:?}") };
    assert!(matches!(*error, fdo::Error::NotSupported(_)), "not the error of the bus: {error}");
}

/// Makes logind list a session at this path from now on.
async fn tell_of_sessions(logind: &Mock, paths: &[&str]) {
    let user = rustix::process::geteuid().as_raw();
    let entry = |path| format!("('s1', dbus.UInt32({user}), 'me', 'seat0', dbus.ObjectPath('{path}'))");
    let list: Vec<_> = paths.iter().map(entry).collect();
    let code = format!("ret = [{}]", list.join(", "));
    let method = (MANAGER, "ListSessions", "", "a(susso)", code);
    logind.mock("AddMethod", &method).await.unwrap();
    let arguments = vec![Variant::from("s1"), zbus::ObjectPath::try_from(SESSION).unwrap().into()];
    logind.mock("EmitSignal", &(MANAGER, "SessionNew", "so", arguments)).await.unwrap();
}

#[testkit::test]
async fn an_error_of_logind_unlocks_nothing_and_is_retried() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let bench = bench.start().await;
    let bob = bench.client.credential("bob").await.unwrap();
    lock(&logind, true).await;
    until_state(&bench, "locked").await;
    // The session has no LockedHint, so logind returns an error.
    tell_of_sessions(&logind, &["/org/freedesktop/login1/seat/seat0"]).await;
    let listed =
        |calls: &[testkit::dbusmock::Call]| calls.iter().filter(|call| call.1 == "ListSessions").count();
    // Only the failure makes the daemon read the state again.
    logind.until(|calls| listed(calls) >= 2).await.unwrap();
    assert_eq!(bench.client.calculate(&bob, Options::new()).await.unwrap_err().name, "ScreenLocked");
    tell_of_sessions(&logind, &[]).await;
    bench.until_unlocked().await;
}

/// `loginctl lock-session` sends the signal Lock only, and some screen lockers never set `LockedHint`.
#[testkit::test]
async fn a_requested_lock_counts_until_unlock_or_until_the_hint_says_more() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    let bob = bench.client.credential("bob").await.unwrap();
    let request = async |member: &str| {
        logind.call(SESSION, "org.freedesktop.login1.Session", member, &()).await.unwrap();
    };
    let waiting = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    request("Lock").await;
    until_state(&bench, "locked").await;
    let cancelled = waiting.await.unwrap().unwrap_err();
    assert_eq!(cancelled.name, "Cancelled");
    assert!(
        cancelled.sentence.contains("requested to lock") && cancelled.sentence.contains("unlock-session")
    );
    let refusal = bench.client.calculate(&bob, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "ScreenLocked");
    assert!(refusal.sentence.contains("was requested to lock"), "{refusal:?}");
    request("Unlock").await;
    bench.until_unlocked().await;
    bench.client.calculate(&bob, Options::new()).await.unwrap();

    request("Lock").await;
    until_state(&bench, "locked").await;
    lock(&logind, true).await;
    lock(&logind, false).await;
    bench.until_unlocked().await;
}

async fn until_screen(bench: &Bench, word: &str) {
    until(&format!("the screen is {word}"), async || screen(bench).await == word).await;
}

#[testkit::test]
async fn a_locked_screen_and_a_requested_lock_are_told_apart() {
    let bench = Bench::prepare("[access]\nwhile_locked = 'allow'\n").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let bench = bench.start().await;
    until_screen(&bench, "unlocked").await;
    logind.call(SESSION, "org.freedesktop.login1.Session", "Lock", &()).await.unwrap();
    until_screen(&bench, "lock-requested").await;
    until_state(&bench, "locked").await;
    bench.unlock().await;
    let bob = bench.client.credential("bob").await.unwrap();
    lock(&logind, true).await;
    until_screen(&bench, "locked").await;
    // After a screen locker that does not tell logind, a request may be hours old.
    until_state(&bench, "locked").await;
    bench.configure("").unwrap();
    bench.client.call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    let refusal = bench.client.calculate(&bob, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "ScreenLocked");
    assert!(refusal.sentence.starts_with("The screen is locked;"), "{refusal:?}");
    lock(&logind, false).await;
    until_screen(&bench, "unlocked").await;
}

/// `loginctl lock-sessions` and a closed lid request it of every session, and no screen locker serves one of ssh.
#[testkit::test]
async fn a_requested_lock_of_a_session_without_a_seat_does_not_count() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    add_session_without_seat(&logind).await;
    let bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    let bob = bench.client.credential("bob").await.unwrap();
    logind
        .call("/org/freedesktop/login1/session/m1", "org.freedesktop.login1.Session", "Lock", &())
        .await
        .unwrap();
    // The daemon reads the sessions after that signal, before and after this event.
    sleep(&logind, true).await;
    until_inhibitors(&logind, 0).await;
    sleep(&logind, false).await;
    until_inhibitors(&logind, 1).await;
    bench.unlock().await;
    for _ in 0..10 {
        bench.client.calculate(&bob, Options::new()).await.unwrap();
    }
}

/// logind keeps a session while a process of it runs, and its screen locker is gone.
#[testkit::test]
async fn a_locked_session_that_is_closing_does_not_count() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let user = rustix::process::geteuid().as_raw();
    logind.mock("AddSession", &("s2", "seat1", user, "me", true)).await.unwrap();
    let mut bench = bench.start().await;
    let become_state = async |state: &str| {
        let changes = HashMap::from([("State", Variant::from(state)), ("LockedHint", true.into())]);
        let body = ("org.freedesktop.login1.Session", changes);
        let session = "/org/freedesktop/login1/session/s2";
        logind.call(session, "org.freedesktop.DBus.Mock", "UpdateProperties", &body).await.unwrap();
    };
    become_state("online").await;
    until_screen(&bench, "locked").await;
    become_state("closing").await;
    until_screen(&bench, "unlocked").await;
    bench.end_daemon().await.unwrap();
    bench.start_daemon().await.unwrap();
    until_screen(&bench, "unlocked").await;
}
