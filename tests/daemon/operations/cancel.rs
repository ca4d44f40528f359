//! A request whose code is not sent yet can be cancelled; a code that was sent cannot be taken back.

use testkit::client::{Client, Event, Options};
use testkit::fake_cognito::{Fault, Plan};
use zbus::Variant;

use super::{
    CALCULATE, EVENT_TIMEOUT, calculating, cancel, named, other, path, result, state, text, wants_a_touch,
    with_cognito, world,
};

#[testkit::test]
async fn a_cancelled_request_ends_at_once_and_the_token_serves_the_next() {
    let world = world().await;
    let card = world.card().unwrap();
    let bob = world.client.credential("bob").await.unwrap();
    let call = calculating(&world.client, &bob, named("mine"));
    wants_a_touch(card).await;
    let operation = path(&world.client, "mine");
    // Every program of the user may cancel.
    assert!(cancel(&other(&world).await, &operation).await);
    assert_eq!(call.await.unwrap().unwrap_err().name, "Cancelled");
    assert_eq!(state(&world.client, &operation).await.unwrap(), "cancelled");
    assert!(!cancel(&world.client, &operation).await, "the operation has ended");
    card.touch();
    let alice = world.client.credential("alice").await.unwrap();
    world.client.calculate(&alice, Options::new()).await.unwrap();
}

#[testkit::test]
async fn the_requests_of_a_caller_that_leaves_are_cancelled() {
    let world = world().await;
    let card = world.card().unwrap();
    let bob = world.client.credential("bob").await.unwrap();
    let leaver = other(&world).await;
    let mut signals = world.client.signals().await.unwrap();
    let waiting = calculating(&leaver, &bob, named("waiting"));
    wants_a_touch(card).await;
    let queued = calculating(&leaver, &bob, Options::from([("next", true.into())]));
    // The call has arrived when a later call of the same connection is answered.
    leaver.problems().await.unwrap();
    let before = card.count(CALCULATE);
    waiting.abort();
    queued.abort();
    leaver.connection().clone().close().await.unwrap();
    signals.until(|event| matches!(event, Event::Removed { .. })).await.unwrap();
    card.touch();
    let alice = world.client.credential("alice").await.unwrap();
    world.client.calculate(&alice, Options::new()).await.unwrap();
    assert_eq!(
        card.count(CALCULATE),
        before + 1,
        "a queued calculation of a caller that has left is not run"
    );
}

fn verify_options<'a>(access_token: &'a str, handle: &'a str) -> Options<'a> {
    let mut options = named(handle);
    options.insert("profile", "work".into());
    options.insert("access-token", access_token.into());
    options.insert("timeout", Variant::from(60_u32));
    options
}

#[testkit::test]
async fn a_submission_in_progress_is_not_cancelled() {
    let (world, access_token) = with_cognito().await;
    world.cognito.plan(Plan { delay_ms: 1_500, ..Plan::default() });
    let operation = path(&world.client, "sent");
    let mut signals = world.client.signals().await.unwrap();
    let canceller: Client = other(&world).await;
    let cancelling = async {
        signals.until(|event| event.value::<String>("State").as_deref() == Some("submitting")).await.unwrap();
        cancel(&canceller, &operation).await
    };
    let (verified, cancelled) =
        tokio::join!(world.client.verify("/", verify_options(&access_token, "sent")), cancelling);
    assert!(!cancelled, "a code was being sent");
    assert_eq!(verified.unwrap().status, "SUCCESS");
    assert_eq!(state(&world.client, &operation).await.unwrap(), "done");
    assert_eq!(text(&result(&world.client, &operation).await.unwrap(), "status").as_deref(), Some("SUCCESS"));
}

#[testkit::test]
async fn a_cancellation_between_two_codes_returns_the_outcome_of_the_first() {
    let (world, access_token) = with_cognito().await;
    world.cognito.fail(Fault::exception("CodeMismatchException", "no"));
    let operation = path(&world.client, "between");
    let mut signals = world.client.signals().await.unwrap();
    let canceller = other(&world).await;
    let cancelling = async {
        signals
            .until(|event| event.value::<String>("State").as_deref() == Some("waiting-step"))
            .await
            .unwrap();
        cancel(&canceller, &operation).await
    };
    let (verified, cancelled) =
        tokio::join!(world.client.verify("/", verify_options(&access_token, "between")), cancelling);
    assert!(!cancelled, "a code was sent");
    assert_eq!(verified.unwrap_err().name, "Cognito.CodeMismatch");
    assert_eq!(world.cognito.log().iter().filter(|entry| entry.step.is_some()).count(), 1);
    let kept = result(&world.client, &operation).await.unwrap();
    assert!(bool::try_from(kept["submitted"].try_clone().unwrap()).unwrap());
    assert_eq!(text(&kept, "aws-code").as_deref(), Some("CodeMismatchException"));
}

#[testkit::test]
async fn lock_all_wipes_the_key_of_a_token_that_waits_for_a_touch() {
    let world = super::locked_world().await;
    let card = world.card().unwrap();
    let (_, locked) = world.client.find(&[]).await.unwrap();
    world.client.unlock(&locked[0], "correct horse").await.unwrap();
    let bob = world.client.credential("bob").await.unwrap();
    let call = calculating(&world.client, &bob, Options::new());
    wants_a_touch(card).await;
    let locker = other(&world).await;
    let locking = tokio::spawn(async move {
        locker.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "LockAll", &()).await
    });
    // The card may finish its current command; later commands meet a locked token.
    tokio::time::timeout(EVENT_TIMEOUT, locking).await.unwrap().unwrap().unwrap();
    card.touch();
    call.await.unwrap().unwrap();
    let alone = Options::from([("interactive", false.into())]);
    assert_eq!(world.client.calculate(&bob, alone).await.unwrap_err().name, "TokenLocked");
}
