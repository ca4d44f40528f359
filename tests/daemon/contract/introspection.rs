//! Introspection data in a form that can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use zbus_xml::{Annotation, Arg, ArgDirection, Interface, Node};

use super::{EMITS, NAME, root};

/// Name and text of each shipped file, ascending.
pub(super) fn shipped() -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(root().join("data/dbus-1/interfaces"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".xml").unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Our interfaces of a node and its children, each with its members for each occurrence.
pub(super) fn collect(node: &Node<'_>, found: &mut BTreeMap<String, Vec<BTreeSet<String>>>) {
    for interface in node.interfaces().iter().filter(|interface| interface.name().starts_with(NAME)) {
        found.entry(interface.name().to_string()).or_default().push(members(interface));
    }
    for child in node.nodes() {
        collect(child, found);
    }
}

/// The contract of an interface, one line for each member.
pub(super) fn members(interface: &Interface<'_>) -> BTreeSet<String> {
    let methods =
        interface.methods().map(|method| format!("method {}({})", method.name(), args(method.args())));
    let signals =
        interface.signals().map(|signal| format!("signal {}({})", signal.name(), args(signal.args())));
    let properties = interface.properties().map(|property| {
        let emits = annotation(property.annotations(), EMITS).unwrap_or("true");
        format!("property {} {} {:?} {emits}", property.name(), property.ty(), property.access())
    });
    methods.chain(signals).chain(properties).collect()
}

fn args(args: &[Arg<'_>]) -> String {
    let line = |arg: &Arg<'_>| {
        let direction = match arg.direction() {
            Some(ArgDirection::In) => "in",
            Some(ArgDirection::Out) => "out",
            None => "",
        };
        format!("{direction} {} {}", arg.name().unwrap_or("?"), arg.ty())
    };
    args.iter().map(line).collect::<Vec<_>>().join(", ")
}

pub(super) fn annotation<'a>(annotations: &'a [Annotation<'_>], name: &str) -> Option<&'a str> {
    annotations.iter().find(|annotation| annotation.name() == name).map(Annotation::value)
}
