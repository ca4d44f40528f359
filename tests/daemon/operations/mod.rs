//! Operations: watching, cancelling, and the actions of a person.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod cancel;
mod departures;
mod early;
mod prompt;
mod sharing;
mod unlocking;
mod visible;
mod waiting;

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::VirtualToken;
use testkit::client::{Client, Event, Extra, Options, Refusal};
use testkit::scenario::{Scenario, World};
use tokio::task::JoinHandle;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

/// A generous timeout that only a failure reaches.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

/// CALCULATE, YKOATH.
const CALCULATE: u8 = 0xa2;

const TOKEN: &str = "[[token]]
serial = 31415926
PASSWORD
credential = [
    { issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { issuer = 'AWS', account = 'bob', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', touch = true },
    { issuer = 'VPN', account = 'dave', seed = 'GEZDGNBV', type = 'hotp' },
]
";

const PROFILE: &str = "[profiles.work]\nregion = 'eu-central-1'\nendpoint_url = 'COGNITO_URL'\nissuer = 'AWS'\naccount = 'alice'\n";

async fn world() -> World {
    with(&TOKEN.replace("PASSWORD", "")).await
}

async fn locked_world() -> World {
    with(&TOKEN.replace("PASSWORD", "password = 'correct horse'")).await
}

async fn with(token: &str) -> World {
    Scenario::inside().cards(token).config(PROFILE).start().await.unwrap()
}

/// A world whose token belongs to an account of its Cognito, and the access token.
async fn with_cognito() -> (World, String) {
    let world = world().await;
    let user = world.cognito.ready_user("alice", b"12345678901234567890").unwrap();
    (world, user.access_token)
}

/// Another client on the same bus.
async fn other(world: &World) -> Client {
    world.stage.client().await.unwrap()
}

/// The path of the operation with this handle.
fn path(client: &Client, handle: &str) -> String {
    let name = client.connection().unique_name().unwrap().to_string();
    format!("{ROOT}/operations/{}/{handle}", name.trim_start_matches(':').replace('.', "_"))
}

fn named(handle: &str) -> Options<'_> {
    Options::from([("handle-token", handle.into())])
}

/// A running call.
fn calculating(
    client: &Client,
    credential: &str,
    options: Options<'static>,
) -> JoinHandle<Result<String, Refusal>> {
    let (client, credential) = (client.clone(), credential.to_owned());
    tokio::spawn(async move { client.calculate(&credential, options).await.map(|code| code.code) })
}

async fn wants_a_touch(card: &VirtualToken) {
    let card = card.clone();
    assert!(
        tokio::task::spawn_blocking(move || card.wait_until_it_wants_a_touch(EVENT_TIMEOUT)).await.unwrap()
    );
}

async fn state(client: &Client, operation: &str) -> Result<String, Refusal> {
    client.property(operation, "Operation", "State").await
}

async fn cancel(client: &Client, operation: &str) -> bool {
    client.call(operation, "Operation", "Cancel", &()).await.unwrap()
}

async fn result(client: &Client, operation: &str) -> Result<Extra, Refusal> {
    client.call(operation, "Operation", "GetResult", &()).await
}

fn text(result: &Extra, key: &str) -> Option<String> {
    String::try_from(result.get(key)?.try_clone().unwrap()).ok()
}

fn is_operation(event: &Event) -> bool {
    event.place().starts_with("operations/")
}
