//! Connections whose program is not known yet.

use super::*;

#[test]
fn an_unidentified_caller_uses_up_only_its_connection() {
    let config = config::Limits { calls_per_client: 2, calls: 2, ..config::Limits::default() };
    let (limits, _) = limits(config);
    let slow: Vec<_> =
        (0..100).map(|number| limits.admit(&number.to_string(), CallClass::Code).unwrap()).collect();
    admit(&limits, "a", "a", CallClass::Code).unwrap();
    drop(slow);
}

#[test]
fn connections_that_are_not_identified_count_together() {
    let (limits, _) = limits(config::Limits::default());
    let served = (0..1_000).filter(|number| limits.arrive(&number.to_string(), CallClass::Query).is_ok());
    assert_eq!(served.count(), 128);
    limits.know("known", "a");
    limits.arrive("known", CallClass::Query).unwrap();
    // Securing calls never wait for others.
    limits.arrive("new", CallClass::Secure).unwrap();
}

#[test]
fn a_connection_that_is_not_identified_waits_while_the_others_use_up_what_they_share() {
    let (limits, _) = limits(config::Limits::default());
    let waits = |name: &str, class| limits.limits.waits_for_identity(&limits.connection(name), class);
    for number in 0..128 {
        assert!(!waits("new", CallClass::Query), "{number}");
        limits.arrive(&number.to_string(), CallClass::Query).unwrap();
    }
    assert!(waits("new", CallClass::Query));
    assert!(!waits("new", CallClass::Secure) && !waits("new", CallClass::Code));
    limits.know("known", "a");
    assert!(!waits("known", CallClass::Query));
    // One that has used up its own quota is refused at once.
    limits.know("greedy", "b");
    while limits.arrive("greedy", CallClass::Query).is_ok() {}
    limits.know("greedy", "");
    assert!(!waits("greedy", CallClass::Query));
}

/// The first call of a connection must not bring others with it that count nowhere.
#[test]
fn messages_that_wait_for_the_identity_of_their_connection_count_when_they_arrive() {
    let (limits, clock) = limits(config::Limits::default());
    let early = |name: &str| limits.limits.arrive_early(&limits.connection(name), CallClass::Query);
    let served = |name: &str| (0..5_000).take_while(|_| early(name).is_ok()).count();
    assert_eq!((served("a"), served("b")), (128, 128), "each connection has its own quota");
    assert!(limits.arrive("c", CallClass::Query).is_err(), "they have used up what they share");
    clock.advance(Duration::from_secs(1));
    assert_eq!(served("a"), 128);
    assert!(limits.arrive("c", CallClass::Query).is_err());
    // A message that has waited counts for its program, and no longer for its connection. One that arrives behind it
    // does not count twice.
    limits.know("a", "a");
    clock.advance(Duration::from_secs(1));
    assert_eq!(served("a"), 128);
    let go_on = |name: &str| limits.limits.go_on(&limits.connection(name), CallClass::Query);
    assert_eq!((0..5_000).take_while(|_| go_on("a").is_ok()).count(), 128);
    limits.know("also", "a");
    assert!(limits.arrive("also", CallClass::Query).is_err());
}
