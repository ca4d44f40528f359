//! Calls that lock or cancel.

use super::*;

/// The number of messages of a connection that are served of 5,000.
fn served(limits: &Rig, connection: &str, class: CallClass) -> usize {
    (0..5_000).take_while(|_| limits.arrive(connection, class).is_ok()).count()
}

/// The same for 20 connections of a program.
fn served_of_program(limits: &Rig, program: &str, class: CallClass) -> usize {
    let names = (0..20).map(|number| format!("{program}{number}"));
    names.map(|name| (limits.know(&name, program), served(limits, &name, class)).1).sum()
}

#[test]
fn locking_and_cancelling_are_independent_of_other_callers() {
    let config = config::Limits {
        calls_per_client: 1,
        calls_per_program: 1,
        calls: 1,
        queries_per_client: 2,
        queries: 2,
        queries_per_second: 10,
        all_queries_per_second: 10,
        ..config::Limits::default()
    };
    let (limits, _) = limits(config);
    let _call = admit(&limits, "1", "a", CallClass::Code).unwrap();
    let _queries = [(); 2].map(|()| admit(&limits, "1", "a", CallClass::Query).unwrap());
    while limits.arrive("2", CallClass::Query).is_ok() {}
    assert!(limits.arrive("3", CallClass::Query).is_err());
    let _lock = admit(&limits, "3", "b", CallClass::Secure).unwrap();
    // The number of securing calls of one connection is limited.
    assert!((0..11).any(|_| limits.arrive("3", CallClass::Secure).is_err()));
}

/// A program that floods the daemon, or that rules keep from codes, can still secure what it has unlocked.
#[test]
fn other_calls_of_a_connection_use_up_no_share_of_locking_and_cancelling() {
    let config = config::Limits { queries_per_client: 2, ..config::Limits::default() };
    let (limits, _) = limits(config);
    for _ in 0..400 {
        let _ = (limits.arrive("1", CallClass::Query), limits.arrive("1", CallClass::Code));
        limits.deny("1", CallClass::Code);
    }
    let _queries = [(); 2].map(|()| limits.admit("1", CallClass::Query).unwrap());
    let _securing = [(); 2].map(|()| admit(&limits, "1", "a", CallClass::Secure).unwrap());
    assert_eq!(admit(&limits, "1", "a", CallClass::Secure).unwrap_err(), Refusal::Busy);
}

#[test]
fn a_program_with_many_connections_has_a_share_of_securing_calls() {
    let (limits, clock) = limits(config::Limits::default());
    assert_eq!(served_of_program(&limits, "a", CallClass::Secure), 512);
    assert_eq!(served_of_program(&limits, "b", CallClass::Secure), 512, "another program");
    assert_eq!(served_of_program(&limits, "a", CallClass::Query), 128, "other calls of the program");
    clock.advance(Duration::from_secs(1));
    assert_eq!(served_of_program(&limits, "a", CallClass::Secure), 512);
}

#[test]
fn other_calls_of_a_program_use_up_no_share_of_its_securing_calls() {
    let (limits, _) = limits(config::Limits::default());
    for class in [CallClass::Query, CallClass::Code] {
        assert!(served_of_program(&limits, "a", class) > 0);
    }
    assert_eq!(served_of_program(&limits, "a", CallClass::Secure), 512);
}

#[test]
fn the_securing_calls_of_a_program_at_once_are_limited_however_many_connections_it_has() {
    let (limits, clock) = limits(config::Limits::default());
    let begin = |number: u32| {
        clock.advance(Duration::from_millis(10));
        admit(&limits, &number.to_string(), "a", CallClass::Secure).ok()
    };
    let permits: Vec<_> = (0..1_000).filter_map(begin).collect();
    assert_eq!(permits.len(), 512);
    let _other = admit(&limits, "other", "b", CallClass::Secure).unwrap();
    drop(permits);
    begin(0).unwrap();
}

#[test]
fn the_share_of_a_program_is_at_least_that_of_a_connection() {
    let config =
        config::Limits { queries_per_client: 900, queries_per_second: 1_000, ..config::Limits::default() };
    let (limits, clock) = limits(config);
    limits.know("1", "a");
    assert_eq!(served(&limits, "1", CallClass::Secure), 1_000);
    let begin = |_| {
        clock.advance(Duration::from_millis(10));
        admit(&limits, "1", "a", CallClass::Secure).ok()
    };
    assert_eq!((0..1_000).filter_map(begin).collect::<Vec<_>>().len(), 900);
}

#[test]
fn connections_that_are_not_identified_share_securing_calls_too_and_wait_for_more() {
    let (limits, _) = limits(config::Limits::default());
    let waits = |name: &str| limits.limits.waits_for_identity(&limits.connection(name), CallClass::Secure);
    for number in 0..512 {
        assert!(!waits("new"), "{number}");
        limits.arrive(&number.to_string(), CallClass::Secure).unwrap();
    }
    assert!(limits.arrive("new", CallClass::Secure).is_err() && waits("new"));
    limits.know("known", "a");
    assert!(!waits("known"));
    limits.arrive("known", CallClass::Secure).unwrap();
}
