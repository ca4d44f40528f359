//! Codes in the daemon's memory after a request. Only root can read it. The token is behind a real pcscd, so that the
//! daemon's process has no other copy of a code.

use std::time::{Duration, Instant};

use oathbridge::dbus::names::{self, ROOT};
use testkit::client::{Client, Extra, Options, Refusal};
use testkit::dbusmock::Mock;
use testkit::patience;
use zbus::ObjectPath;

use super::Bench;
use super::memory::{left, may_look};

/// The time for which a result is kept after the end of its operation.
const RETENTION: Duration = Duration::from_secs(60);

const SESSION: &str = "/org/freedesktop/login1/session/s1";

/// A call without a handle leaves no code: not after a reply with it, and not after a request with it to Cognito.
#[tokio::test]
async fn no_code_is_left_after_a_request() {
    let bench = Bench::with_pcscd().await;
    if !may_look(&bench) {
        return;
    }
    bench.unlock().await;
    let client = &bench.world.client;
    let (path, _) = bench.user(0).await;
    let code = client.calculate(&path, Options::new()).await.unwrap().code;
    assert_eq!(left(&bench, &[&code], 0).await, [0], "after Calculate");

    let (path, user) = bench.user(1).await;
    let options = [("access-token", user.access_token.as_str().into()), ("profile", "fake".into())];
    client.verify(&path, options.into()).await.unwrap();
    let (path, user) = bench.user(2).await;
    let session = bench.world.cognito.challenge(&user.user, None, false).unwrap();
    let options: Options<'_> = [
        ("challenge-name", "SOFTWARE_TOKEN_MFA".into()),
        ("session", session.into()),
        ("username", user.user.as_str().into()),
        ("profile", "fake".into()),
    ]
    .into();
    let path = ObjectPath::try_from(path.as_str()).unwrap();
    let _: Extra = client.call(ROOT, "Cognito", "RespondToMfaChallenge", &(path, options)).await.unwrap();
    let log = bench.world.cognito.log();
    let codes: Vec<_> = log.iter().filter_map(|entry| entry.code.as_deref()).collect();
    assert_eq!(codes.len(), 2, "{log:?}");
    assert_eq!(left(&bench, &codes, 0).await, [0, 0], "after VerifySoftwareToken and RespondToMfaChallenge");
}

/// The result of a call with a handle is kept in one copy, until the screen is locked or the computer goes to sleep.
#[tokio::test]
async fn a_kept_code_is_wiped_on_lock_and_suspend() {
    let (bench, logind) = Bench::with_logind().await;
    if !may_look(&bench) {
        return;
    }
    until_watched(&logind).await;
    bench.unlock().await;
    let kept = kept(&bench, &bench.world.client, 0, "locked").await;
    set_locked(&logind, true).await;
    until_gone(&bench, &kept.operation).await;
    assert_eq!(left(&bench, &[&kept.code], 0).await, [0], "after a locked screen");

    set_locked(&logind, false).await;
    until_unlocked(&bench).await;
    let kept = self::kept(&bench, &bench.world.client, 1, "asleep").await;
    let sleeping = vec![zbus::Variant::from(true)];
    let body = ("org.freedesktop.login1.Manager", "PrepareForSleep", "b", sleeping);
    logind.mock("EmitSignal", &body).await.unwrap();
    until_gone(&bench, &kept.operation).await;
    assert_eq!(left(&bench, &[&kept.code], 0).await, [0], "after suspend");
}

/// The daemon runs on the system's clock, so this takes the minute for which a result is kept.
#[tokio::test]
#[ignore = "takes more than a minute; scripts/accept/kept runs it"]
async fn a_kept_code_is_wiped_when_its_time_is_over() {
    let bench = Bench::with_pcscd().await;
    if !may_look(&bench) {
        return;
    }
    bench.unlock().await;
    let client = &bench.world.client;
    let begun = Instant::now();
    let kept = kept(&bench, client, 0, "expiring").await;
    while client.objects().await.unwrap().contains_key(&kept.operation) {
        assert!(begun.elapsed() < 3 * RETENTION, "it is kept for ever");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(begun.elapsed() >= RETENTION, "it is kept for too short a time");
    assert_eq!(left(&bench, &[&kept.code], 0).await, [0]);
}

#[tokio::test]
async fn a_kept_code_is_wiped_when_its_caller_leaves() {
    let bench = Bench::with_pcscd().await;
    if !may_look(&bench) {
        return;
    }
    bench.unlock().await;
    let caller = bench.world.stage.client().await.unwrap();
    let kept = kept(&bench, &caller, 0, "leaving").await;
    drop(caller);
    let is_gone = async || !bench.world.client.objects().await.unwrap().contains_key(&kept.operation);
    patience::until("the operation is gone", is_gone).await.unwrap();
    assert_eq!(left(&bench, &[&kept.code], 0).await, [0]);
}

/// A code that the daemon keeps for a client.
struct Kept {
    code: String,
    operation: String,
}

async fn kept(bench: &Bench, client: &Client, number: usize, handle: &'static str) -> Kept {
    let (path, _) = bench.user(number).await;
    let code = client.calculate(&path, [("handle-token", handle.into())].into()).await.unwrap().code;
    let name = client.connection().unique_name().unwrap();
    let operation = names::operation(name.as_str(), Some(handle), 0).to_string();
    let read = result(client, &operation).await.unwrap();
    assert_eq!(String::try_from(read["code"].try_clone().unwrap()).unwrap(), code);
    assert_eq!(left(bench, &[&code], 1).await, [1], "the kept result");
    Kept { code, operation }
}

async fn result(client: &Client, operation: &str) -> Result<Extra, Refusal> {
    client.call(operation, "Operation", "GetResult", &()).await
}

async fn until_gone(bench: &Bench, operation: &str) {
    let is_gone = async || result(&bench.world.client, operation).await.is_err();
    patience::until("the result is gone", is_gone).await.unwrap();
}

async fn until_unlocked(bench: &Bench) {
    let (_, locked) = bench.world.client.find(&[]).await.unwrap();
    let is_unlocked = async || bench.world.client.unlock(&locked[0], super::PASSWORD).await.is_ok();
    patience::until("the token can be unlocked", is_unlocked).await.unwrap();
}

/// Waits until the daemon delays the suspend, which it does once it listens.
async fn until_watched(logind: &Mock) {
    let is_delayed = async || {
        let (path, manager) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
        let reply = logind.call(path, manager, "ListInhibitors", &()).await.unwrap();
        let list: Vec<(String, String, String, String, u32, u32)> =
            reply.body().deserialize().unwrap_or_default();
        !list.is_empty()
    };
    patience::until("the suspend is delayed", is_delayed).await.unwrap();
}

async fn set_locked(logind: &Mock, locked: bool) {
    logind.call(SESSION, "org.freedesktop.login1.Session", "SetLockedHint", &(locked)).await.unwrap();
}
