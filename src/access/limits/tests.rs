use super::*;
use crate::clock::ManualClock;

fn limits(config: config::Limits) -> (Limits, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_000)));
    (Limits::new(config, clock.clone()), clock)
}

/// Lets a call in all the way.
fn enter(limits: &Limits, client: &str, program: &str, what: What) -> Result<Ticket, Refusal> {
    limits.arrive(client, what)?;
    let mut ticket = limits.admit(client, what)?;
    ticket.enter(Some(program))?;
    Ok(ticket)
}

#[test]
fn calls_at_once_are_limited_for_a_connection_a_program_and_all() {
    let config =
        config::Limits { calls_per_client: 2, calls_per_program: 3, calls: 4, ..config::Limits::default() };
    let (limits, _) = limits(config);
    let enter = |client, program| enter(&limits, client, program, What::Code);
    let tickets = [enter("1", "a").unwrap(), enter("1", "a").unwrap()];
    assert_eq!(enter("1", "a").unwrap_err(), Refusal::Busy, "the connection");
    let third = enter("2", "a").unwrap();
    assert_eq!(enter("3", "a").unwrap_err(), Refusal::Busy, "the program");
    let other = enter("4", "b").unwrap();
    assert_eq!(enter("5", "c").unwrap_err(), Refusal::Busy, "all");
    drop(tickets);
    let _again = (enter("1", "a").unwrap(), enter("5", "c").unwrap());
    drop((third, other));
    enter("1", "a").unwrap();
}

#[test]
fn who_is_not_recognised_yet_takes_room_from_its_own_connection_alone() {
    let config = config::Limits { calls_per_client: 2, calls: 2, ..config::Limits::default() };
    let (limits, _) = limits(config);
    let slow: Vec<_> =
        (0..100).map(|number| limits.admit(&number.to_string(), What::Code).unwrap()).collect();
    enter(&limits, "a", "a", What::Code).unwrap();
    drop(slow);
}

#[test]
fn locking_and_cancelling_are_open_whatever_others_do() {
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
    let _call = enter(&limits, "1", "a", What::Code).unwrap();
    let _queries = [(); 2].map(|()| enter(&limits, "1", "a", What::Query).unwrap());
    while limits.arrive("2", What::Query).is_ok() {}
    assert!(limits.arrive("3", What::Query).is_err());
    let _lock = enter(&limits, "3", "b", What::Secure).unwrap();
    // But not for ever more of one connection's.
    assert!((0..11).any(|_| limits.arrive("3", What::Secure).is_err()));
}

#[test]
fn queries_at_once_are_limited_apart_from_calls() {
    let config = config::Limits { queries_per_client: 2, queries: 3, ..config::Limits::default() };
    let (limits, _) = limits(config);
    let query = |client| enter(&limits, client, "a", What::Query);
    let tickets = [query("1").unwrap(), query("1").unwrap()];
    assert_eq!(query("1").unwrap_err(), Refusal::Busy);
    let _third = query("2").unwrap();
    assert_eq!(query("3").unwrap_err(), Refusal::Busy);
    enter(&limits, "1", "a", What::Code).unwrap();
    drop(tickets);
    query("1").unwrap();
}

#[test]
fn a_minute_s_worth_may_come_at_once_and_then_one_at_a_time() {
    let (limits, clock) = limits(config::Limits { submissions_per_minute: 10, ..config::Limits::default() });
    let spend = |program| limits.spend(program, What::Submission);
    drop(enter(&limits, "1", "a", What::Submission).unwrap());
    for _ in 0..10 {
        spend("a").unwrap();
    }
    let wait = Duration::from_secs(6);
    assert_eq!(spend("a"), Err(Refusal::RateLimited { wait }));
    assert_eq!(limits.arrive("1", What::Submission), Err(Refusal::RateLimited { wait }));
    assert_eq!(spend("b"), Ok(()));
    assert!(limits.spend("a", What::Code).is_ok(), "each kind has its own limit");
    clock.advance(wait);
    assert_eq!(spend("a"), Ok(()));
    assert_eq!(spend("a"), Err(Refusal::RateLimited { wait }));
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
        limits.spend(program, What::Submission).unwrap();
    }
    let wait = Duration::from_secs(20);
    for program in ["a", "d"] {
        assert_eq!(limits.spend(program, What::Submission), Err(Refusal::RateLimited { wait }));
    }
    clock.advance(wait);
    limits.spend("a", What::Submission).unwrap();
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
fn who_is_denied_often_is_refused_unseen_and_the_journal_keeps_room_for_others() {
    let (limits, clock) = limits(config::Limits::default());
    let denied = |client: &str, what| {
        let refused = limits.arrive(client, what).is_err();
        (!refused).then(|| limits.deny(client))
    };
    for what in [What::Reload, What::Secure, What::Code] {
        let client = format!("{what:?}");
        let count = (0..100).map_while(|_| denied(&client, what)).count();
        assert_eq!(count, 60, "{what:?}");
    }
    limits.arrive("honest", What::Code).unwrap();
    let written = (0..1_000).filter(|number| denied(&format!("n{number}"), What::Code) == Some(true)).count();
    assert_eq!(written, 300 - 180);
    clock.advance(Duration::from_secs(60));
    assert_eq!(denied("Code", What::Code), Some(true));
}

#[test]
fn passwords_and_reloads_can_t_follow_fast() {
    let (limits, _) = limits(config::Limits::default());
    for (what, expected) in [(What::Unlock, 10), (What::Reload, 60)] {
        assert_eq!((0..1_000).take_while(|_| limits.spend("a", what).is_ok()).count(), expected);
    }
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let (limits, clock) = limits(config::Limits::default());
    for number in 0..10_000_u64 {
        clock.advance(Duration::from_secs(1));
        let name = format!(":1.{number}");
        drop(enter(&limits, &name, &name, What::Query).unwrap());
        limits.spend(&name, What::Code).unwrap();
    }
    let counts = limits.counts();
    assert!(counts.clients.len() <= counts::MANY + 1 && counts.programs.len() <= counts::MANY + 1);
    drop(counts);
    let _ticket = limits.admit(":1.7", What::Code).unwrap();
    limits.forget(":1.7");
    assert!(limits.counts().clients.contains_key(":1.7"), "a running call is counted");
}
