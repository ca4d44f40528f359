//! The objects of the daemon, read once.

use std::collections::HashMap;

use serde::Serialize;
use zbus::fdo::ManagedObjects;
use zbus::{OwnedObjectPath, OwnedVariant};

use super::operation::Operation;
use super::profile::Profile;
use super::properties::Properties;
use super::wording::words;
use crate::dbus::names;
use crate::operations::Requester;

/// All objects of the daemon, in a stable order.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) tokens: Vec<Token>,
    pub(super) credentials: Vec<Credential>,
    pub(super) profiles: Vec<Profile>,
    pub(super) operations: Vec<Operation>,
    pub(super) prompt: Prompt,
    /// The words of `Manager.Problems`.
    pub(super) problems: Vec<String>,
    /// Whether the user asked for the hidden credentials as well.
    pub(super) shows_hidden: bool,
}

/// A token. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Token {
    pub(super) id: String,
    /// The model and the end of the serial number.
    pub(super) name: String,
    pub(super) path: String,
    pub(super) vendor: String,
    pub(super) model: String,
    pub(super) family: String,
    pub(super) serial: String,
    pub(super) firmware: String,
    pub(super) reader: String,
    #[serde(rename = "virtual")]
    pub(super) is_virtual: bool,
    pub(super) transports: Vec<String>,
    pub(super) state: String,
    /// The last part of an error's name while the state is `error`; otherwise empty.
    pub(super) state_reason: String,
    pub(super) pin_set: bool,
    pub(super) attempts_left: i32,
    pub(super) capabilities: Vec<String>,
    /// The number of credentials that the token holds; 0 if it is unknown.
    pub(super) capacity: u32,
    /// Whether `FindCredentials` named it among the locked tokens: a PIN may hide credentials of a token that is ready.
    #[serde(skip)]
    pub(super) may_hide_more: bool,
}

/// A credential. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Credential {
    pub(super) id: String,
    /// `issuer:account`, or the account alone.
    pub(super) name: String,
    pub(super) path: String,
    pub(super) issuer: String,
    pub(super) account: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) algorithm: String,
    pub(super) digits: u32,
    pub(super) period: u32,
    pub(super) touch_required: String,
    /// The token's id.
    pub(super) token: String,
}

/// The action that a person must take.
#[derive(Clone, Debug, Default)]
pub(super) struct Prompt {
    /// Empty if there is no action.
    pub(super) kind: String,
    pub(super) operation: String,
    pub(super) token: String,
    /// The name of the calling program.
    pub(super) requester: String,
}

impl Prompt {
    fn new(properties: &Properties<'_>) -> Self {
        Self {
            kind: properties.text("Kind"),
            operation: properties.path("Operation"),
            token: properties.path("Token"),
            requester: requester(properties),
        }
    }
}

/// The name of the program that made a request.
fn requester(properties: &Properties<'_>) -> String {
    let requester: HashMap<String, OwnedVariant> = properties.get("Requester").unwrap_or_default();
    let requester = Properties(&requester);
    let requester = Requester { kind: requester.text("kind"), name: requester.text("name") };
    requester.program().to_owned()
}

impl Tree {
    /// `locked` are the paths of the locked tokens.
    pub(super) fn new(objects: &ManagedObjects, problems: Vec<String>, locked: &[OwnedObjectPath]) -> Self {
        let mut tree = Self { problems, ..Self::default() };
        for (path, interfaces) in objects {
            let properties = |interface: &str| {
                let name = format!("{}.{interface}", names::BUS);
                interfaces.iter().find(|(key, _)| key.as_str() == name).map(|(_, map)| Properties(map))
            };
            if let Some(properties) = properties("Token") {
                tree.tokens.push(Token::new(path, &properties, locked.contains(path)));
            }
            if let Some(properties) = properties("Credential") {
                tree.credentials.push(Credential::new(path, &properties));
            }
            if let Some(properties) = properties("Profile") {
                tree.profiles.push(Profile::new(&properties));
            }
            if let Some(properties) = properties("Operation") {
                tree.operations.push(Operation {
                    path: path.to_string(),
                    kind: properties.text("Kind"),
                    state: properties.text("State"),
                    credential: properties.path("Credential"),
                    requester: requester(&properties),
                });
            }
            if let Some(properties) = properties("Prompt") {
                tree.prompt = Prompt::new(&properties);
            }
        }
        tree.profiles.sort_by(|left, right| left.name.cmp(&right.name));
        tree.operations.sort_by(|left, right| left.path.cmp(&right.path));
        tree.tokens.sort_by(|left, right| left.id.cmp(&right.id));
        tree.credentials.sort_by_cached_key(|credential| {
            (credential.issuer.to_lowercase(), credential.account.to_lowercase(), credential.id.clone())
        });
        tree
    }

    /// The credentials that lists and searches show.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Credential> + Clone {
        self.credentials.iter().filter(|credential| self.is_listed(credential))
    }

    /// Whether lists and searches show a credential. yubikey-manager hides those with this issuer as well.
    pub(super) fn is_listed(&self, credential: &Credential) -> bool {
        self.shows_hidden || credential.issuer != "_hidden"
    }

    pub(super) fn token(&self, id: &str) -> Option<&Token> {
        self.tokens.iter().find(|token| token.id == id)
    }

    /// The label of the token that holds a credential.
    pub(super) fn token_label(&self, credential: &Credential) -> String {
        self.token(&credential.token).map_or_else(|| credential.token.clone(), |token| self.label(token))
    }

    /// The label of a token: its model and the end of its serial number, with its id if that is not unique.
    pub(super) fn label(&self, token: &Token) -> String {
        let label = &token.name;
        let same = self.tokens.iter().filter(|other| other.name == *label).count();
        if same > 1 { format!("{label} ({})", token.id) } else { label.clone() }
    }

    /// The word for a request, and its credential.
    pub(super) fn about(&self, operation: &Operation) -> String {
        words::request_about(&operation.kind, self.credential_name(operation))
    }

    /// The name of the credential of a request, if it is known.
    pub(super) fn credential_name(&self, operation: &Operation) -> Option<&str> {
        let credential = self.credentials.iter().find(|other| other.path == operation.credential);
        credential.map(|credential| credential.name.as_str())
    }

    pub(super) fn running(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| !operation.is_over())
    }

    /// The handle of a request, as `cancel` takes it: after the number of its program, if another request has the same
    /// handle.
    pub(super) fn handle<'tree>(&self, operation: &'tree Operation) -> &'tree str {
        let is_same = |other: &&Operation| other.handle() == operation.handle();
        if self.running().filter(is_same).count() > 1 { operation.long_handle() } else { operation.handle() }
    }

    pub(super) fn locked(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter().filter(|token| token.is_locked())
    }

    /// How many credentials a token has, and how many it holds; empty if that is not known.
    pub(super) fn room(&self, token: &Token) -> String {
        if token.is_unusable() || token.state == "locked" {
            return String::new();
        }
        let count = self.credentials.iter().filter(|credential| credential.token == token.id).count();
        match token.capacity {
            0 => count.to_string(),
            capacity => format!("{count} of {capacity}"),
        }
    }

    /// The tokens that cannot be used. A security key without OATH is one of them only if there is nothing else to show,
    /// because it may be without OATH on purpose.
    pub(super) fn unusable(&self) -> impl Iterator<Item = &Token> {
        let is_empty = self.credentials.is_empty();
        self.tokens.iter().filter(move |token| token.is_unusable() && (is_empty || token.state != "no-oath"))
    }
}

impl Token {
    fn new(path: &OwnedObjectPath, properties: &Properties<'_>, may_hide_more: bool) -> Self {
        let (model, serial) = (properties.text("Model"), properties.text("Serial"));
        Self {
            id: properties.text("Id"),
            name: match properties.text("Reader") {
                reader if model.is_empty() && !reader.is_empty() => format!("in {reader}"),
                _ => label(&model, &serial),
            },
            path: path.to_string(),
            vendor: properties.text("Vendor"),
            model,
            family: properties.text("Family"),
            serial,
            firmware: properties.text("Firmware"),
            reader: properties.text("Reader"),
            is_virtual: properties.get("Virtual").unwrap_or_default(),
            transports: properties.get("Transports").unwrap_or_default(),
            state: properties.text("State"),
            state_reason: properties.text("StateReason"),
            pin_set: properties.get("PinSet").unwrap_or_default(),
            attempts_left: properties.get("AttemptsLeft").unwrap_or(-1),
            capabilities: properties.get("Capabilities").unwrap_or_default(),
            capacity: properties.get("Capacity").unwrap_or_default(),
            may_hide_more,
        }
    }

    /// Whether the token may have credentials that are not there until it is unlocked.
    pub(super) fn is_locked(&self) -> bool {
        self.state == "locked" || self.may_hide_more
    }

    /// Whether a token of its model is known to be able to do this, a word of `Capabilities`.
    pub(super) fn can(&self, operation: &str) -> bool {
        self.capabilities.iter().any(|word| word == operation)
    }

    /// Whether the daemon has not read the token yet, cannot read it, or has given it up.
    pub(super) fn is_unusable(&self) -> bool {
        matches!(self.state.as_str(), "reading" | "busy" | "error" | "stuck" | "no-oath")
    }

    /// Whether this is the token's id, path, serial number, label, or the end of its serial number as lists show it.
    pub(super) fn is(&self, name: &str) -> bool {
        let has_end = |end: &str| !end.is_empty() && serial_end(&self.serial) == end;
        !name.is_empty()
            && (self.id == name
                || self.path == name
                || self.serial == name
                || self.name == name
                || has_end(name.strip_prefix('…').unwrap_or(name)))
    }

    /// The line for a list of choices.
    pub(super) fn choice(&self) -> String {
        format!("{}  {}  {}", self.name, self.state, self.id)
    }
}

fn label(model: &str, serial: &str) -> String {
    let model = if model.is_empty() { "token" } else { model };
    let end = serial_end(serial);
    match serial.len() {
        0 => model.to_owned(),
        length if length == end.len() => format!("{model} {end}"),
        _ => format!("{model} …{end}"),
    }
}

/// The last four characters of a serial number.
fn serial_end(serial: &str) -> &str {
    let start = serial.char_indices().rev().nth(3).map_or(0, |(start, _)| start);
    serial.get(start..).unwrap_or_default()
}

impl Credential {
    fn new(path: &OwnedObjectPath, properties: &Properties<'_>) -> Self {
        let token = properties.path("Token");
        let (issuer, account) = (properties.text("Issuer"), properties.text("Account"));
        Self {
            id: last(path.as_str()),
            name: if issuer.is_empty() { account.clone() } else { format!("{issuer}:{account}") },
            path: path.to_string(),
            issuer,
            account,
            kind: properties.text("Type"),
            algorithm: properties.text("Algorithm"),
            digits: properties.get("Digits").unwrap_or_default(),
            period: properties.get("Period").unwrap_or_default(),
            touch_required: properties.text("TouchRequired"),
            token: last(&token),
        }
    }
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}
