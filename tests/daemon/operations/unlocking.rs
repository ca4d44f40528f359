//! Cancelling an unlock: by its caller, by locking, or by unplugging the token.

use std::io::{PipeWriter, Write};
use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::VirtualToken;
use testkit::client::{Client, Event, Options, Refusal, memfd};
use testkit::patience;
use testkit::scenario::World;
use tokio::task::JoinHandle;
use zbus::Fd;

use super::{cancel, locked_world, named, other, path, state};

/// VALIDATE, YKOATH.
const VALIDATE: u8 = 0xa3;

/// A delay of each command, so that the test can act before the token is read.
const COMMAND_DELAY: Duration = Duration::from_millis(400);

async fn locked_token(world: &World) -> String {
    world.client.find(&[]).await.unwrap().1.remove(0)
}

fn unlocking(client: &Client, token: &str, options: Options<'static>) -> JoinHandle<Result<(), Refusal>> {
    let (client, token) = (client.clone(), token.to_owned());
    tokio::spawn(async move {
        let password = memfd(b"correct horse").unwrap();
        client.call(&token, "Token", "Unlock", &(Fd::from(password), options)).await
    })
}

/// An `Unlock` whose password is not written yet. The call has arrived when this returns.
async fn unlocking_later(
    client: &Client,
    token: &str,
    options: Options<'static>,
) -> (JoinHandle<Result<(), Refusal>>, PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    let call = {
        let (client, token) = (client.clone(), token.to_owned());
        tokio::spawn(async move {
            let password = Fd::from(std::os::fd::OwnedFd::from(reader));
            client.call::<_, ()>(&token, "Token", "Unlock", &(password, options)).await
        })
    };
    tokio::task::yield_now().await;
    // A later call of the same connection has been answered.
    assert_eq!(token_state(client, token).await, "locked");
    (call, writer)
}

fn is_token_gone(event: &Event) -> bool {
    matches!(event, Event::Removed { .. }) && event.place().starts_with("tokens/")
}

async fn until_proved(card: &VirtualToken, before: usize) {
    let is_proved = async || card.count(VALIDATE) > before;
    patience::until("the password is tried", is_proved).await.unwrap();
}

/// Waits until the token is idle.
async fn idle(client: &Client) {
    client.call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
}

async fn token_state(client: &Client, token: &str) -> String {
    client.property(token, "Token", "State").await.unwrap()
}

#[testkit::test]
async fn a_cancelled_unlock_leaves_the_token_as_it_was() {
    let world = locked_world().await;
    let (card, token) = (world.card().unwrap(), locked_token(&world).await);
    let before = card.count(VALIDATE);
    card.set_delay(COMMAND_DELAY);
    let call = unlocking(&world.client, &token, named("called_off"));
    until_proved(card, before).await;
    assert!(cancel(&world.client, &path(&world.client, "called_off")).await);
    assert_eq!(call.await.unwrap().unwrap_err().name, "Cancelled");
    card.set_delay(Duration::ZERO);
    idle(&world.client).await;
    assert_eq!(token_state(&world.client, &token).await, "locked");
}

#[testkit::test]
async fn lock_all_cancels_an_unlock_in_progress() {
    let world = locked_world().await;
    let (card, token) = (world.card().unwrap(), locked_token(&world).await);
    let before = card.count(VALIDATE);
    card.set_delay(COMMAND_DELAY);
    let call = unlocking(&world.client, &token, Options::new());
    until_proved(card, before).await;
    other(&world).await.call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenLocked");
    card.set_delay(Duration::ZERO);
    idle(&world.client).await;
    assert_eq!(token_state(&world.client, &token).await, "locked");
}

#[testkit::test]
async fn unlock_may_wait_for_a_token_that_is_unplugged_before_its_password_is_tried() {
    let mut world = locked_world().await;
    let token = locked_token(&world).await;
    let mut signals = world.client.signals().await.unwrap();
    for waits in [false, true] {
        let mut options = named(if waits { "waits" } else { "fails" });
        options.insert("wait-for-token", waits.into());
        let (call, mut writer) = unlocking_later(&world.client, &token, options).await;
        world.pcscd().unwrap().remove(0).unwrap();
        signals.until(is_token_gone).await.unwrap();
        writer.write_all(b"correct horse").unwrap();
        drop(writer);
        let card = world.card().unwrap().clone();
        if waits {
            let asks = |event: &Event| event.value::<String>("Kind").as_deref() == Some("insert");
            signals.until(asks).await.unwrap();
            assert_eq!(state(&world.client, &path(&world.client, "waits")).await.unwrap(), "waiting-token");
            world.pcscd().unwrap().insert(0, &card).unwrap();
            call.await.unwrap().unwrap();
            assert_eq!(token_state(&world.client, &token).await, "ready");
        } else {
            assert_eq!(call.await.unwrap().unwrap_err().name, "TokenRemoved");
            world.pcscd().unwrap().insert(0, &card).unwrap();
            let locked = |event: &Event| event.value::<String>("State").as_deref() == Some("locked");
            signals.until(locked).await.unwrap();
        }
    }
}

#[testkit::test]
async fn lock_all_cancels_an_unlock_that_waits_for_its_token() {
    let mut world = locked_world().await;
    let (card, token) = (world.card().unwrap().clone(), locked_token(&world).await);
    let mut signals = world.client.signals().await.unwrap();
    let mut options = named("waits");
    options.extend([("wait-for-token", true.into()), ("timeout", 900_u32.into())]);
    let (call, mut writer) = unlocking_later(&world.client, &token, options).await;
    world.pcscd().unwrap().remove(0).unwrap();
    signals.until(is_token_gone).await.unwrap();
    writer.write_all(b"correct horse").unwrap();
    drop(writer);
    signals.until(|event| event.value::<String>("Kind").as_deref() == Some("insert")).await.unwrap();
    other(&world).await.call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap();
    world.pcscd().unwrap().insert(0, &card).unwrap();
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenLocked");
    signals.until(|event| event.value::<String>("State").as_deref() == Some("locked")).await.unwrap();
    idle(&world.client).await;
    assert_eq!(token_state(&world.client, &token).await, "locked");
}

#[testkit::test]
async fn lock_cancels_an_unlock_whose_password_is_not_read_yet() {
    let world = locked_world().await;
    let token = locked_token(&world).await;
    let (call, mut writer) = unlocking_later(&world.client, &token, Options::new()).await;
    other(&world).await.call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    writer.write_all(b"correct horse").unwrap();
    drop(writer);
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenLocked");
    idle(&world.client).await;
    assert_eq!(token_state(&world.client, &token).await, "locked");
    // A later unlock succeeds.
    world.client.unlock(&token, "correct horse").await.unwrap();
}
