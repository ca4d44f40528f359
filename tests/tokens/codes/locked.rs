//! A token with a password.

use std::io::{PipeWriter, Write, pipe};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use oathbridge::dbus::names;
use testkit::client::{Client, Extra, Options};
use zbus::OwnedObjectPath;

use super::{Bench, KEY};

const PASSWORD: &str = "correct horse";
const LOCKED: &str = "password = 'correct horse'";

/// The only token, which is locked.
async fn token(client: &Client) -> String {
    let (found, locked) = client.find(&[]).await.unwrap();
    assert!(found.is_empty() && locked.len() == 1, "{found:?} {locked:?}");
    locked[0].clone()
}

async fn state(client: &Client, token: &str) -> String {
    client.property(token, "Token", "State").await.unwrap()
}

fn pipe_with(text: &str) -> std::io::PipeReader {
    let (reader, mut writer): (_, PipeWriter) = pipe().unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    reader
}

#[testkit::test]
async fn only_the_correct_password_unlocks_the_token() {
    let bench = Bench::new(LOCKED, "").await;
    let client = bench.client();
    let token = token(client).await;
    assert_eq!(state(client, &token).await, "locked");
    for wrong in ["wrong", "correct horse ", "correct horse\n\n"] {
        assert_eq!(client.unlock(&token, wrong).await.unwrap_err().name, "WrongPassword", "{wrong:?}");
        assert_eq!(state(client, &token).await, "locked");
    }
    client.unlock(&token, PASSWORD).await.unwrap();
    assert_eq!(state(client, &token).await, "ready", "the reply follows the signals that it implies");
    let alice = bench.credential("alice").await;
    client.calculate(&alice, Options::new()).await.unwrap();
    assert_eq!(client.unlock(&token, "wrong").await.unwrap_err().name, "WrongPassword");
    client.calculate(&alice, Options::new()).await.unwrap();

    client.call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    assert_eq!(state(client, &token).await, "locked");
    assert_eq!(client.find(&[]).await.unwrap().0.len(), 0);
    client.unlock_with(&token, &pipe_with("correct horse\r\n")).await.unwrap();
    client.calculate(&alice, Options::new()).await.unwrap();
}

/// The number of signals about objects between a call and its reply, on one connection.
async fn signals_before_the_reply(client: &Client, call: &zbus::Message) -> usize {
    let connection = client.connection();
    let rule = zbus::MatchRule::builder().msg_type(zbus::message::Type::Signal).sender(names::BUS);
    zbus::fdo::DBusProxy::new(connection).await.unwrap().add_match_rule(rule.build().unwrap()).await.unwrap();
    let mut messages = zbus::MessageStream::from(connection);
    connection.send(call).await.unwrap();
    let mut signals = 0;
    loop {
        let message = messages.next().await.unwrap().unwrap();
        let header = message.header();
        if header.reply_serial() == Some(call.primary_header().serial_num()) {
            assert_eq!(header.message_type(), zbus::message::Type::MethodReturn);
            return signals;
        }
        let about_objects =
            header.interface().is_some_and(|name| name.as_str() == "org.freedesktop.DBus.ObjectManager");
        signals += usize::from(about_objects);
    }
}

#[testkit::test]
async fn replies_follow_the_signals_that_they_imply() {
    let bench = Bench::new(LOCKED, "[limits]\nunlocks_per_minute = 1000\n").await;
    let client = bench.client();
    let token = token(client).await;
    let credentials = {
        client.unlock(&token, PASSWORD).await.unwrap();
        client.find(&[]).await.unwrap().0.len()
    };
    let call = |method: &'static str| {
        let path = zbus::ObjectPath::try_from(token.as_str()).unwrap().into_owned();
        let interface = format!("{}.Token", names::BUS);
        zbus::Message::method_call(path, method).destination(names::BUS).interface(interface)
    };
    for _ in 0..20 {
        let lock = call("Lock").build(&()).unwrap();
        assert_eq!(signals_before_the_reply(client, &lock).await, credentials);
        let secret = zbus::Fd::from(std::os::fd::OwnedFd::from(pipe_with(PASSWORD)));
        let unlock = call("Unlock").build(&(secret, Options::new())).unwrap();
        assert_eq!(signals_before_the_reply(client, &unlock).await, credentials);
    }
}

#[testkit::test]
async fn a_token_is_locked_again_after_an_insertion() {
    let mut bench = Bench::new(LOCKED, "").await;
    let token = token(bench.client()).await;
    bench.client().unlock(&token, PASSWORD).await.unwrap();
    let mut signals = bench.client().signals().await.unwrap();
    let card = bench.card().clone();
    bench.world.pcscd().unwrap().insert(0, &card).unwrap();
    signals.until(|event| event.value("State") == Some("locked".to_owned())).await.unwrap();
    assert_eq!(bench.client().find(&[]).await.unwrap().1, [token]);
}

#[testkit::test]
async fn a_credential_of_a_locked_token_and_a_missing_one_have_different_errors() {
    let config = "[profiles.fake]\nregion = 'eu-central-1'\nendpoint_url = 'COGNITO_URL'";
    let bench = Bench::new(LOCKED, config).await;
    let ready = bench.world.cognito.ready_user("alice", KEY).unwrap();
    let client = bench.client();
    let token = token(client).await;
    client.unlock(&token, PASSWORD).await.unwrap();
    let alice = bench.credential("alice").await;
    client.call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    let verify = async |credential: &str| {
        let options = [("access-token", ready.access_token.as_str().into()), ("profile", "fake".into())];
        client.verify(credential, options.into()).await.unwrap_err().name
    };
    // A person could unlock it until nine seconds before the deadline.
    let (refusal, passed) = tokio::join!(verify(&alice), bench.world.pass(Duration::from_secs(13)));
    passed.unwrap();
    assert_eq!(refusal, "TokenLocked");
    let absent = alice.replace("ykoath_", "ykoath_0");
    assert_eq!(verify(&absent).await, "TokenRemoved");
    client.unlock(&token, PASSWORD).await.unwrap();
    let (front, _) = alice.rsplit_once('_').unwrap();
    assert_eq!(verify(&format!("{front}_0123456789abcdef")).await, "NoSuchCredential");
    let path: OwnedObjectPath = client.property(&alice, "Credential", "Token").await.unwrap();
    assert_eq!(verify(path.as_str()).await, "org.freedesktop.DBus.Error.InvalidArgs");
    assert_eq!(bench.world.cognito.log().len(), 0);
}

/// A flood of locks must leave places in the token's queue to other requests.
#[testkit::test]
async fn locks_that_wait_for_the_token_share_one_reading() {
    let bench = Bench::new("", "").await;
    let (alice, bob) = (bench.credential("alice").await, bench.credential("bob").await);
    let (client, card) = (bench.client().clone(), bench.card().clone());
    let busy = tokio::spawn(async move { client.calculate(&bob, Options::new()).await.map(drop) });
    let wants_touch = move || card.wait_until_it_wants_a_touch(Duration::from_secs(60));
    assert!(tokio::task::spawn_blocking(wants_touch).await.unwrap());
    let before = bench.card().log().len();
    let lock = || bench.client().call::<_, ()>(names::ROOT, "Manager", "LockAll", &());
    let touch = async {
        let info = bench.client().call::<_, Extra>(names::ROOT, "Manager", "GetCallerInfo", &());
        // The locks were sent before this call.
        info.await.unwrap();
        bench.card().touch();
    };
    let code = bench.client().calculate(&alice, Options::new());
    let (locked, code, ()) = tokio::join!(join_all((0..100).map(|_| lock())), code, touch);
    locked.into_iter().for_each(|locked| locked.unwrap());
    code.unwrap();
    busy.await.unwrap().unwrap();
    let commands = bench.card().log().len() - before;
    assert!(commands < 40, "{commands}");
}

/// A key for authorities refuses everything at first, and has no challenge to unlock it with.
#[testkit::test]
async fn a_token_that_wants_a_password_to_be_set_says_so() {
    let bench = Bench::new("", "").await;
    let client = bench.client();
    bench.credential("alice").await;
    bench.card().want_password();
    client.call::<_, ()>(names::ROOT, "Manager", "Reload", &()).await.unwrap();
    let objects = client.objects().await.unwrap();
    let token = objects.into_keys().find(|path| path.contains("/tokens/")).unwrap();
    assert_eq!(state(client, &token).await, "error");
    let reason: String = client.property(&token, "Token", "StateReason").await.unwrap();
    assert_eq!(reason, "TokenLocked");
    let refusal = client.unlock(&token, PASSWORD).await.unwrap_err();
    assert_eq!(refusal.name, "TokenLocked");
    assert!(refusal.sentence.contains("set one with ykman oath access change"), "{refusal:?}");
    assert!(client.find(&[]).await.unwrap().1.is_empty(), "no password unlocks it");

    // Only a request selects the application, which deselects that of another program.
    const SELECT: u8 = 0xa4;
    let selects_of_an_unlock = async || {
        let before = bench.card().count(SELECT);
        client.unlock(&token, PASSWORD).await.unwrap_err();
        bench.card().count(SELECT) - before
    };
    let expected = selects_of_an_unlock().await;
    let before = bench.card().count(SELECT);
    for _ in 0..5 {
        // Longer than each pause between two readings.
        bench.world.clock().unwrap().advance(Duration::from_secs(61));
        selects_of_an_unlock().await;
    }
    assert_eq!(bench.card().count(SELECT) - before, 5 * expected);
}
