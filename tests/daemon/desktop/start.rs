//! What a daemon knows about the screen when it takes its name.

use std::fs;

use oathbridge::dbus::names::ROOT;
use testkit::client::{Extra, Options};
use testkit::dbusmock::Mock;

use super::session::{SESSION, add_session, lock, until_inhibitors};
use super::{Bench, until};

const INTERFACE: &str = "org.freedesktop.login1.Session";

/// The word of `GetCallerInfo`; empty if it has none.
pub(crate) async fn screen(bench: &Bench) -> String {
    let mut info: Extra = bench.client.call(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
    info.remove("screen").map(|word| String::try_from(word).unwrap()).unwrap_or_default()
}

/// A screen locker that never sets `LockedHint` leaves no other trace of a locked screen.
#[testkit::test]
async fn a_requested_lock_outlives_a_restart_of_the_daemon() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let mut bench = bench.start().await;
    until_inhibitors(&logind, 1).await;
    let bob = bench.client.credential("bob").await.unwrap();
    let request = async |member: &str| {
        logind.call(SESSION, INTERFACE, member, &()).await.unwrap();
    };
    request("Lock").await;
    let kept = bench.stage.runtime().join("oathbridge/lock-requests");
    until("the request is kept", async || kept.exists()).await;
    bench.end_daemon().await.unwrap();
    until_inhibitors(&logind, 0).await;
    bench.start_daemon().await.unwrap();
    assert_eq!(screen(&bench).await, "lock-requested");
    assert_eq!(bench.client.calculate(&bob, Options::new()).await.unwrap_err().name, "ScreenLocked");

    request("Unlock").await;
    bench.until_unlocked().await;
    let is_forgotten = async || fs::read_to_string(&kept).is_ok_and(|text| !text.contains(SESSION));
    until("the request is forgotten", is_forgotten).await;
    bench.end_daemon().await.unwrap();
    until_inhibitors(&logind, 0).await;
    bench.start_daemon().await.unwrap();
    assert_eq!(screen(&bench).await, "unlocked");
}

/// Writes what an earlier daemon kept.
fn keep(bench: &Bench, text: &str) {
    let folder = bench.stage.runtime().join("oathbridge");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("lock-requests"), text).unwrap();
}

#[testkit::test]
async fn kept_requests_lock_although_logind_does_not_answer() {
    let request = format!(
        "{{\"version\": 1, \"requested\": {{\"{SESSION}\": 0}}, \"ended\": {{}}, \"is_unknown\": false}}"
    );
    for text in [request.as_str(), "damaged"] {
        let mut bench = Bench::prepare("").await;
        let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
        add_session(&logind).await;
        answer(&logind, "raise dbus.exceptions.DBusException('not now')").await;
        keep(&bench, text);
        bench.start_daemon().await.unwrap();
        let (_, locked) = bench.client.find(&[]).await.unwrap();
        let refusal = bench.client.unlock(&locked[0], "correct horse").await.unwrap_err();
        assert!(refusal.sentence.contains("was requested to lock"), "{text}: {refusal:?}");
        // It is an assumption, which the daemon does not tell as a fact.
        assert_eq!(screen(&bench).await, "", "{text}");
        answer(&logind, &sessions()).await;
        logind.call(SESSION, INTERFACE, "Unlock", &()).await.unwrap();
        until("the screen is unlocked", async || screen(&bench).await == "unlocked").await;
    }
}

/// Makes logind answer the question for the sessions with this code.
pub(crate) async fn answer(logind: &Mock, code: &str) {
    let method = ("org.freedesktop.login1.Manager", "ListSessions", "", "a(susso)", code);
    logind.mock("AddMethod", &method).await.unwrap();
}

/// The code for the session of this user.
fn sessions() -> String {
    let user = rustix::process::geteuid().as_raw();
    format!("ret = [('s1', dbus.UInt32({user}), 'me', 'seat0', dbus.ObjectPath('{SESSION}'))]")
}

#[testkit::test]
async fn a_request_to_a_session_that_has_ended_does_not_lock() {
    let mut bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let other = format!("{SESSION}_ended");
    keep(
        &bench,
        &format!(
            "{{\"version\": 1, \"requested\": {{\"{other}\": 0}}, \"ended\": {{}}, \"is_unknown\": false}}"
        ),
    );
    bench.start_daemon().await.unwrap();
    assert_eq!(screen(&bench).await, "unlocked");
    let kept = bench.stage.runtime().join("oathbridge/lock-requests");
    let is_dropped = async || fs::read_to_string(&kept).is_ok_and(|text| !text.contains(&other));
    until("it is dropped", is_dropped).await;
}

/// A call that starts the daemon arrives with the name.
#[testkit::test]
async fn a_screen_that_is_locked_before_the_start_is_known_before_the_first_call() {
    let mut bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    lock(&logind, true).await;
    // logind takes its time.
    answer(&logind, &format!("import time\ntime.sleep(0.5)\n{}", sessions())).await;
    bench.start_daemon().await.unwrap();
    assert_eq!(screen(&bench).await, "locked");
}

/// The sentence of the refusal of a call that needs an unlocked screen.
pub(crate) async fn refusal(bench: &Bench) -> String {
    let (_, locked) = bench.client.find(&[]).await.unwrap();
    let refusal = bench.client.unlock(&locked[0], "correct horse").await.unwrap_err();
    assert_eq!(refusal.name, "ScreenLocked");
    refusal.sentence
}

/// Without it, an error of logind at the start of the daemon would open a locked screen.
#[testkit::test]
async fn a_screen_that_logind_does_not_tell_counts_as_locked_until_it_does() {
    let user = rustix::process::geteuid().as_raw();
    // The object has no LockedHint.
    let other = format!(
        "ret = [('s1', dbus.UInt32({user}), 'me', 'seat0', dbus.ObjectPath('/org/freedesktop/login1/seat/seat0'))]"
    );
    for code in ["raise dbus.exceptions.DBusException('not now')", &other] {
        let mut bench = Bench::prepare("").await;
        let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
        add_session(&logind).await;
        answer(&logind, code).await;
        bench.start_daemon().await.unwrap();
        let sentence = refusal(&bench).await;
        assert!(sentence.contains("systemctl status systemd-logind"), "{code}: {sentence}");
        assert_eq!(screen(&bench).await, "unknown", "{code}");
        answer(&logind, &sessions()).await;
        until("the screen is unlocked", async || screen(&bench).await == "unlocked").await;
        bench.until_found_unlocked().await;
    }
}
