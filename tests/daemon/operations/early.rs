//! The time between the arrival of a call and the start of its operation, in which the daemon reads the secrets.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

use oathbridge::dbus::names::ROOT;
use testkit::client::Options;
use testkit::fake_cognito::FakeCognito;
use testkit::rig::{Rig, step_with_room};
use zbus::{Fd, ObjectPath, Variant};

use super::{CALCULATE, DAEMON, TOKEN, other, path};

async fn with_cognito() -> (Rig, FakeCognito, String) {
    let cognito = FakeCognito::start(Default::default()).unwrap();
    let user = cognito.ready_user("alice", b"12345678901234567890").unwrap();
    let config = format!(
        "[profiles.work]\nregion = 'eu-central-1'\nendpoint_url = '{}'\nissuer = 'AWS'\naccount = 'alice'\n",
        cognito.url()
    );
    let rig = Rig::start(DAEMON, &TOKEN.replace("PASSWORD", ""), &config, true).await.unwrap();
    (rig, cognito, user.access_token)
}

/// Options with an access token in a pipe that the test writes later.
fn slow_options() -> (Options<'static>, File) {
    let (reader, writer) = std::io::pipe().unwrap();
    let access_token = Variant::Fd(Fd::from(OwnedFd::from(reader)));
    (
        Options::from([("profile", "work".into()), ("access-token", access_token)]),
        OwnedFd::from(writer).into(),
    )
}

#[tokio::test]
async fn no_operation_starts_for_a_caller_that_left_while_its_secrets_were_read() {
    let (rig, cognito, access_token) = with_cognito().await;
    let card = rig.card().unwrap();
    let before = card.count(CALCULATE);
    let leaver = other(&rig).await;
    let (options, mut writer) = slow_options();
    step_with_room(10).await;
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
        rig.client.problems().await.unwrap();
    }
    writer.write_all(access_token.as_bytes()).unwrap();
    drop(writer);
    for _ in 0..1500 {
        if rig.stage.log().unwrap().contains("VerifySoftwareToken") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = rig.stage.log().unwrap();
    let line = log.lines().find(|line| line.contains("VerifySoftwareToken")).unwrap();
    assert!(line.contains("Cancelled"), "{line}");
    assert!(cognito.log().is_empty(), "nothing is submitted for a caller that has left");
    assert_eq!(card.count(CALCULATE), before, "no command is sent to the token");
}

#[tokio::test]
async fn the_timeout_of_a_call_counts_from_its_arrival() {
    let (rig, _cognito, access_token) = with_cognito().await;
    let (mut options, mut writer) = slow_options();
    options.insert("handle-token", "slow".into());
    options.insert("timeout", Variant::from(15_u32));
    let slow = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        writer.write_all(access_token.as_bytes()).unwrap();
        drop(writer);
    };
    step_with_room(10).await;
    let called = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let (verified, ()) = tokio::join!(rig.client.verify("/", options), slow);
    verified.unwrap();
    let operation = path(&rig.client, "slow");
    let deadline: u64 = rig.client.property(&operation, "Operation", "Deadline").await.unwrap();
    let allowed = Duration::from_secs(deadline).saturating_sub(called);
    assert!(allowed < Duration::from_millis(15_400), "{allowed:?}");
}
