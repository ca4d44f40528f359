//! The time between the arrival of a call and the start of its operation, in which the daemon reads the secrets.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use testkit::client::Options;
use testkit::patience;
use testkit::scenario::START_UNIX_TIME;
use zbus::{Fd, ObjectPath, Variant};

use super::{CALCULATE, other, path, with_cognito};

/// Options with an access token in a pipe that the test writes later.
fn slow_options() -> (Options<'static>, File) {
    let (reader, writer) = std::io::pipe().unwrap();
    let access_token = Variant::Fd(Fd::from(OwnedFd::from(reader)));
    (
        Options::from([("profile", "work".into()), ("access-token", access_token)]),
        OwnedFd::from(writer).into(),
    )
}

#[testkit::test]
async fn no_operation_starts_for_a_caller_that_left_while_its_secrets_were_read() {
    let (world, access_token) = with_cognito().await;
    let card = world.card().unwrap();
    let before = card.count(CALCULATE);
    let leaver = other(&world).await;
    let (options, mut writer) = slow_options();
    let calling = {
        let leaver = leaver.clone();
        tokio::spawn(async move {
            let arguments = (ObjectPath::try_from("/").unwrap(), options);
            leaver
                .call::<_, (String, String, testkit::client::Extra)>(
                    ROOT,
                    "Cognito",
                    "VerifySoftwareToken",
                    &arguments,
                )
                .await
                .map(drop)
        })
    };
    // The call has arrived when a later call of the same connection is answered.
    tokio::task::yield_now().await;
    leaver.problems().await.unwrap();
    let info: testkit::client::Extra = leaver.call(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
    assert!(info.contains_key("unique-name"));
    calling.abort();
    leaver.connection().clone().close().await.unwrap();
    // The bus reports the disconnection to the daemon before it delivers a later call.
    for _ in 0..3 {
        world.client.problems().await.unwrap();
    }
    writer.write_all(access_token.as_bytes()).unwrap();
    drop(writer);
    let is_logged = async || world.stage.log().unwrap().contains("VerifySoftwareToken");
    patience::until("the call has its line", is_logged).await.unwrap();
    let log = world.stage.log().unwrap();
    let line = log.lines().find(|line| line.contains("VerifySoftwareToken")).unwrap();
    assert!(line.contains("Cancelled"), "{line}");
    assert!(world.cognito.log().is_empty(), "nothing is submitted for a caller that has left");
    assert_eq!(card.count(CALCULATE), before, "no command is sent to the token");
}

#[testkit::test]
async fn the_timeout_of_a_call_counts_from_its_arrival() {
    let (world, access_token) = with_cognito().await;
    let (mut options, mut writer) = slow_options();
    options.insert("handle-token", "slow".into());
    options.insert("timeout", Variant::from(15_u32));
    let slow = async {
        // The call has arrived when a later one of the same connection has been answered.
        tokio::task::yield_now().await;
        world.client.problems().await.unwrap();
        // Less than the time for the descriptor.
        world.clock().unwrap().advance(Duration::from_secs(1));
        writer.write_all(access_token.as_bytes()).unwrap();
        drop(writer);
    };
    let (verified, ()) = tokio::join!(world.client.verify("/", options), slow);
    verified.unwrap();
    let operation = path(&world.client, "slow");
    let deadline: u64 = world.client.property(&operation, "Operation", "Deadline").await.unwrap();
    assert_eq!(deadline, START_UNIX_TIME + 15);
}
