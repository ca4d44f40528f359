use super::*;
use crate::clock::ManualClock;

fn limits(config: config::Limits) -> (Limits, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_000)));
    (Limits::new(config, clock.clone()), clock)
}

#[test]
fn calls_at_once_are_limited_for_one_and_for_all() {
    let (limits, _) = limits(config::Limits { calls_per_client: 2, calls: 3, ..config::Limits::default() });
    let admit = |client| limits.admit(client, What::Code);
    let tickets = [admit("a").unwrap(), admit("a").unwrap()];
    assert_eq!(admit("a").unwrap_err(), Refusal::Busy);
    let third = admit("b").unwrap();
    assert_eq!(admit("c").unwrap_err(), Refusal::Busy);
    limits.admit("a", What::Query).expect("who has too much under way may look and lock");
    drop(tickets);
    let _again = (admit("a").unwrap(), admit("c").unwrap());
    drop(third);
    assert!(admit("b").is_ok());
}

#[test]
fn queries_at_once_are_limited_apart_from_calls() {
    let config = config::Limits { queries_per_client: 2, queries: 3, ..config::Limits::default() };
    let (limits, _) = limits(config);
    let admit = |client| limits.admit(client, What::Query);
    let tickets = [admit("a").unwrap(), admit("a").unwrap()];
    assert_eq!(admit("a").unwrap_err(), Refusal::Busy);
    assert_eq!(limits.arrive("a", What::Query), Err(Refusal::Busy));
    let _third = admit("b").unwrap();
    assert_eq!(admit("c").unwrap_err(), Refusal::Busy);
    limits.admit("a", What::Code).unwrap();
    drop(tickets);
    admit("a").unwrap();
}

#[test]
fn a_minute_s_worth_may_come_at_once_and_then_one_at_a_time() {
    let (limits, clock) = limits(config::Limits { submissions_per_minute: 10, ..config::Limits::default() });
    let spend = |client, program| limits.spend(client, program, What::Submission);
    for _ in 0..10 {
        spend("1", "a").unwrap();
    }
    let wait = Duration::from_secs(6);
    assert_eq!(spend("1", "a"), Err(Refusal::RateLimited { wait }));
    assert_eq!(limits.arrive("1", What::Submission), Err(Refusal::RateLimited { wait }));
    limits.forget("1");
    assert_eq!(spend("2", "a"), Err(Refusal::RateLimited { wait }), "the same program, connected anew");
    assert_eq!(spend("3", "b"), Ok(()));
    assert!(limits.spend("2", "a", What::Code).is_ok(), "each kind has its own limit");
    clock.advance(wait);
    assert_eq!(spend("2", "a"), Ok(()));
    assert_eq!(spend("2", "a"), Err(Refusal::RateLimited { wait }));
}

#[test]
fn all_programs_together_are_limited_too_and_a_refusal_counts_nowhere() {
    let config = config::Limits {
        submissions_per_minute: 2,
        all_submissions_per_minute: 3,
        ..config::Limits::default()
    };
    let (limits, clock) = limits(config);
    for program in ["a", "b", "c"] {
        limits.spend(program, program, What::Submission).unwrap();
    }
    let wait = Duration::from_secs(20);
    for program in ["a", "d"] {
        let refused = limits.spend(program, program, What::Submission);
        assert_eq!(refused, Err(Refusal::RateLimited { wait }));
    }
    clock.advance(wait);
    limits.spend("a", "a", What::Submission).unwrap();
}

#[test]
fn a_client_that_starts_may_look_at_everything_and_a_flood_of_queries_is_refused() {
    let config =
        config::Limits { queries_per_second: 100, all_queries_per_second: 150, ..config::Limits::default() };
    let (limits, clock) = limits(config);
    let served = |client| (0..5_000).take_while(|_| limits.arrive(client, What::Query).is_ok()).count();
    assert_eq!(served("a"), 100);
    assert_eq!(served("b"), 50, "all together");
    clock.advance(Duration::from_secs(1));
    assert_eq!((served("a"), served("b")), (100, 50));
}

#[test]
fn who_is_denied_often_is_refused_unseen_and_takes_nothing_from_others() {
    let config = config::Limits { codes_per_minute: 3, all_codes_per_minute: 3, ..config::Limits::default() };
    let (limits, _) = limits(config);
    for _ in 0..3 {
        limits.arrive("1", What::Code).unwrap();
        limits.deny("1", "sandboxed", What::Code);
    }
    assert!(matches!(limits.arrive("1", What::Code), Err(Refusal::RateLimited { .. })));
    limits.spend("2", "honest", What::Code).unwrap();
}

#[test]
fn passwords_can_t_be_tried_fast() {
    let (limits, _) = limits(config::Limits::default());
    let tries = (0..1_000).take_while(|_| limits.spend("1", "a", What::Unlock).is_ok()).count();
    assert_eq!(tries, usize::try_from(config::Limits::default().unlocks_per_minute).unwrap());
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let (limits, clock) = limits(config::Limits::default());
    for number in 0..10_000_u64 {
        clock.advance(Duration::from_secs(1));
        let name = format!(":1.{number}");
        limits.spend(&name, &name, What::Code).unwrap();
    }
    let counts = limits.counts();
    assert!(counts.clients.len() <= MANY + 1 && counts.programs.len() <= MANY + 1);
    drop(counts);
    let _ticket = limits.admit(":1.7", What::Code).unwrap();
    limits.forget(":1.7");
    assert!(limits.counts().clients.contains_key(":1.7"), "a running call is counted");
}
