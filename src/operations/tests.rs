//! Operations without a bus: events, their order, and cancellation.

use std::time::Duration;

use futures_util::FutureExt;

use super::*;
use crate::clock::ManualClock;
use crate::oath::{ObjectId, TokenId};

fn token(value: &str) -> TokenId {
    TokenId::new("ykoath", value)
}

fn object(token: &str) -> ObjectId {
    ObjectId::parse(&format!("ykoath_{token}_0011223344556677")).unwrap()
}

fn request(handle: Option<&str>) -> Request {
    Request {
        kind: Kind::Calculate,
        caller: ":1.7".to_owned(),
        requester: Requester { kind: "unknown".to_owned(), name: String::new() },
        handle: handle.map(str::to_owned),
        credential: Some(object("00")),
        token: None,
        interactive: true,
        own_prompt: false,
        wait_for_token: false,
        deadline: Deadline::after(Duration::from_secs(22), &ManualClock::at(Duration::ZERO)),
    }
}

fn operations() -> (Operations, mpsc::UnboundedReceiver<Event>) {
    Operations::new(Arc::new(ManualClock::at(Duration::from_secs(1_000))))
}

fn told(events: &mut mpsc::UnboundedReceiver<Event>) -> Vec<String> {
    let word = |event| match event {
        Event::Published(_, state) => format!("+{state}"),
        Event::Changed(_, state) => state.to_string(),
        Event::Found(_) => "found".to_owned(),
        Event::Forgotten(_) => "-".to_owned(),
        Event::Barrier(_) => "|".to_owned(),
    };
    std::iter::from_fn(|| events.try_recv().ok()).map(word).collect()
}

#[test]
fn only_operations_with_a_handle_or_that_need_a_person_are_published() {
    let (operations, mut events) = operations();
    let quiet = operations.begin(request(None));
    quiet.set_state(State::Calculating);
    quiet.end(State::Done);
    quiet.forget();
    assert_eq!(told(&mut events), Vec::<String>::new());
    let named = operations.begin(request(Some("a")));
    named.set_state(State::Calculating);
    named.end(State::Done);
    named.set_state(State::Calculating);
    assert_eq!(told(&mut events), ["+queued", "calculating", "done"]);
    let touched = operations.begin(request(None));
    touched.set_state(State::Calculating);
    touched.set_state(State::WaitingTouch);
    assert_eq!(told(&mut events), ["+waiting-touch"]);
    assert_eq!(operations.count(), 1);
}

#[test]
fn an_operation_is_forgotten_once() {
    let (operations, mut events) = operations();
    let operation = operations.begin(request(Some("a")));
    operation.end(State::Done);
    operation.forget();
    operation.forget();
    assert_eq!(told(&mut events), ["+queued", "done", "-"]);
}

#[test]
fn the_oldest_wait_is_first_and_is_removed_at_its_end() {
    let (operations, _events) = operations();
    let (one, two) = (operations.begin(request(None)), operations.begin(request(None)));
    two.set_state(State::WaitingUnlock);
    one.set_state(State::WaitingTouch);
    let actions = operations.user_actions();
    let shown =
        || actions.borrow().iter().map(|action| (action.kind, action.operation.number())).collect::<Vec<_>>();
    // Both started in the same second; the lower number is the older one.
    assert_eq!(shown(), [(ActionKind::Touch, one.number()), (ActionKind::Unlock, two.number())]);
    assert_eq!(actions.borrow()[0].token, Some(token("00")));
    one.end(State::Done);
    assert_eq!(shown(), [(ActionKind::Unlock, two.number())]);
    two.end(State::Cancelled);
    assert!(shown().is_empty());
}

/// Several threads, each with its own operations, like on a multi-threaded runtime. The published list has neither lost
/// an operation nor kept one that has ended.
#[test]
fn a_published_list_is_never_replaced_by_an_older_one() {
    const ROUNDS: usize = 5_000;
    const THREADS: usize = 6;
    let (operations, _events) = operations();
    let actions = operations.user_actions();
    let (begun, rested) = (std::sync::Barrier::new(THREADS + 1), std::sync::Barrier::new(THREADS + 1));
    let work = || {
        for _ in 0..ROUNDS {
            begun.wait();
            let over = operations.begin(request(None));
            over.set_state(State::WaitingTouch);
            let waiting = operations.begin(request(None));
            waiting.set_state(State::WaitingUnlock);
            over.end(State::Done);
            rested.wait();
            rested.wait();
            waiting.end(State::Cancelled);
        }
    };
    std::thread::scope(|scope| {
        (0..THREADS).for_each(|_| drop(scope.spawn(work)));
        let mut wrong = Vec::new();
        for round in 0..ROUNDS {
            begun.wait();
            rested.wait();
            let kinds: Vec<_> = actions.borrow().iter().map(|action| action.kind).collect();
            if kinds != [ActionKind::Unlock; THREADS] {
                wrong.push((round, kinds));
            }
            rested.wait();
        }
        assert!(wrong.is_empty(), "{} of {ROUNDS}: {:?}", wrong.len(), wrong.first());
    });
    assert!(actions.borrow().is_empty(), "all have ended");
}

#[tokio::test]
async fn nothing_interrupts_a_submission() {
    let (operations, _events) = operations();
    let operation = operations.begin(request(None));
    operation.begin_submission(Sending::Code).unwrap();
    assert!(!operation.cancel(Cancellation::Caller), "a code is being sent");
    assert!(operation.cancelled().now_or_never().is_none());
    operation.note(|details| details.attempts = 1);
    operation.end_submission();
    assert_eq!(operation.cancelled().now_or_never(), Some(Cancellation::Caller));
    assert_eq!(operation.begin_submission(Sending::Code), Err(Cancellation::Caller));
    assert!(!operation.cancel(Cancellation::Suspend), "a code was sent");
}

#[tokio::test]
async fn nothing_interrupts_a_choice_although_it_is_not_a_code() {
    let (operations, _events) = operations();
    let operation = operations.begin(request(None));
    operation.begin_submission(Sending::Choice).unwrap();
    assert!(operation.cancel(Cancellation::Caller), "no code was sent");
    assert!(operation.cancelled().now_or_never().is_none());
    operation.end_submission();
    assert_eq!(operation.cancelled().now_or_never(), Some(Cancellation::Caller));
    assert_eq!(operation.begin_submission(Sending::Code), Err(Cancellation::Caller));
}

#[tokio::test]
async fn an_operation_that_is_not_sent_is_cancelled_with_the_first_reason() {
    let (operations, _events) = operations();
    let operation = operations.begin(request(None));
    assert!(operation.cancel(Cancellation::Caller));
    operations.cancel_all(Cancellation::ScreenLocked);
    assert!(!operation.is_orphan());
    operation.cancel(Cancellation::CallerGone);
    assert!(operation.is_orphan(), "its caller has left");
    assert_eq!(operation.cancelled().await, Cancellation::Caller);
    operation.end(State::Cancelled);
    assert!(!operation.cancel(Cancellation::Caller), "it has ended");
}

#[test]
fn an_action_names_the_credential_that_was_found_meanwhile() {
    let (operations, _events) = operations();
    let actions = operations.user_actions();
    let about = || actions.borrow().first().map(|wait| (wait.token.clone(), wait.credential.clone()));
    let request = Request { credential: None, ..request(None) };
    let operation = operations.begin(request);
    operation.set_state(State::WaitingUnlock);
    assert_eq!(about(), Some((None, None)));
    operation.set_token(Some(&token("00")));
    assert_eq!(about(), Some((Some(token("00")), None)));
    operation.set_credential(&object("01"));
    assert_eq!(about(), Some((Some(token("01")), Some(object("01")))));
    let other = ObjectId::parse("ykoath_01_2222222222222222").unwrap();
    operation.set_credential(&other);
    assert_eq!(about(), Some((Some(token("01")), Some(other))));
}

#[test]
fn the_wait_for_the_token_begins_after_that_for_a_person() {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_000)));
    let (operations, _events) = Operations::new(clock.clone());
    let operation = operations.begin(request(None));
    let wait = |state, seconds| {
        operation.set_state(state);
        clock.advance(Duration::from_secs(seconds));
        operation.waited_for_token().as_secs()
    };
    assert_eq!(
        [wait(State::Queued, 1), wait(State::WaitingToken, 10), wait(State::Calculating, 2)],
        [1, 11, 13]
    );
    wait(State::WaitingTouch, 60);
    assert_eq!([wait(State::Calculating, 3), wait(State::WaitingToken, 4)], [3, 7]);
    wait(State::WaitingStep, 30);
    assert_eq!(wait(State::Queued, 0), 0);
}
