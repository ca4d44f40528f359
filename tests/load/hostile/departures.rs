//! Connections that leave in the middle of calls: nothing of them stays.

use std::collections::HashMap;
use std::io::{PipeWriter, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use oathbridge::dbus::names::{self, ROOT};
use testkit::client::{Client, Extra};
use testkit::daemon::Stage;
use testkit::resources::Resources;
use testkit::scenario::{Scenario, World};
use zbus::message::Message;
use zbus::{Fd, Variant};

use super::{CONFIG, TEST_TIMEOUT};
use crate::ALLOCATOR;

/// The connections of one round; memory is measured after each.
const ROUND: usize = 2_500;
/// The rounds after which maps and queues have their usual capacity.
const WARM_UP: usize = 2;
/// The rounds of 10,000 connections.
const ROUNDS: usize = 4;
/// The number of connections that are open at once.
const TOGETHER: usize = 50;
/// How much more memory may be allocated afterwards, in bytes: less than 7 for each connection. A map that doubles its
/// capacity by chance takes up to 20 KiB.
const GROWTH: usize = 64 * 1024;

/// The threads of the pool that may be left.
const POOL_THREADS: usize = 2;

/// No touch comes within the test, so calls wait for one.
const TOKENS: &str = "[[token]]
serial = 31415926
touch = { after-seconds = 3600 }
credential = [
    { issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { issuer = 'AWS', account = 'bob', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', touch = true },
]
";

/// Calls that have no reply yet: they wait for a touch, for a token, or for the inbound filter.
struct Calls {
    bytes: Vec<u8>,
    token: String,
}

impl Calls {
    fn new(bob: &str) -> Self {
        let token = bob.replace("credentials", "tokens").rsplit_once('_').unwrap().0.to_owned();
        let absent = format!("{ROOT}/credentials/ykoath_00_0123456789abcdef");
        let options = |pairs: Vec<(&'static str, Variant<'static>)>| HashMap::<_, _>::from_iter(pairs);
        let calculate = |path: &str, options: HashMap<&str, Variant<'_>>| {
            call(path, names::CREDENTIAL, "Calculate").build(&(options)).unwrap()
        };
        let nothing = HashMap::<String, String>::new();
        let mut messages = vec![
            hello(),
            calculate(bob, options(vec![("handle-token", "one".into())])),
            calculate(bob, options(vec![])),
            calculate(
                &absent,
                options(vec![("wait-for-token", true.into()), ("handle-token", "two".into())]),
            ),
            call(ROOT, names::MANAGER, "FindCredentials").build(&(nothing)).unwrap(),
            call(ROOT, names::MANAGER, "GetCallerInfo").build(&()).unwrap(),
        ];
        for _ in 0..8 {
            let get = call(ROOT, "org.freedesktop.DBus.Properties", "Get");
            messages.push(get.build(&(names::MANAGER, "Version")).unwrap());
        }
        let bytes = messages.iter().flat_map(|message| message.data().bytes().to_vec()).collect();
        Self { bytes, token }
    }
}

fn call<'a>(path: &'a str, interface: &'a str, member: &'a str) -> zbus::message::Builder<'a> {
    Message::method_call(path, member).interface(interface).destination(names::BUS)
}

fn hello() -> Message {
    let bus = "org.freedesktop.DBus";
    Message::method_call("/org/freedesktop/DBus", "Hello").interface(bus).destination(bus).build(&()).unwrap()
}

/// A connection that has made its calls and reads no reply.
fn open(socket: &str, calls: &Calls) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    let uid = rustix::process::geteuid().as_raw().to_string();
    let hex: String = uid.bytes().map(|byte| format!("{byte:02x}")).collect();
    stream.write_all(format!("\0AUTH EXTERNAL {hex}\r\nBEGIN\r\n").as_bytes()).unwrap();
    stream.write_all(&calls.bytes).unwrap();
    stream
}

/// A connection with an unlocking call, which waits for its descriptor to be written; the returned end is never written.
async fn open_with_descriptor(stage: &Stage, calls: &Calls) -> (Client, PipeWriter) {
    let client = stage.client().await.unwrap();
    let (reader, writer) = pipe().unwrap();
    let unlock = call(&calls.token, "io.github.oathbridge.OathBridge1.Token", "Unlock")
        .build(&(Fd::from(OwnedFd::from(reader)), HashMap::<&str, Variant<'_>>::new()))
        .unwrap();
    client.connection().send(&unlock).await.unwrap();
    (client, writer)
}

/// A round trip.
async fn caller_info(client: &Client) {
    let _: Extra = client.call(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
}

async fn come_and_go(stage: &Stage, client: &Client, calls: &Calls, count: usize) {
    let socket = stage.address().strip_prefix("unix:path=").unwrap().split(',').next().unwrap();
    for batch in 0..count / TOGETHER {
        let open: Vec<_> = (1..TOGETHER).map(|_| open(socket, calls)).collect();
        let with_descriptor = open_with_descriptor(stage, calls).await;
        // A round trip: the calls have arrived. Callers are identified in turn, so after the second one all of these are,
        // and their operations have begun.
        caller_info(client).await;
        if batch % 2 == 0 {
            caller_info(&with_descriptor.0).await;
        }
        drop((open, with_descriptor));
    }
}

/// The last census in the log, once a connection has left.
async fn census(stage: &Stage) -> String {
    let probe = stage.client().await.unwrap();
    caller_info(&probe).await;
    drop(probe);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let log = stage.log().unwrap();
    let line = log.lines().rfind(|line| line.contains("in memory are")).unwrap_or_default();
    line.split("in memory are ").nth(1).unwrap_or_default().to_owned()
}

#[testkit::test]
async fn ten_thousand_connections_that_leave_in_the_middle_of_calls_leave_nothing() {
    tokio::time::timeout(TEST_TIMEOUT, come_and_go_and_look()).await.expect("in good time");
}

/// The daemon runs in this process. The allocator of glibc keeps pages of freed memory, how many is a matter of chance, so
/// the test counts the allocated bytes instead of resident pages.
async fn come_and_go_and_look() {
    let limits = "[limits]\nall_codes_per_minute = 1000000";
    let config = CONFIG.replace("[limits]", limits);
    let World { client, stage, daemon: _daemon, .. } =
        Scenario::inside().virtual_tokens(TOKENS).config(&config).start().await.unwrap();
    let [alice, bob] = [client.credential("alice").await.unwrap(), client.credential("bob").await.unwrap()];
    let calls = Calls::new(&bob);
    let threads = settled(&stage, usize::MAX).await;
    let mut memory = Vec::with_capacity(WARM_UP + ROUNDS);
    for _ in 0..WARM_UP + ROUNDS {
        come_and_go(&stage, &client, &calls, ROUND).await;
        settled(&stage, threads + POOL_THREADS).await;
        memory.push(ALLOCATOR.allocated());
    }
    let log = stage.log().unwrap();
    assert!(
        ["operations", "queries"].iter().all(|calls| seen(&log, calls)),
        "no connection left in the middle of a call"
    );
    assert!(
        memory[WARM_UP + ROUNDS - 1] <= memory[WARM_UP - 1] + GROWTH,
        "bytes after each round: {memory:?}"
    );
    // A touch that the token already waits for cannot be called off, and its caller may have left just now.
    client.calculate(&alice, [("timeout", 60_u32.into())].into()).await.unwrap();
}

/// Whether a census in this log counts any of these.
fn seen(log: &str, what: &str) -> bool {
    let counts = log.lines().filter_map(|line| line.split(&format!(" {what} ")).nth(1));
    counts.into_iter().any(|count| !count.starts_with('0'))
}

/// Waits until nothing of the connections is left, and returns the threads of the process; fails if something stays.
async fn settled(stage: &Stage, threads: usize) -> usize {
    // The client that looks on is the one that is left.
    let nothing = "clients 1, calls 0, operations 0, descriptors 0, queries 0, replies 0";
    let mut last = String::new();
    for _ in 0..300 {
        last = census(stage).await;
        if last == nothing {
            break;
        }
    }
    assert_eq!(last, nothing, "this is left");
    // Threads that have looked at callers linger for ten seconds, if no new caller comes.
    let mut left = usize::MAX;
    for _ in 0..300 {
        left = Resources::of(std::process::id()).unwrap().threads;
        if left <= threads {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(left <= threads, "{left} threads are left");
    left
}
