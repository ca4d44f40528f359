//! The interfaces from the daemon's introspection data, and calls of their methods.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use oathbridge::dbus::names::{self, ROOT};
use zbus::message::{Builder, Flags, Message};
use zbus::{Connection, Fd, ObjectPath, Proxy, Variant};
use zbus_xml::{ArgDirection, Node};

use super::descriptors;
use super::dice::Dice;

/// The time between two attempts of a query that the daemon refuses as one too many.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// A method of an object.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) path: String,
    pub(crate) interface: String,
    pub(crate) method: String,
    /// The types of its arguments.
    pub(crate) signature: String,
}

/// Every method of every object.
pub(crate) async fn surface(connection: &Connection) -> Vec<Target> {
    let root = Proxy::new(connection, names::BUS, "/", "org.freedesktop.DBus.Introspectable").await.unwrap();
    let text: String = loop {
        match root.call("Introspect", &()).await {
            // The daemon may not have noticed yet that earlier clients left with open queries.
            Err(zbus::Error::MethodError(name, ..)) if name.ends_with(".Busy") => {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            answer => break answer.unwrap(),
        }
    };
    let mut targets = Vec::new();
    collect(&Node::from_reader(text.as_bytes()).unwrap(), "", &mut targets);
    // Operations have an object for a moment only.
    for method in ["Cancel", "GetResult"] {
        targets.push(Target {
            path: format!("{ROOT}/operations/1_7/handle_7"),
            interface: format!("{}.Operation", names::BUS),
            method: method.to_owned(),
            signature: String::new(),
        });
    }
    assert_complete(&targets);
    targets
}

fn collect(node: &Node<'_>, path: &str, targets: &mut Vec<Target>) {
    for interface in node.interfaces() {
        targets.extend(interface.methods().map(|method| {
            let args = method.args().iter().filter(|arg| arg.direction() != Some(ArgDirection::Out));
            Target {
                path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
                interface: interface.name().to_string(),
                method: method.name().to_string(),
                signature: args.map(|arg| arg.ty().to_string()).collect(),
            }
        }));
    }
    for child in node.nodes() {
        collect(child, &format!("{path}/{}", child.name().unwrap_or_default()), targets);
    }
}

/// Most calls are of an existing method, with arguments of its types. `None` if the library refuses to build the message.
pub(crate) fn random(dice: &mut Dice, targets: &[Target]) -> Option<Message> {
    let target = dice.pick(targets).clone();
    let path = match dice.roll(20) {
        0 => "/nowhere".to_owned(),
        1 => format!("{ROOT}/credentials/ykoath_{}_0011223344556677", dice.roll(9)),
        2 => format!("{ROOT}/operations/1_{}/handle_{}", dice.roll(30), dice.roll(50)),
        3 => dice.pick(targets).path.clone(),
        _ => target.path.clone(),
    };
    let member = if dice.roll(30) == 0 { "Unheard" } else { target.method.as_str() };
    let call = Message::method_call(path, member);
    let mut call = call.destination(names::BUS).interface(target.interface.as_str());
    if dice.roll(20) == 0 {
        call = call.with_flags(Flags::NO_REPLY_EXPECTED);
    }
    match dice.roll(4) {
        0 => misfit(dice, call),
        _ => fit(call, &target, &mut RandomValues { dice, targets }).ok(),
    }
}

/// Values for the arguments of methods.
pub(crate) trait Values {
    fn interface(&mut self) -> String;
    fn text(&mut self) -> String;
    fn variant(&mut self) -> Variant<'static>;
    fn attributes(&mut self) -> HashMap<String, String>;
    fn options(&mut self) -> HashMap<String, Variant<'static>>;
    fn object_and_options(&mut self) -> (ObjectPath<'static>, HashMap<String, Variant<'static>>);
    fn descriptor(&mut self) -> Fd<'static>;
}

/// The call with arguments of the types of `target`.
pub(crate) fn fit(call: Builder<'_>, target: &Target, values: &mut impl Values) -> zbus::Result<Message> {
    match target.signature.as_str() {
        "" => call.build(&()),
        "s" => call.build(&values.interface()),
        "ss" => call.build(&(values.interface(), values.text())),
        "ssv" => call.build(&(values.interface(), values.text(), values.variant())),
        "a{ss}" => call.build(&values.attributes()),
        "a{sv}" => call.build(&values.options()),
        "ssa{sv}" => call.build(&(values.interface(), values.text(), values.options())),
        "oa{sv}" => call.build(&values.object_and_options()),
        "ha{sv}" => call.build(&(values.descriptor(), values.options())),
        other => panic!("{target:?} wants {other}: teach this test to build it"),
    }
}

/// Random values, and the interfaces and objects of `targets`.
struct RandomValues<'a> {
    dice: &'a mut Dice,
    targets: &'a [Target],
}

impl Values for RandomValues<'_> {
    fn interface(&mut self) -> String {
        self.dice.pick(self.targets).interface.clone()
    }

    fn text(&mut self) -> String {
        self.dice.text()
    }

    fn variant(&mut self) -> Variant<'static> {
        self.dice.variant(0)
    }

    fn attributes(&mut self) -> HashMap<String, String> {
        self.dice.attributes()
    }

    fn options(&mut self) -> HashMap<String, Variant<'static>> {
        self.dice.options()
    }

    fn object_and_options(&mut self) -> (ObjectPath<'static>, HashMap<String, Variant<'static>>) {
        // Random options are rarely valid together.
        if self.dice.roll(4) == 0 {
            return (ObjectPath::from_static_str_unchecked("/"), self.dice.sign_in());
        }
        let object = self.dice.pick(self.targets).path.clone();
        (ObjectPath::try_from(object).unwrap(), self.dice.options())
    }

    fn descriptor(&mut self) -> Fd<'static> {
        descriptors::random(self.dice)
    }
}

fn misfit(dice: &mut Dice, call: Builder<'_>) -> Option<Message> {
    match dice.roll(5) {
        0 => call.build(&()),
        1 => call.build(&dice.variant(0)),
        2 => call.build(&(dice.text(), dice.text())),
        3 => call.build(&(dice.options(), dice.options())),
        _ => call.build(&(descriptors::random(dice), dice.text())),
    }
    .ok()
}

/// Checks that the methods of every shipped interface are called.
fn assert_complete(targets: &[Target]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/dbus-1/interfaces");
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let node = Node::from_reader(text.as_bytes()).unwrap();
        for interface in node.interfaces() {
            let name = interface.name().to_string();
            for method in interface.methods() {
                let is_called =
                    |target: &Target| target.interface == name && target.method == method.name().as_str();
                assert!(targets.iter().any(is_called), "{name}.{} is not called", method.name());
            }
        }
    }
}
