//! Every method of every object, with its own arguments and with others, and a member that no interface has. The limits
//! are so high that no call is refused for its number.

use std::collections::{BTreeSet, HashMap};

use futures_util::StreamExt;
use oathbridge::dbus::names;
use testkit::client::{Client, Options as CallOptions, memfd};
use testkit::scenario::{Scenario, World};
use zbus::message::Message;
use zbus::{Connection, Fd, MessageStream, ObjectPath, Variant};

use super::calls::{self, Target, Values};
use super::{CONFIG, DAEMON, TEST_TIMEOUT, TOKEN, outcome, serves};

/// What each method answers to arguments of its types. The values are plain ones, which some methods refuse.
const ANSWERS: [&str; 23] = [
    "AddCredential: InvalidArgs",
    "Calculate: ConfirmationRequired",
    "Calculate: served",
    "Cancel: served",
    "FindCredentials: served",
    "Get: UnknownProperty",
    "GetAll: served",
    "GetCallerInfo: served",
    "GetMachineId: served",
    "GetManagedObjects: served",
    "GetResult: served",
    "Introspect: served",
    "Lock: served",
    "LockAll: served",
    "Ping: served",
    "Reload: served",
    "Remove: ConfirmationRequired",
    "Rename: Unsupported",
    "RespondToMfaChallenge: InvalidArgs",
    "Set: UnknownProperty",
    "SetPassword: ConfirmationRequired",
    "Unlock: served",
    "VerifySoftwareToken: InvalidArgs",
];

/// The arguments of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arguments {
    Own,
    Nothing,
    Number,
    Texts,
    Options,
    Descriptor,
}

use Arguments::{Descriptor, Nothing, Number, Options, Own, Texts};

impl Arguments {
    fn call(self, target: &Target, member: &str) -> Message {
        let call = Message::method_call(target.path.as_str(), member).destination(names::BUS);
        let call = call.interface(target.interface.as_str());
        let options = HashMap::<&str, Variant<'_>>::new();
        match self {
            Own => calls::fit(call, target, &mut PlainValues { interface: target.interface.clone() }),
            Nothing => call.build(&()),
            Number => call.build(&7_u32),
            Texts => call.build(&("x", "y", "z", "more")),
            Options => call.build(&(&options, &options)),
            Descriptor => call.build(&Fd::from(memfd(b"secret").unwrap())),
        }
        .unwrap()
    }

    fn are_of(self, target: &Target) -> bool {
        self == Own || (self == Nothing && target.signature.is_empty())
    }

    fn have_descriptor(self, target: &Target) -> bool {
        self == Descriptor || (self == Own && target.signature.contains('h'))
    }
}

/// The values of a plain call of this interface.
struct PlainValues {
    interface: String,
}

impl Values for PlainValues {
    fn interface(&mut self) -> String {
        self.interface.clone()
    }

    fn text(&mut self) -> String {
        "Version".to_owned()
    }

    fn variant(&mut self) -> Variant<'static> {
        "2".into()
    }

    fn attributes(&mut self) -> HashMap<String, String> {
        HashMap::new()
    }

    fn options(&mut self) -> HashMap<String, Variant<'static>> {
        HashMap::new()
    }

    fn object_and_options(&mut self) -> (ObjectPath<'static>, HashMap<String, Variant<'static>>) {
        (ObjectPath::from_static_str_unchecked("/"), HashMap::new())
    }

    fn descriptor(&mut self) -> Fd<'static> {
        Fd::from(memfd(b"secret").unwrap())
    }
}

/// The outcome of a call.
async fn answer(connection: &Connection, replies: &mut MessageStream, call: &Message) -> String {
    let serial = call.header().primary().serial_num();
    connection.send(call).await.unwrap();
    loop {
        let reply = replies.next().await.unwrap().unwrap();
        if reply.header().reply_serial() == Some(serial) {
            return outcome(&reply).unwrap();
        }
    }
}

/// The target of one call. An operation is a new one of the caller, whose result is kept, since the calls before may have
/// discarded the results of all others.
async fn live(target: &Target, caller: &Client, credential: &str, number: usize) -> Target {
    let mut target = target.clone();
    if target.interface.ends_with(".Operation") {
        let handle = format!("live_{number}");
        let options = CallOptions::from([("handle-token", handle.as_str().into())]);
        caller.calculate(credential, options).await.unwrap();
        let name = caller.connection().unique_name().unwrap();
        target.path = names::operation(name.as_str(), Some(&handle), 0).to_string();
    }
    target
}

/// Whether this is the right outcome of a call with an unknown member, or with other arguments than those of its method.
fn is_right(outcome: &str, target: &Target, member: &str, arguments: Arguments) -> bool {
    // The daemon refuses a descriptor before it looks for the member.
    if arguments.have_descriptor(target) {
        return outcome == "InvalidArgs";
    }
    match outcome {
        "InvalidArgs" => member == target.method,
        "UnknownMethod" => member != target.method,
        // zbus reads the body only of functions with a parameter, and those of this interface have none.
        "served" => member == target.method && target.interface == "org.freedesktop.DBus.Peer",
        _ => false,
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
    let (mut answers, mut number) = (BTreeSet::new(), 0);
    for target in &targets {
        for arguments in [Own, Nothing, Number, Texts, Options, Descriptor] {
            for member in [target.method.as_str(), "Unheard"] {
                let target = live(target, &attacker, &alice, number).await;
                let outcome = answer(connection, &mut replies, &arguments.call(&target, member)).await;
                if member == target.method && arguments.are_of(&target) {
                    answers.insert(format!("{member}: {outcome}"));
                } else {
                    let place = format!("{}.{member} with {arguments:?}: {outcome}", target.interface);
                    assert!(is_right(&outcome, &target, member, arguments), "{place}");
                }
                number += 1;
            }
        }
    }
    assert!(answers.iter().eq(ANSWERS), "{answers:#?}");
    assert!(serves(&client, &alice).await, "{}", stage.log().unwrap());
    assert!(!daemon.unwrap().has_ended().unwrap());
}

#[tokio::test]
async fn every_method_refuses_other_arguments_and_every_interface_another_member() {
    tokio::time::timeout(TEST_TIMEOUT, each_member()).await.expect("in good time");
}
