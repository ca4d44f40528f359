//! The objects of the daemon, read once.

use std::collections::HashMap;

use serde::Serialize;
use zbus::fdo::ManagedObjects;
use zbus::{OwnedObjectPath, OwnedVariant, Variant};

use crate::dbus::names;
use crate::operations::Requester;

/// All objects of the daemon, in a stable order.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) tokens: Vec<Token>,
    pub(super) credentials: Vec<Credential>,
    pub(super) operations: Vec<Operation>,
    pub(super) prompt: Prompt,
    /// The words of `Manager.Problems`.
    pub(super) problems: Vec<String>,
}

/// A token. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Token {
    pub(super) id: String,
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
    pub(super) pin_set: bool,
    pub(super) attempts_left: i32,
    /// Whether `FindCredentials` named it among the locked tokens: a PIN may hide credentials of a token that is ready.
    #[serde(skip)]
    pub(super) may_hide_more: bool,
}

/// A credential. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Credential {
    pub(super) id: String,
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

/// An `Operation` object.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) state: String,
    /// The path of the credential; `/` if it is not known.
    pub(super) credential: String,
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

/// Whether this is a final state of an operation.
pub(super) fn is_final(state: &str) -> bool {
    matches!(state, "done" | "failed" | "cancelled")
}

impl Operation {
    pub(super) fn is_running(&self) -> bool {
        !is_final(&self.state)
    }

    /// The last element of the path, which the caller may have chosen.
    pub(super) fn handle(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl Prompt {
    fn new(properties: &Properties<'_>) -> Self {
        let requester: HashMap<String, OwnedVariant> = properties.get("Requester").unwrap_or_default();
        let requester = Properties(&requester);
        let requester = Requester { kind: requester.text("kind"), name: requester.text("name") };
        Self {
            kind: properties.text("Kind"),
            operation: properties.path("Operation"),
            token: properties.path("Token"),
            requester: requester.program().to_owned(),
        }
    }
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
            if let Some(properties) = properties("Operation") {
                tree.operations.push(Operation {
                    path: path.to_string(),
                    kind: properties.text("Kind"),
                    state: properties.text("State"),
                    credential: properties.path("Credential"),
                });
            }
            if let Some(properties) = properties("Prompt") {
                tree.prompt = Prompt::new(&properties);
            }
        }
        tree.operations.sort_by(|left, right| left.path.cmp(&right.path));
        tree.tokens.sort_by(|left, right| left.id.cmp(&right.id));
        tree.credentials.sort_by_cached_key(|credential| {
            (credential.issuer.to_lowercase(), credential.account.to_lowercase(), credential.id.clone())
        });
        tree
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
        let label = token.label();
        let same = self.tokens.iter().filter(|other| other.label() == label).count();
        if same > 1 { format!("{label} ({})", token.id) } else { label }
    }

    /// The kind of a request, and its credential.
    pub(super) fn about(&self, operation: &Operation) -> String {
        let credential = self.credentials.iter().find(|credential| credential.path == operation.credential);
        match credential {
            Some(credential) => format!("{} of {}", operation.kind, credential.name()),
            None => operation.kind.clone(),
        }
    }

    pub(super) fn locked(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter().filter(|token| token.is_locked())
    }
}

impl Token {
    fn new(path: &OwnedObjectPath, properties: &Properties<'_>, may_hide_more: bool) -> Self {
        Self {
            id: properties.text("Id"),
            path: path.to_string(),
            vendor: properties.text("Vendor"),
            model: properties.text("Model"),
            family: properties.text("Family"),
            serial: properties.text("Serial"),
            firmware: properties.text("Firmware"),
            reader: properties.text("Reader"),
            is_virtual: properties.get("Virtual").unwrap_or_default(),
            transports: properties.get("Transports").unwrap_or_default(),
            state: properties.text("State"),
            pin_set: properties.get("PinSet").unwrap_or_default(),
            attempts_left: properties.get("AttemptsLeft").unwrap_or(-1),
            may_hide_more,
        }
    }

    /// Whether the token may have credentials that are not there until it is unlocked.
    pub(super) fn is_locked(&self) -> bool {
        self.state == "locked" || self.may_hide_more
    }

    /// Whether this is the token's id, path or serial number.
    pub(super) fn is(&self, name: &str) -> bool {
        !name.is_empty() && (self.id == name || self.path == name || self.serial == name)
    }

    /// The line for a list of choices.
    pub(super) fn choice(&self) -> String {
        format!("{}  {}  {}", self.label(), self.state, self.id)
    }

    fn label(&self) -> String {
        let model = if self.model.is_empty() { "token" } else { &self.model };
        let length = self.serial.chars().count();
        let tail: String = self.serial.chars().skip(length.saturating_sub(4)).collect();
        match length {
            0 => model.to_owned(),
            1..=4 => format!("{model} {tail}"),
            _ => format!("{model} …{tail}"),
        }
    }
}

impl Credential {
    fn new(path: &OwnedObjectPath, properties: &Properties<'_>) -> Self {
        let token = properties.path("Token");
        Self {
            id: last(path.as_str()),
            path: path.to_string(),
            issuer: properties.text("Issuer"),
            account: properties.text("Account"),
            kind: properties.text("Type"),
            algorithm: properties.text("Algorithm"),
            digits: properties.get("Digits").unwrap_or_default(),
            period: properties.get("Period").unwrap_or_default(),
            touch_required: properties.text("TouchRequired"),
            token: last(&token),
        }
    }

    /// `issuer:account`, or the account alone.
    pub(super) fn name(&self) -> String {
        if self.issuer.is_empty() {
            self.account.clone()
        } else {
            format!("{}:{}", self.issuer, self.account)
        }
    }
}

/// The properties of an object. A property that is absent or has another type counts as empty.
struct Properties<'map>(&'map HashMap<String, OwnedVariant>);

impl Properties<'_> {
    fn get<T>(&self, name: &str) -> Option<T>
    where
        T: TryFrom<OwnedVariant>,
    {
        T::try_from(self.0.get(name)?.try_clone().ok()?).ok()
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default()
    }

    fn path(&self, name: &str) -> String {
        match self.0.get(name).map(|value| &**value) {
            Some(Variant::ObjectPath(path)) => path.to_string(),
            _ => names::none().to_string(),
        }
    }
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}
