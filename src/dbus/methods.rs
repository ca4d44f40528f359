//! The table of methods: the requirements of each method of our interfaces.
//!
//! The inbound filter and every call read it. A method that has no row here is not served.

use zbus::message::Header;

use super::names;
use crate::access::{CallClass, Permission};

/// The callers of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Every program of the daemon's own user.
    Everyone,
    /// Callers with this permission.
    Permitted(Permission),
    /// The connection that started the operation.
    Requester,
    /// The connection that started the operation, and callers with this permission.
    RequesterOr(Permission),
}

/// One method, and its requirements.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MethodPolicy {
    /// The last part of the interface's name.
    pub(super) interface: &'static str,
    pub(super) member: &'static str,
    pub(super) audience: Audience,
    /// The class for the limits.
    pub(super) class: CallClass,
    /// Whether the method is served while the screen is locked and while the computer is going to sleep.
    pub(super) open_while_locked: bool,
    /// Whether the method is served while there was no valid configuration.
    pub(super) open_without_config: bool,
    /// Whether the path may name an absent object; the call is then answered without the object.
    pub(super) may_name_absent_object: bool,
    /// The maximum number of descriptors in its message.
    pub(super) descriptors: usize,
}

/// All methods of our interfaces, by interface and name.
pub(super) const METHODS: &[MethodPolicy] = &[
    row("Cognito", "RespondToMfaChallenge", Audience::Permitted(Permission::Submit), CallClass::Submission)
        .with_descriptors(2),
    row("Cognito", "VerifySoftwareToken", Audience::Permitted(Permission::Submit), CallClass::Submission)
        .with_descriptors(1),
    row("Credential", "Calculate", Audience::Permitted(Permission::ReadCode), CallClass::Code)
        .for_absent_objects(),
    row("Credential", "Remove", Audience::Permitted(Permission::Manage), CallClass::Change)
        .for_absent_objects(),
    row("Credential", "Rename", Audience::Permitted(Permission::Manage), CallClass::Change)
        .for_absent_objects(),
    row("Manager", "FindCredentials", Audience::Everyone, CallClass::Query).while_locked(),
    row("Manager", "GetCallerInfo", Audience::Everyone, CallClass::Query).while_locked().without_config(),
    row("Manager", "LockAll", Audience::Permitted(Permission::Manage), CallClass::Secure)
        .while_locked()
        .without_config(),
    row("Manager", "Reload", Audience::Permitted(Permission::Manage), CallClass::Reload)
        .while_locked()
        .without_config(),
    row("Operation", "Cancel", Audience::RequesterOr(Permission::Manage), CallClass::Secure).while_locked(),
    row("Operation", "GetResult", Audience::Requester, CallClass::Query).while_locked(),
    row("Token", "AddCredential", Audience::Permitted(Permission::Manage), CallClass::Change)
        .with_descriptors(1),
    row("Token", "Lock", Audience::Permitted(Permission::Manage), CallClass::Secure)
        .while_locked()
        .without_config(),
    row("Token", "SetPassword", Audience::Permitted(Permission::Manage), CallClass::Unlock)
        .with_descriptors(2),
    row("Token", "Unlock", Audience::Permitted(Permission::Manage), CallClass::Unlock).with_descriptors(1),
];

/// The row of the called method; `None` for methods of other interfaces.
pub(super) fn of(header: &Header<'_>) -> Option<&'static MethodPolicy> {
    let interface = header.interface()?.as_str().strip_prefix(names::BUS)?.strip_prefix('.')?;
    let member = header.member()?.as_str();
    METHODS.iter().find(|row| row.interface == interface && row.member == member)
}

const fn row(
    interface: &'static str,
    member: &'static str,
    audience: Audience,
    class: CallClass,
) -> MethodPolicy {
    let (open_while_locked, open_without_config, may_name_absent_object) = (false, false, false);
    let descriptors = 0;
    MethodPolicy {
        interface,
        member,
        audience,
        class,
        open_while_locked,
        open_without_config,
        may_name_absent_object,
        descriptors,
    }
}

impl MethodPolicy {
    /// Whether each call is logged; calls that change something or return a code are.
    pub(super) fn is_audited(&self) -> bool {
        matches!(self.audience, Audience::Permitted(_) | Audience::RequesterOr(_))
    }

    /// Whether the call first reads a broken configuration again. `Reload` does it anyway, and what secures tokens must
    /// not wait for a file system.
    pub(super) fn mends(&self) -> bool {
        !matches!(self.class, CallClass::Secure | CallClass::Reload)
    }

    const fn while_locked(self) -> Self {
        Self { open_while_locked: true, ..self }
    }

    const fn without_config(self) -> Self {
        Self { open_without_config: true, ..self }
    }

    const fn for_absent_objects(self) -> Self {
        Self { may_name_absent_object: true, ..self }
    }

    const fn with_descriptors(self, descriptors: usize) -> Self {
        Self { descriptors, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use zbus::message::Message;
    use zbus_xml::Node;

    use super::*;

    /// `(interface, method)` of every shipped XML file, with full names of interfaces.
    fn shipped() -> BTreeSet<(String, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/dbus-1/interfaces");
        let mut methods = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let node = Node::from_reader(text.as_bytes()).unwrap();
            for interface in node.interfaces() {
                let name = interface.name().to_string();
                methods.extend(interface.methods().map(|method| (name.clone(), method.name().to_string())));
            }
        }
        methods
    }

    #[test]
    fn the_table_has_each_method_of_the_shipped_interfaces_and_no_other() {
        let table: Vec<_> = METHODS
            .iter()
            .map(|row| (format!("{}.{}", names::BUS, row.interface), row.member.to_owned()))
            .collect();
        let rows: BTreeSet<_> = table.iter().cloned().collect();
        assert_eq!(rows.len(), table.len(), "a method has two rows");
        assert_eq!(rows, shipped(), "the table on the left, data/dbus-1/interfaces on the right");
    }

    #[test]
    fn a_message_is_looked_up_by_interface_and_member() {
        let found = |interface: &str, member: &str| {
            let message = Message::method_call("/", member).interface(interface).build(&()).unwrap();
            of(&message.header()).map(|row| (row.interface, row.member))
        };
        let ours = |last: &str| format!("{}.{last}", names::BUS);
        assert_eq!(found(&ours("Token"), "Lock"), Some(("Token", "Lock")));
        assert_eq!(found(&ours("Token"), "Calculate"), None);
        assert_eq!(found(&ours("Tokens"), "Lock"), None);
        assert_eq!(found("org.freedesktop.DBus.Peer", "Ping"), None);
        let without_interface = Message::method_call("/", "Lock").build(&()).unwrap();
        assert_eq!(of(&without_interface.header()), None);
    }

    /// While the screen is locked no code is returned, and locking is always allowed.
    #[test]
    fn securing_methods_are_open_while_locked_and_code_methods_are_not() {
        for row in METHODS {
            let yields = matches!(
                row.class,
                CallClass::Code | CallClass::Submission | CallClass::Unlock | CallClass::Change
            );
            assert_eq!(row.open_while_locked, !yields, "{}.{}", row.interface, row.member);
        }
    }

    /// Without a configuration no rule is known, so these methods must neither use a token nor return a secret.
    #[test]
    fn without_a_configuration_these_methods_are_served_and_no_other() {
        let names = |is: fn(&MethodPolicy) -> bool| -> Vec<_> {
            METHODS.iter().filter(|row| is(row)).map(|row| row.member).collect()
        };
        assert_eq!(names(|row| row.open_without_config), ["GetCallerInfo", "LockAll", "Reload", "Lock"]);
        let waiting_for_no_file = ["LockAll", "Reload", "Cancel", "Lock"];
        assert_eq!(names(|row| !row.mends()), waiting_for_no_file);
    }
}
