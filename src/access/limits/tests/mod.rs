mod securing;
mod unidentified;

use std::cell::RefCell;

use super::*;
use crate::clock::ManualClock;

/// The limits, and connections by name.
struct Rig {
    limits: Limits,
    connections: RefCell<HashMap<String, Arc<ConnectionCounts>>>,
}

impl Rig {
    fn connection(&self, name: &str) -> Arc<ConnectionCounts> {
        Arc::clone(self.connections.borrow_mut().entry(name.to_owned()).or_default())
    }

    fn know(&self, name: &str, program: &str) {
        self.limits.know(&self.connection(name), program);
    }

    fn arrive(&self, name: &str, class: CallClass) -> Result<(), Refusal> {
        self.limits.arrive(&self.connection(name), class)
    }

    fn admit(&self, name: &str, class: CallClass) -> Result<Permit, Refusal> {
        self.limits.admit(&self.connection(name), class)
    }

    fn charge(&self, program: &str, class: CallClass) -> Result<(), Refusal> {
        self.limits.charge(program, class).map(drop)
    }

    fn deny(&self, name: &str, class: CallClass) -> bool {
        self.limits.deny(&self.connection(name), class)
    }
}

fn limits(config: config::Limits) -> (Rig, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_000)));
    let limits = Limits::new(config, clock.clone());
    (Rig { limits, connections: RefCell::default() }, clock)
}

/// Admits a call against all limits.
fn admit(limits: &Rig, client: &str, program: &str, class: CallClass) -> Result<Permit, Refusal> {
    limits.arrive(client, class)?;
    let mut permit = limits.admit(client, class)?;
    permit.admit_program(Some(program))?;
    Ok(permit)
}

fn limited(seconds: u64, count: u32, what: &'static str) -> Result<(), Refusal> {
    let allowed = Allowed { count, time: "minute", what };
    Err(Refusal::RateLimited { wait: Duration::from_secs(seconds), allowed })
}

#[test]
fn calls_at_once_are_limited_for_a_connection_a_program_and_all() {
    let config =
        config::Limits { calls_per_client: 2, calls_per_program: 3, calls: 4, ..config::Limits::default() };
    let (limits, _) = limits(config);
    let admit = |client, program| admit(&limits, client, program, CallClass::Code);
    let permits = [admit("1", "a").unwrap(), admit("1", "a").unwrap()];
    assert_eq!(admit("1", "a").unwrap_err(), Refusal::Busy, "the connection");
    let third = admit("2", "a").unwrap();
    assert_eq!(admit("3", "a").unwrap_err(), Refusal::Busy, "the program");
    let other = admit("4", "b").unwrap();
    assert_eq!(admit("5", "c").unwrap_err(), Refusal::Busy, "all");
    drop(permits);
    let _again = (admit("1", "a").unwrap(), admit("5", "c").unwrap());
    drop((third, other));
    admit("1", "a").unwrap();
}

#[test]
fn queries_at_once_are_limited_apart_from_calls() {
    let config = config::Limits { queries_per_client: 2, queries: 3, ..config::Limits::default() };
    let (limits, _) = limits(config);
    let query = |client| admit(&limits, client, client, CallClass::Query);
    let permits = [query("1").unwrap(), query("1").unwrap()];
    assert_eq!(query("1").unwrap_err(), Refusal::Busy);
    let _third = query("2").unwrap();
    assert_eq!(query("3").unwrap_err(), Refusal::Busy);
    admit(&limits, "1", "a", CallClass::Code).unwrap();
    drop(permits);
    query("1").unwrap();
}

#[test]
fn a_whole_quota_may_be_used_at_once_and_then_one_request_at_a_time() {
    let (limits, clock) = limits(config::Limits { submissions_per_minute: 10, ..config::Limits::default() });
    let charge = |program| limits.charge(program, CallClass::Submission);
    drop(admit(&limits, "1", "a", CallClass::Submission).unwrap());
    for _ in 0..10 {
        charge("a").unwrap();
    }
    let full = limited(6, 10, "calls of this kind");
    assert_eq!(charge("a"), full);
    assert_eq!(limits.arrive("1", CallClass::Submission), full);
    assert_eq!(charge("b"), Ok(()));
    assert!(limits.charge("a", CallClass::Code).is_ok(), "each kind has its own limit");
    clock.advance(Duration::from_secs(6));
    assert_eq!(charge("a"), Ok(()));
    assert_eq!(charge("a"), full);
}

#[test]
fn all_programs_together_are_limited_and_a_refusal_does_not_count() {
    let config = config::Limits {
        submissions_per_minute: 2,
        all_submissions_per_minute: 3,
        ..config::Limits::default()
    };
    let (limits, clock) = limits(config);
    for program in ["a", "b", "c"] {
        limits.charge(program, CallClass::Submission).unwrap();
    }
    for program in ["a", "d"] {
        assert_eq!(
            limits.charge(program, CallClass::Submission),
            limited(20, 3, "calls of this kind by all programs")
        );
    }
    clock.advance(Duration::from_secs(20));
    limits.charge("a", CallClass::Submission).unwrap();
}

#[test]
fn a_new_client_may_read_everything_and_a_flood_of_queries_is_refused() {
    let config =
        config::Limits { queries_per_second: 100, all_queries_per_second: 150, ..config::Limits::default() };
    let (limits, clock) = limits(config);
    limits.know("a", "a");
    limits.know("b", "b");
    let served = |client| (0..5_000).take_while(|_| limits.arrive(client, CallClass::Query).is_ok()).count();
    assert_eq!(served("a"), 100);
    assert_eq!(served("b"), 50, "all together");
    clock.advance(Duration::from_secs(1));
    assert_eq!((served("a"), served("b")), (100, 50));
}

/// Messages with unknown members, wrong signatures and bad options are never charged, but they have arrived.
#[test]
fn every_message_counts_when_it_arrives() {
    let classes = [CallClass::Query, CallClass::Code, CallClass::Submission, CallClass::Unlock];
    for (class, expected) in classes.into_iter().chain([CallClass::Reload]).zip([128, 300, 300, 300, 300]) {
        let (limits, clock) = limits(config::Limits::default());
        let served = || (0..5_000).take_while(|_| limits.arrive("a", class).is_ok()).count();
        assert_eq!(served(), expected, "{class:?}");
        clock.advance(Duration::from_secs(1));
        assert_eq!(served(), expected, "{class:?}");
    }
}

#[test]
fn a_program_with_many_connections_leaves_messages_to_others() {
    for class in [CallClass::Query, CallClass::Code] {
        let (limits, _) = limits(config::Limits::default());
        let of_program = |program: &str| {
            let connection = |number: usize| {
                let name = format!("{program}{number}");
                limits.know(&name, program);
                (0..5_000).take_while(|_| limits.arrive(&name, class).is_ok()).count()
            };
            (0..20).map(connection).sum::<usize>()
        };
        let (greedy, other) = (of_program("a"), of_program("b"));
        assert_eq!(greedy, other, "{class:?}");
    }
}

#[test]
fn the_open_queries_of_a_program_are_limited_however_many_connections_it_has() {
    let (limits, _) = limits(config::Limits::default());
    let open = |name: &str| {
        let mut permit = limits.admit(name, CallClass::Query).unwrap();
        permit.admit_program(None).map(|()| permit)
    };
    let mut permits = Vec::new();
    for number in 0..200 {
        let name = number.to_string();
        limits.know(&name, "a");
        permits.extend(open(&name).ok());
    }
    assert_eq!(permits.len(), 128);
    limits.know("other", "b");
    open("other").unwrap();
    permits.clear();
    open("0").unwrap();
}

#[test]
fn a_client_that_is_denied_often_is_refused_at_once_and_not_logged() {
    let (limits, clock) = limits(config::Limits::default());
    let denied = |client: &str, class| {
        let refused = limits.arrive(client, class).is_err();
        (!refused).then(|| limits.deny(client, class))
    };
    for class in [CallClass::Reload, CallClass::Secure, CallClass::Code] {
        let client = format!("{class:?}");
        let count = (0..100).map_while(|_| denied(&client, class)).count();
        assert_eq!(count, 60, "{class:?}");
    }
    limits.arrive("honest", CallClass::Code).unwrap();
    let written =
        (0..1_000).filter(|number| denied(&format!("n{number}"), CallClass::Code) == Some(true)).count();
    assert_eq!(written, 300 - 180);
    clock.advance(Duration::from_secs(60));
    assert_eq!(denied("Code", CallClass::Code), Some(true));
}

#[test]
fn passwords_and_reloads_are_limited() {
    let (limits, _) = limits(config::Limits::default());
    for (class, expected) in [(CallClass::Unlock, 10), (CallClass::Reload, 60)] {
        assert_eq!((0..1_000).take_while(|_| limits.charge("a", class).is_ok()).count(), expected);
    }
}

#[test]
fn idle_programs_are_dropped() {
    let (limits, clock) = limits(config::Limits::default());
    for number in 0..10_000_u64 {
        clock.advance(Duration::from_secs(1));
        let name = format!(":1.{number}");
        drop(admit(&limits, &name, &name, CallClass::Query).unwrap());
        limits.charge(&name, CallClass::Code).unwrap();
    }
    assert!(limits.limits.counts().programs.len() <= counts::MAX_IDLE_RECORDS + 1);
}
