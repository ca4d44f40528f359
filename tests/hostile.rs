//! A client that reads the interfaces and then calls anything with anything: the daemon stays, small and in service.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use futures_util::StreamExt;
use oathbridge::dbus::names::{self, ROOT};
use testkit::client::{Client, Options, memfd};
use testkit::daemon::Stage;
use zbus::message::{Flags, Message, Type};
use zbus::{Connection, Fd, MessageStream, Proxy, Variant, connection};
use zbus_xml::Node;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");
const CALLS: usize = 100_000;
/// A connection that has made so many calls leaves in the middle of things.
const CALLS_OF_ONE: usize = 5_000;

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [
    { issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { issuer = 'AWS', account = 'bob', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', touch = true },
    { issuer = 'VPN', account = 'dave', seed = 'GEZDGNBV', type = 'hotp' },
]
";

/// SplitMix64, by Sebastiano Vigna: the same calls for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    fn text(&mut self) -> String {
        match self.roll(20) {
            0 => "x".repeat(1 << self.roll(18)),
            1 => "\u{202e}\n\u{1b}[31m%s%n".to_owned(),
            2 => format!("handle_{}", self.roll(50)),
            3 => String::new(),
            _ => self.pick(&["alice", "AWS", "true", "/", "é", "eu-central-1", "work", "0"]).to_string(),
        }
    }

    fn variant(&mut self, depth: usize) -> Variant<'static> {
        match self.roll(if depth > 6 { 8 } else { 11 }) {
            0 => (self.roll(2) == 0).into(),
            1 => u32::try_from(self.roll(2_000)).unwrap().into(),
            2 => i64::MIN.into(),
            3 => f64::NAN.into(),
            4 => 255_u8.into(),
            5 | 6 => self.text().into(),
            7 => zbus::ObjectPath::try_from("/a/b").unwrap().into(),
            8 => vec![self.text(), self.text()].into(),
            9 => HashMap::from([(self.text(), self.text())]).into(),
            _ => Variant::Variant(Box::new(self.variant(depth + 1))),
        }
    }

    fn options(&mut self) -> HashMap<String, Variant<'static>> {
        const KEYS: [&str; 16] = [
            "timeout",
            "handle-token",
            "interactive",
            "own-prompt",
            "wait-for-token",
            "next",
            "min-validity",
            "claim",
            "advance-counter",
            "session",
            "access-token",
            "profile",
            "region",
            "challenge-name",
            "username",
            "bogus",
        ];
        (0..self.roll(5)).map(|_| ((*self.pick(&KEYS)).to_owned(), self.variant(0))).collect()
    }
}

/// Every interface, with its methods, and every path, as the daemon tells them.
async fn surface(connection: &Connection) -> (Vec<(String, String)>, Vec<String>) {
    let root = Proxy::new(connection, names::BUS, "/", "org.freedesktop.DBus.Introspectable").await.unwrap();
    let text: String = root.call("Introspect", &()).await.unwrap();
    let (mut methods, mut paths) = (Vec::new(), Vec::new());
    collect(&Node::from_reader(text.as_bytes()).unwrap(), "", &mut methods, &mut paths);
    methods.sort();
    methods.dedup();
    (methods, paths)
}

fn collect(node: &Node<'_>, path: &str, methods: &mut Vec<(String, String)>, paths: &mut Vec<String>) {
    paths.push(if path.is_empty() { "/".to_owned() } else { path.to_owned() });
    for interface in node.interfaces() {
        let name = interface.name().to_string();
        methods.extend(interface.methods().map(|method| (name.clone(), method.name().to_string())));
    }
    for child in node.nodes() {
        collect(child, &format!("{path}/{}", child.name().unwrap_or_default()), methods, paths);
    }
}

fn random_call(dice: &mut Dice, methods: &[(String, String)], paths: &[String]) -> Option<Message> {
    let (interface, method) = dice.pick(methods).clone();
    let path = match dice.roll(10) {
        0 => "/nowhere".to_owned(),
        1 => format!("{ROOT}/credentials/ykoath_{}_00", dice.roll(9)),
        2 => format!("{ROOT}/operations/1_{}/handle_{}", dice.roll(30), dice.roll(50)),
        _ => dice.pick(paths).clone(),
    };
    let mut builder = Message::method_call(path, method).destination(names::BUS).interface(interface);
    if dice.roll(10) == 0 {
        builder = builder.with_flags(Flags::NO_REPLY_EXPECTED);
    }
    let credential = zbus::ObjectPath::try_from(dice.pick(paths).clone()).unwrap();
    match dice.roll(9) {
        0 => builder.build(&()),
        1 => builder.build(&dice.variant(0)),
        2 | 3 => builder.build(&dice.options()),
        4 | 5 => builder.build(&(credential, dice.options())),
        6 => builder.build(&(dice.text(), dice.text())),
        7 => builder.build(&(dice.text(), dice.text(), dice.variant(0))),
        _ => builder.build(&(Fd::from(memfd(dice.text().as_bytes()).unwrap()), dice.options())),
    }
    .ok()
}

/// Calls, and then leaves without waiting for what is still under way.
async fn attack(address: &str, dice: &mut Dice) {
    let connection = connection::Builder::address(address).build().await.unwrap();
    let (methods, paths) = surface(&connection).await;
    let mut messages = MessageStream::from(&connection);
    let reading = tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} });
    for _ in 0..CALLS_OF_ONE {
        // What the library itself refuses to build or send is no call.
        let Some(call) = random_call(dice, &methods, &paths) else { continue };
        assert_eq!(call.message_type(), Type::MethodCall);
        connection.send(&call).await.unwrap();
    }
    connection.close().await.unwrap();
    reading.abort();
}

/// Resident memory in KiB, descriptors, threads.
fn resources(process: u32) -> (usize, usize, usize) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let number = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count);
    (number("VmRSS:"), descriptors, number("Threads:"))
}

async fn serves(client: &Client, credential: &str) -> bool {
    client.calculate(credential, Options::new()).await.is_ok()
}

#[tokio::test]
async fn a_hundred_thousand_random_calls() {
    let seed = std::env::var("OATHBRIDGE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("OATHBRIDGE_SEED={seed}");
    let mut stage = Stage::new(DAEMON).unwrap();
    stage.use_virtual_tokens(TOKEN).unwrap();
    stage.configure("[pcsc]\nenabled = false\n[profiles.work]\nregion = 'eu-central-1'\nendpoint_url = 'http://127.0.0.1:1'\nissuer = 'AWS'\naccount = 'alice'\nclient_id = 'c'\n").unwrap();
    let client = stage.client().await.unwrap();
    let mut daemon = stage.start(&client).await.unwrap();
    let alice = client.credential("alice").await.unwrap();
    let mut dice = Dice(seed);
    // Once through all code, so that growth is growth.
    attack(stage.address(), &mut dice).await;
    assert!(serves(&client, &alice).await);
    let (memory, descriptors, threads) = resources(daemon.id());
    for _ in 1..CALLS / CALLS_OF_ONE {
        attack(stage.address(), &mut dice).await;
    }
    assert!(serves(&client, &alice).await, "seed {seed}");
    assert!(daemon.ended().unwrap().is_none(), "seed {seed}");
    let mut after = resources(daemon.id());
    // Threads that read descriptors linger for ten seconds, and touches for fifteen.
    for _ in 0..300 {
        if after.1 <= descriptors && after.2 <= threads {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        after = resources(daemon.id());
    }
    println!("before {memory} KiB, {descriptors} descriptors, {threads} threads; after {after:?}");
    assert!(after.0 < memory + 10 * 1024, "seed {seed}: {memory} to {} KiB", after.0);
    assert!(
        after.1 <= descriptors && after.2 <= threads,
        "seed {seed}: {descriptors}, {threads} to {after:?}"
    );
}
