//! Calls over the limits are refused at once, and other callers are not affected.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use oathbridge::dbus::names::{self, ROOT};
use testkit::client::{Client, Extra, Options};
use testkit::resources::Resources;
use zbus::ObjectPath;
use zbus::message::{Flags, Message};

use super::Bench;

#[tokio::test]
async fn more_codes_than_allowed_in_a_minute_are_refused() {
    let bench = Bench::new("[limits]\ncodes_per_minute = 3\n").await;
    for _ in 0..3 {
        bench.client.calculate(&bench.alice, Options::new()).await.unwrap();
    }
    let named = Options::from([("handle-token", "over".into())]);
    let refusal = bench.client.calculate(&bench.alice, named).await.unwrap_err();
    assert_eq!(refusal.name, "RateLimited");
    assert!(refusal.sentence.contains("try again in"), "{refusal:?}");
    // A new connection of the same program counts for the same limit, and other calls do not count as codes.
    let again = bench.stage.client().await.unwrap();
    assert_eq!(again.calculate(&bench.alice, Options::new()).await.unwrap_err().name, "RateLimited");
    bench.client.find(&[]).await.unwrap();
    // Another program has its own limit.
    assert_eq!(bench.calculate(&[]).code, 0);
}

#[tokio::test]
async fn more_calls_at_once_than_allowed_for_a_client_are_refused() {
    let bench = Bench::new("[limits]\ncalls_per_client = 2\n").await;
    // The calls wait for a token that is never plugged in.
    let absent = bench.alice.replace("/ykoath_", "/ykoath_00");
    let wait = || Options::from([("wait-for-token", true.into()), ("timeout", 10_u32.into())]);
    let calls = (0..6).map(|_| bench.client.calculate(&absent, wait()));
    let names: Vec<_> = join_all(calls).await.into_iter().map(|result| result.unwrap_err().name).collect();
    assert_eq!(names.iter().filter(|name| *name == "Busy").count(), 4, "{names:?}");
    assert_eq!(names.iter().filter(|name| *name == "TokenRemoved").count(), 2, "{names:?}");
    bench.client.calculate(&bench.alice, Options::new()).await.unwrap();
}

#[tokio::test]
async fn a_client_with_too_many_calls_can_still_query_lock_and_cancel() {
    let bench = Bench::new("[limits]\ncalls_per_client = 2\ncalls = 2\n").await;
    let absent = bench.alice.replace("/ykoath_", "/ykoath_00");
    let wait = Options::from([("wait-for-token", true.into()), ("handle-token", "endless".into())]);
    let (first, second) = (bench.client.clone(), bench.client.clone());
    let waiting = tokio::spawn({
        let absent = absent.clone();
        async move { first.calculate(&absent, wait).await }
    });
    let more = Options::from([("wait-for-token", true.into())]);
    let also = tokio::spawn(async move { second.calculate(&absent, more).await });
    let caller = bench.client.connection().unique_name().unwrap().to_string();
    let operation = names::operation(&caller, Some("endless"), 0).to_string();
    while bench.client.property::<String>(&operation, "Operation", "State").await.is_err() {}
    while bench.client.calculate(&bench.alice, Options::new()).await.is_ok() {}
    let refusal = bench.client.calculate(&bench.alice, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "Busy");
    bench.client.find(&[]).await.unwrap();
    bench.client.call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap();
    assert!(bench.client.call::<_, bool>(&operation, "Operation", "Cancel", &()).await.unwrap());
    assert_eq!(waiting.await.unwrap().unwrap_err().name, "Cancelled");
    also.abort();
}

#[tokio::test]
async fn a_client_with_too_many_queries_does_not_block_locking() {
    let bench = Bench::new("").await;
    let flood = async |flags: Option<Flags>| {
        let client = bench.stage.client().await.unwrap();
        // A client that does not read its replies would block.
        let mut replies = zbus::MessageStream::from(client.connection());
        let reading = tokio::spawn(async move { while let Some(Ok(_)) = replies.next().await {} });
        for _ in 0..1_000 {
            let ping = Message::method_call("/", "Ping").destination(names::BUS);
            let ping = ping.interface("org.freedesktop.DBus.Peer");
            let ping = flags.into_iter().fold(ping, zbus::message::Builder::with_flags);
            client.connection().send(&ping.build(&()).unwrap()).await.unwrap();
        }
        reading.abort();
    };
    let locking = async {
        for _ in 0..50 {
            bench.client.call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap();
        }
    };
    let quiet = Some(Flags::NO_REPLY_EXPECTED);
    tokio::join!(flood(None), flood(None), flood(None), flood(quiet), locking);
    // Calls without a reply do not count.
    tokio::join!(flood(quiet), flood(quiet), flood(quiet));
    let mut looks = bench.client.problems().await;
    while looks.is_err() {
        // Waits until the limit of one second has passed.
        looks = bench.client.problems().await;
    }
}

#[tokio::test]
async fn a_message_far_over_the_limit_is_never_held_in_memory() {
    let bench = Bench::new("").await;
    let find = HashMap::from([("issuer", "x".repeat(48 << 20))]);
    let refusal = bench.client.call::<_, ()>(ROOT, "Manager", "FindCredentials", &find).await.unwrap_err();
    assert_eq!(refusal.name, "org.freedesktop.DBus.Error.InvalidArgs", "{refusal:?}");
    // An unexpected signal, and a header that is over the limit by itself.
    let daemon = bench.client.connection().clone();
    let signal = Message::signal("/", "com.example.Noise", "Noise").destination(names::BUS);
    daemon.send(&signal.build(&"x".repeat(48 << 20)).unwrap()).await.unwrap();
    let path = format!("/{}", "x".repeat(1 << 20));
    let call = Message::method_call(path.as_str(), "Ping").destination(names::BUS);
    daemon.send(&call.build(&()).unwrap()).await.unwrap();
    bench.client.calculate(&bench.alice, Options::new()).await.unwrap();
    let peak = Resources::of(bench.daemon.as_ref().unwrap().id()).unwrap().peak;
    assert!(peak < 32 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused() {
    let bench = Bench::new("[limits]\nmessage_kib = 16\n").await;
    let find = |length: usize| HashMap::from([("issuer", "x".repeat(length))]);
    let refusal =
        bench.client.call::<_, ()>(ROOT, "Manager", "FindCredentials", &find(17_000)).await.unwrap_err();
    assert_eq!(refusal.name, "org.freedesktop.DBus.Error.InvalidArgs");
    assert!(refusal.sentence.contains("message_kib"), "{refusal:?}");
    let empty: (Vec<zbus::OwnedObjectPath>, Vec<zbus::OwnedObjectPath>) =
        bench.client.call(ROOT, "Manager", "FindCredentials", &find(15_000)).await.unwrap();
    assert!(empty.0.is_empty());
}

/// The clock stands still, so that no quota refills by itself.
#[testkit::test]
async fn signals_over_the_limit_count_although_they_are_dropped() {
    let limits = "[limits]\nmessage_kib = 16\nqueries_per_second = 40\n";
    let bench = Bench::of(testkit::scenario::Scenario::inside(), limits).await;
    let noise = Message::signal("/", "com.example.Noise", "Noise").destination(names::BUS);
    let noise = noise.build(&"x".repeat(17_000)).unwrap();
    let noisy = bench.stage.client().await.unwrap();
    // What is refused before the connection is identified does not count for it.
    let _: Extra = noisy.call(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
    for _ in 0..39 {
        noisy.connection().send(&noise).await.unwrap();
    }
    let refusal = noisy.call::<_, Extra>(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap_err();
    assert_eq!(refusal.name, "RateLimited");
}

/// The clock stands still, so the quota that all new connections share does not refill. The daemon asks the bus about
/// each connection after its first message, so each first message counts for that quota.
#[testkit::test]
async fn a_new_connection_is_served_although_other_new_ones_have_used_up_what_they_share() {
    let limits = "[limits]\nqueries_per_second = 40\nall_queries_per_second = 1000\ncodes_per_minute = 1\n";
    let bench = Bench::of(testkit::scenario::Scenario::inside(), limits).await;
    for number in 0..50 {
        let newcomer = bench.stage.client().await.unwrap();
        let served = newcomer.call::<_, Extra>(ROOT, "Manager", "GetCallerInfo", &()).await;
        // The later ones count for their program, which has a quota of its own.
        served.unwrap_or_else(|refusal| panic!("connection {number}: {refusal:?}"));
    }
}

/// The clock stands still. Some of the calls come before the daemon knows the program of their connection.
#[testkit::test]
async fn a_call_that_waits_until_its_connection_is_identified_counts_once() {
    let limits = "[limits]\nqueries_per_second = 40\nall_queries_per_second = 1000\ncodes_per_minute = 1\n";
    let bench = Bench::of(testkit::scenario::Scenario::inside(), limits).await;
    bench.clock().unwrap().advance(Duration::from_secs(60));
    for _ in 0..40 {
        let newcomer = bench.stage.client().await.unwrap();
        newcomer.call::<_, Extra>(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
    }
    let last = bench.stage.client().await.unwrap();
    let call = || last.call::<_, Extra>(ROOT, "Manager", "GetCallerInfo", &());
    let mut answers = join_all((0..3).map(|_| call())).await;
    for _ in 0..50 {
        answers.push(call().await);
    }
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 40, "{answers:?}");
}

/// What a program calls that wants to keep the daemon busy; none of these has an effect.
const USELESS: [(&str, &str, Useless); 5] = [
    ("Manager", "Unheard", Useless::Nothing),
    ("Manager", "FindCredentials", Useless::OtherSignature),
    ("Credential", "Unheard", Useless::OtherSignature),
    ("Credential", "Calculate", Useless::OtherSignature),
    ("Credential", "Calculate", Useless::UnknownOption),
];

/// The arguments of such a call.
#[derive(Clone, Copy, Debug)]
enum Useless {
    Nothing,
    OtherSignature,
    UnknownOption,
}

impl Useless {
    async fn call(self, client: &Client, path: &str, interface: &str, method: &str) -> String {
        let refusal = match self {
            Self::Nothing => client.call::<_, ()>(path, interface, method, &()).await,
            Self::OtherSignature => client.call(path, interface, method, &(7_u32, "seven")).await,
            Self::UnknownOption => {
                client.call(path, interface, method, &Options::from([("unheard", true.into())])).await
            }
        };
        refusal.unwrap_err().name
    }
}

/// Has busctl read a property many times on one connection. The first calls may come before the daemon knows its program.
fn read_often(bench: &Bench) {
    let mut busctl = Command::new("busctl");
    busctl.arg(format!("--address={}", bench.stage.address())).args(["get-property", names::BUS, ROOT]);
    let output = busctl.arg(names::MANAGER).args(["Version"; 20]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The clock stands still, so that no quota refills by itself.
#[testkit::test]
async fn useless_calls_of_two_connections_use_up_the_share_of_their_program_and_of_no_other_one() {
    let limits = "[limits]\nqueries_per_second = 40\ncodes_per_minute = 40\n";
    let bench = Bench::of(testkit::scenario::Scenario::inside(), limits).await;
    let two = [bench.stage.client().await.unwrap(), bench.stage.client().await.unwrap()];
    for client in &two {
        // From the reply on, the daemon knows the program of the connection.
        client.call::<_, Extra>(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
    }
    for (interface, method, useless) in USELESS {
        bench.clock().unwrap().advance(Duration::from_secs(60));
        let path = if interface == "Manager" { ROOT } else { bench.alice.as_str() };
        let mut answers = Vec::new();
        for client in two.iter().cycle().take(50) {
            answers.push(useless.call(client, path, interface, method).await);
        }
        let served = answers.iter().filter(|name| *name != "RateLimited").count();
        assert_eq!(served, 40, "{method} {useless:?}: {answers:?}");
        assert_eq!(answers.last().unwrap(), "RateLimited");
        // Another program.
        read_often(&bench);
        let other = bench.calculate(&[]);
        assert_eq!(other.code, 0, "{}", other.said);
    }
}

/// Makes calls until they are refused for their number.
async fn until_limited(call: impl AsyncFn() -> String) {
    for _ in 0..1_000 {
        if call().await == "RateLimited" {
            return;
        }
    }
    panic!("a thousand calls are no flood");
}

/// The clock stands still, so that no quota refills by itself.
#[testkit::test]
async fn a_connection_that_has_used_up_its_limits_can_still_lock() {
    let limits = "[limits]\nqueries_per_second = 40\n\
                  [[access.rule]]\ncaller = 'executable:*'\nread_code = 'deny'\n";
    let bench = Bench::of(testkit::scenario::Scenario::inside(), limits).await;
    // Denied calls, and calls that are refused before they count as what they are.
    let code = async || bench.client.calculate(&bench.alice, Options::new()).await.unwrap_err().name;
    until_limited(code).await;
    until_limited(async || Useless::Nothing.call(&bench.client, ROOT, "Manager", "Unheard").await).await;
    // A client may ask for a result again and again.
    let caller = bench.client.connection().unique_name().unwrap().to_string();
    let absent = names::operation(&caller, Some("absent"), 0).to_string();
    let result = async || bench.client.call::<_, Extra>(&absent, "Operation", "GetResult", &()).await;
    until_limited(async || result().await.unwrap_err().name).await;
    for _ in 0..40 {
        bench.client.call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap();
    }
    let refusal = bench.client.call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap_err();
    assert_eq!(refusal.name, "RateLimited", "its own limit");
}

#[tokio::test]
async fn an_id_that_is_longer_than_every_id_is_refused_and_not_logged() {
    let bench = Bench::new("").await;
    let letters = "x".repeat(50_000);
    let long = format!("{ROOT}/credentials/ykoath_{letters}_0011223344556677");
    let refusal = bench.client.calculate(&long, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "org.freedesktop.DBus.Error.UnknownObject");
    assert!(refusal.sentence.len() < 1_000, "{}", refusal.sentence.len());
    let options = Options::from([("access-token", "e30.e30.e30".into())]);
    let body = (ObjectPath::try_from(long.as_str()).unwrap(), options);
    let refusal =
        bench.client.call::<_, ()>(ROOT, "Cognito", "VerifySoftwareToken", &body).await.unwrap_err();
    assert_eq!(refusal.name, "org.freedesktop.DBus.Error.InvalidArgs");
    assert!(!bench.stage.log().unwrap().contains(&letters[..1_000]));
}
