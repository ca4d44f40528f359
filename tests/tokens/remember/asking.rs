//! A keyring that asks the user for everything, as KeePassXC does: items are locked for a new connection, an item is stored
//! after a question only, and has more attributes than it was given. A locked item has an empty secret, as KWallet returns it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use testkit::client::Options;
use testkit::scenario::Scenario;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, ObjectPath, OwnedObjectPath, OwnedVariant, Variant, connection, fdo, interface};

use super::{LOCKED, PASSWORD, code, reinsert, remember, state, token};

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/main";
const ITEM: &str = "/org/freedesktop/secrets/collection/main/1";
const PROMPT: &str = "/org/freedesktop/secrets/prompt/1";
const NONE: &str = "/";

type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);
type Attributes = HashMap<String, String>;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What is stored once the question is answered.
    pending: Option<(Attributes, Vec<u8>)>,
    item: Option<(Attributes, Vec<u8>)>,
    is_unlocked: bool,
    questions: usize,
    dismisses: bool,
}

fn path(text: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(text).unwrap()
}

struct Service(Shared);

#[interface(name = "org.freedesktop.Secret.Service")]
impl Service {
    fn open_session(&self, algorithm: &str, _input: Variant<'_>) -> (OwnedVariant, OwnedObjectPath) {
        assert_eq!(algorithm, "plain");
        (Variant::from("").try_into().unwrap(), path("/org/freedesktop/secrets/session/1"))
    }

    fn search_items(&self, wanted: Attributes) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        let state = self.0.0.lock().unwrap();
        let fits = |found: &Attributes| wanted.iter().all(|(name, value)| found.get(name) == Some(value));
        let found: Vec<_> = state.item.iter().filter(|(found, _)| fits(found)).map(|_| path(ITEM)).collect();
        if state.is_unlocked { (found, Vec::new()) } else { (Vec::new(), found) }
    }

    fn unlock(&self, _objects: Vec<OwnedObjectPath>) -> (Vec<OwnedObjectPath>, OwnedObjectPath) {
        (Vec::new(), path(PROMPT))
    }

    fn read_alias(&self, _name: &str) -> OwnedObjectPath {
        path(COLLECTION)
    }
}

struct Collection(Shared);

#[interface(name = "org.freedesktop.Secret.Collection")]
impl Collection {
    fn create_item(
        &self,
        properties: HashMap<String, OwnedVariant>,
        secret: Secret,
        replace: bool,
    ) -> (OwnedObjectPath, OwnedObjectPath) {
        assert!(!replace);
        let label: String = properties
            .get("org.freedesktop.Secret.Item.Label")
            .unwrap()
            .try_clone()
            .unwrap()
            .try_into()
            .unwrap();
        assert!(!label.is_empty());
        let attributes =
            properties.get("org.freedesktop.Secret.Item.Attributes").unwrap().try_clone().unwrap();
        let mut attributes: Attributes = attributes.try_into().unwrap();
        attributes.insert("Title".to_owned(), label);
        self.0.0.lock().unwrap().pending = Some((attributes, secret.2));
        (path(NONE), path(PROMPT))
    }

    #[zbus(property)]
    fn locked(&self) -> bool {
        false
    }
}

struct Item(Shared);

#[interface(name = "org.freedesktop.Secret.Item")]
impl Item {
    fn get_secret(&self, session: OwnedObjectPath) -> Secret {
        let state = self.0.0.lock().unwrap();
        let value = state.item.as_ref().filter(|_| state.is_unlocked).map(|(_, value)| value.clone());
        (session, Vec::new(), value.unwrap_or_default(), "text/plain".to_owned())
    }

    #[zbus(property)]
    fn attributes(&self) -> Attributes {
        self.0.0.lock().unwrap().item.as_ref().map(|(found, _)| found.clone()).unwrap_or_default()
    }
}

struct Prompt(Shared);

#[interface(name = "org.freedesktop.Secret.Prompt")]
impl Prompt {
    async fn prompt(&self, _window: &str, #[zbus(connection)] connection: &Connection) -> fdo::Result<()> {
        let dismissed = {
            let mut state = self.0.0.lock().unwrap();
            state.questions += 1;
            if !state.dismisses {
                state.is_unlocked = true;
                state.item = state.pending.take().or(state.item.take());
            }
            state.dismisses
        };
        let emitter = SignalEmitter::new(connection, ObjectPath::try_from(PROMPT).unwrap())?;
        Ok(emitter
            .emit("org.freedesktop.Secret.Prompt", "Completed", &(dismissed, Variant::from("")))
            .await?)
    }
}

impl Shared {
    async fn serve(&self, bus: &str) -> Connection {
        let builder = connection::Builder::address(bus).serve_at(ROOT, Service(self.clone()));
        let builder =
            builder.serve_at(COLLECTION, Collection(self.clone())).serve_at(ITEM, Item(self.clone()));
        builder.serve_at(PROMPT, Prompt(self.clone())).name(NAME).build().await.unwrap()
    }

    fn questions(&self) -> usize {
        self.0.lock().unwrap().questions
    }

    fn lock(&self, dismisses: bool) {
        let mut state = self.0.lock().unwrap();
        (state.is_unlocked, state.dismisses) = (false, dismisses);
    }
}

#[testkit::test]
async fn only_a_call_that_may_ask_a_person_makes_the_keyring_ask() {
    let mut world = Scenario::inside().cards(LOCKED).start().await.unwrap();
    let keyring = Shared::default();
    let _served = keyring.serve(world.stage.address()).await;
    remember(&world, PASSWORD).await.unwrap();
    assert_eq!(keyring.questions(), 1, "to store the item");
    let alice = world.client.credential("alice").await.unwrap();

    keyring.lock(false);
    reinsert(&mut world).await;
    assert_eq!(state(&world).await, "locked");
    assert_eq!(code(&world, &alice).await.unwrap_err().name, "TokenLocked");
    assert_eq!(keyring.questions(), 1);
    world.client.calculate(&alice, Options::new()).await.unwrap();
    assert_eq!(keyring.questions(), 2, "to unlock the item");
}

#[testkit::test]
async fn a_user_who_dismisses_the_question_is_not_asked_again() {
    let mut world = Scenario::inside().cards(LOCKED).start().await.unwrap();
    let keyring = Shared::default();
    let _served = keyring.serve(world.stage.address()).await;
    keyring.lock(true);
    assert_eq!(remember(&world, PASSWORD).await.unwrap_err().name, "NotRemembered");
    keyring.lock(false);
    remember(&world, PASSWORD).await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let before = keyring.questions();

    keyring.lock(true);
    reinsert(&mut world).await;
    let calls = async {
        let call = || world.client.calculate(&alice, Options::new());
        tokio::join!(call(), call())
    };
    let person = async {
        while keyring.questions() == before {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        world.client.unlock(&token(&world).await, PASSWORD).await.unwrap();
    };
    let ((one, other), ()) = tokio::join!(calls, person);
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(keyring.questions(), before + 1);
}
