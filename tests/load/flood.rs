//! One program makes far too many calls. The daemon refuses them before any object is reached, and its memory stays
//! small. `make bench` reports how long other programs wait meanwhile.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::StreamExt;
use oathbridge::dbus::names;
use testkit::resources::Resources;
use testkit::scenario::Scenario;
use zbus::message::{Builder, Message, Type};
use zbus::{MessageStream, OwnedVariant, Variant, connection};

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

const CALLS: usize = 50_000;

/// The number of clients that call during a flood for the first time.
const NEWCOMERS: usize = 20;

/// The timeout for the whole run: far more than it needs, so only a hang reaches it.
const RUN_TIMEOUT: Duration = Duration::from_secs(900);

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// Builds a call.
type Call = fn(Builder<'static>) -> Message;

/// The number of calls by outcome: the last part of the error's name.
type Outcomes = BTreeMap<String, usize>;

/// Sends [`CALLS`] calls of a new client as [`flood_of`] does.
async fn flood(address: &str, call: Call, path: &str, method: &str) -> Outcomes {
    flood_of(CALLS, address, call, path, method).await
}

/// Sends all calls of a new client without waiting for a reply, and counts the replies meanwhile.
async fn flood_of(calls: usize, address: &str, call: Call, path: &str, method: &str) -> Outcomes {
    let connection = connection::Builder::address(address).build().await.unwrap();
    let mut messages = MessageStream::from(&connection);
    let counting = tokio::spawn(async move {
        let (mut outcomes, mut count) = (Outcomes::new(), 0);
        while count < calls {
            let message = messages.next().await.unwrap().unwrap();
            let outcome = match message.message_type() {
                Type::MethodReturn => "served".to_owned(),
                Type::Error => message.header().error_name().unwrap().rsplit('.').next().unwrap().to_owned(),
                _ => continue,
            };
            *outcomes.entry(outcome).or_default() += 1;
            count += 1;
        }
        outcomes
    });
    for _ in 0..calls {
        let builder = Message::method_call(path.to_owned(), method.to_owned()).destination(names::BUS);
        connection.send(&call(builder)).await.unwrap();
    }
    counting.await.unwrap()
}

fn calculate(builder: Builder<'static>) -> Message {
    builder.interface(names::CREDENTIAL).build(&HashMap::<String, OwnedVariant>::new()).unwrap()
}

fn wrong_signature(builder: Builder<'static>) -> Message {
    builder.interface(names::CREDENTIAL).build(&"text").unwrap()
}

fn bad_option(builder: Builder<'static>) -> Message {
    builder.interface(names::CREDENTIAL).build(&HashMap::from([("bogus", Variant::from(true))])).unwrap()
}

fn find_credentials(builder: Builder<'static>) -> Message {
    builder.interface(names::MANAGER).build(&HashMap::<String, String>::new()).unwrap()
}

fn get_managed_objects(builder: Builder<'static>) -> Message {
    builder.interface("org.freedesktop.DBus.ObjectManager").build(&()).unwrap()
}

fn introspect(builder: Builder<'static>) -> Message {
    builder.interface("org.freedesktop.DBus.Introspectable").build(&()).unwrap()
}

/// On a clock that stands still, quotas do not refill. A call that is not refused because of a limit has reached the object
/// tree or the token.
#[testkit::test]
async fn what_is_over_the_limits_reaches_no_object() {
    let config = "[pcsc]\nenabled = false\n[limits]\nqueries_per_second = 100\ncodes_per_minute = 20\n";
    let world = Scenario::inside().virtual_tokens(TOKEN).config(config).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let address = world.stage.address();

    // There is no such object, so a call that reaches the object tree gets UnknownObject.
    let nothing = format!("{}/nothing", names::ROOT);
    let outcomes = flood(address, introspect, &nothing, "Introspect").await;
    let reached = not_refused(&outcomes);
    assert!((1..=100).contains(&reached), "{outcomes:?}");

    let outcomes = flood(address, calculate, &alice, "Calculate").await;
    let reached = not_refused(&outcomes);
    assert!((1..=20).contains(&reached), "{outcomes:?}");
    assert_eq!(outcomes.get("served"), Some(&reached), "{outcomes:?}");
}

/// Calls that fail before they do anything count all the same, and a further connection of the program has no limit of its
/// own.
#[testkit::test]
async fn calls_that_fail_are_limited_too() {
    let config = "[pcsc]\nenabled = false\n[limits]\nqueries_per_second = 100\ncodes_per_minute = 20\nsubmissions_per_minute = 5\n";
    let world = Scenario::inside().virtual_tokens(TOKEN).config(config).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let address = world.stage.address();
    let calls: [(Call, _); 3] =
        [(wrong_signature, "Calculate"), (bad_option, "Calculate"), (wrong_signature, "Unheard")];
    for (call, method) in calls {
        let (mut reached, mut outcomes) = (0, Vec::new());
        for _ in 0..5 {
            let outcome = flood_of(500, address, call, &alice, method).await;
            reached += not_refused(&outcome);
            outcomes.push(outcome);
        }
        // 100 of the program, and 100 of connections that are not identified yet.
        assert!(reached <= 200, "{method}: {outcomes:?}");
        assert!(!outcomes.iter().any(|outcome| outcome.contains_key("served")), "{method}: {outcomes:?}");
    }
}

/// The number of calls that were not refused because of a limit.
fn not_refused(outcomes: &Outcomes) -> usize {
    let is_refused = |name: &str| ["Busy", "RateLimited"].contains(&name);
    outcomes.iter().filter(|(name, _)| !is_refused(name)).map(|(_, count)| count).sum()
}

/// The answer to a call of busctl, each time a new client.
async fn busctl(address: &str, call: &[&str]) -> String {
    let mut busctl = std::process::Command::new("busctl");
    busctl.env("DBUS_SESSION_BUS_ADDRESS", address).args(["--user", "call", names::BUS]).args(call);
    let output = tokio::task::spawn_blocking(move || busctl.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_flood_of_any_call_leaves_the_daemon_small_and_in_service() {
    let floods = async {
        let scenario = Scenario::program(DAEMON).virtual_tokens(TOKEN).config("[pcsc]\nenabled = false\n");
        let world = scenario.start().await.unwrap();
        let alice = world.client.credential("alice").await.unwrap();
        let address = world.stage.address();
        let flooding = flood(address, calculate, &alice, "Calculate");
        let newcomers = async {
            for _ in 0..NEWCOMERS {
                let info = busctl(address, &[names::ROOT, names::MANAGER, "GetCallerInfo"]).await;
                assert!(info.contains(r#""kind" s "executable""#), "a new caller is not identified: {info}");
            }
        };
        tokio::join!(flooding, newcomers);
        flood(address, get_managed_objects, names::ROOT, "GetManagedObjects").await;
        flood(address, find_credentials, names::ROOT, "FindCredentials").await;
        flood(address, introspect, "/", "Introspect").await;
        let peak = Resources::of(world.daemon.as_ref().unwrap().id()).unwrap().peak;
        println!("peak {peak} KiB");
        assert!(peak < 32 * 1024, "{peak} KiB");
        // Another program has its own quotas.
        busctl(address, &[&alice, names::CREDENTIAL, "Calculate", "a{sv}", "0"]).await;
    };
    tokio::time::timeout(RUN_TIMEOUT, floods).await.expect("the run ends in time");
}
