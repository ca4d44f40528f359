//! Every method of every object, with its own arguments and with others, and a member that no interface has. The limits
//! are so high that each call reaches the object.

use std::collections::{BTreeMap, HashMap};

use futures_util::StreamExt;
use oathbridge::dbus::names::{self, ROOT};
use testkit::client::memfd;
use testkit::scenario::{Scenario, World};
use zbus::message::{Builder, Message};
use zbus::{Connection, Fd, MessageStream, ObjectPath, Variant};

use super::calls::{self, Target};
use super::{CONFIG, DAEMON, Outcomes, TEST_TIMEOUT, TOKEN, count, serves};

/// What a call has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Arguments {
    Own,
    None,
    Number,
    Texts,
    Options,
    Descriptor,
}

use Arguments::{Descriptor, None as Nothing, Number, Options, Own, Texts};

impl Arguments {
    fn call(self, target: &Target, member: &str) -> Message {
        let call = Message::method_call(target.path.as_str(), member).destination(names::BUS);
        let call = call.interface(target.interface.as_str());
        let options = HashMap::<&str, Variant<'_>>::new();
        match self {
            Own => own(call, target),
            Nothing => call.build(&()),
            Number => call.build(&7_u32),
            Texts => call.build(&("x", "y", "z", "more")),
            Options => call.build(&(&options, &options)),
            Descriptor => call.build(&Fd::from(memfd(b"secret").unwrap())),
        }
        .unwrap()
    }
}

fn own(call: Builder<'_>, target: &Target) -> zbus::Result<Message> {
    let options = HashMap::<&str, Variant<'_>>::new();
    match target.signature.as_str() {
        "" => call.build(&()),
        "s" => call.build(&target.interface),
        "ss" => call.build(&(&target.interface, "Version")),
        "ssv" => call.build(&(&target.interface, "Version", Variant::from("2"))),
        "a{ss}" => call.build(&HashMap::<&str, &str>::new()),
        "a{sv}" => call.build(&options),
        "oa{sv}" => call.build(&(ObjectPath::from_static_str_unchecked("/"), options)),
        "ha{sv}" => call.build(&(Fd::from(memfd(b"secret").unwrap()), options)),
        other => panic!("{target:?} wants {other}: teach this test to build it"),
    }
}

/// The outcome of a call, by the last part of the error's name.
async fn outcome(connection: &Connection, replies: &mut MessageStream, call: &Message) -> String {
    let serial = call.header().primary().serial_num();
    connection.send(call).await.unwrap();
    loop {
        let reply = replies.next().await.unwrap().unwrap();
        let mut outcomes = Outcomes::new();
        if reply.header().reply_serial() == Some(serial) && count(&reply, &mut outcomes) {
            return outcomes.into_keys().next().unwrap();
        }
    }
}

async fn each_member() {
    let world = Scenario::program(DAEMON).virtual_tokens(TOKEN).config(CONFIG).start().await.unwrap();
    let World { client, stage, daemon, .. } = world;
    let alice = client.credential("alice").await.unwrap();
    let attacker = stage.client().await.unwrap();
    let connection = attacker.connection();
    let targets = calls::surface(connection).await;
    let mut replies = MessageStream::from(connection);
    let mut seen = BTreeMap::<(Arguments, String), usize>::new();
    for target in &targets {
        let is_operation = target.path.starts_with(&format!("{ROOT}/operations/"));
        for arguments in [Own, Nothing, Number, Texts, Options, Descriptor] {
            for member in [target.method.as_str(), "Unheard"] {
                let call = arguments.call(target, member);
                let outcome = outcome(connection, &mut replies, &call).await;
                let place = format!("{}.{member} with {arguments:?}: {outcome}", target.interface);
                let has_descriptor = match arguments {
                    Own => target.signature.contains('h'),
                    _ => arguments == Descriptor,
                };
                let is_refused = match outcome.as_str() {
                    // The daemon refuses a descriptor before it looks for the member.
                    "InvalidArgs" => has_descriptor || member != "Unheard",
                    "UnknownMethod" => member == "Unheard",
                    "UnknownObject" => is_operation,
                    _ => false,
                };
                // zbus does not look at the arguments of a method that takes none.
                let fits = arguments == Own || (target.signature.is_empty() && arguments != Descriptor);
                assert!(is_refused || (fits && member != "Unheard"), "{place}");
                *seen.entry((arguments, outcome)).or_default() += 1;
            }
        }
    }
    println!("{} members: {seen:?}", targets.len());
    assert!(seen.contains_key(&(Own, "served".to_owned())), "{seen:?}");
    assert!(serves(&client, &alice).await, "{}", stage.log().unwrap());
    assert!(!daemon.unwrap().has_ended().unwrap());
}

#[tokio::test]
async fn every_method_refuses_other_arguments_and_every_interface_another_member() {
    tokio::time::timeout(TEST_TIMEOUT, each_member()).await.expect("in good time");
}
