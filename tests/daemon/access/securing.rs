//! Calls that lock or cancel have limits of their own. The clock stands still, so that no quota refills by itself.

use futures_util::future::join_all;
use oathbridge::dbus::names::ROOT;
use testkit::client::{Client, Options};
use testkit::scenario::Scenario;

use super::Bench;

const LIMITS: &str = "[limits]\nqueries_per_second = 128\n";

async fn lock_all(client: &Client) -> Result<(), String> {
    client.call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.map_err(|refusal| refusal.name)
}

/// What such a program does on each of its connections must not keep it from codes, nor another program from locking.
#[testkit::test]
async fn locking_on_many_connections_uses_up_the_share_of_the_program_and_nothing_else() {
    let bench = Bench::of(Scenario::inside(), LIMITS).await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        let client = bench.stage.client().await.unwrap();
        // From the reply on, the daemon knows the program of the connection.
        client.find(&[]).await.unwrap();
        answers.extend(join_all((0..128).map(|_| lock_all(&client))).await);
    }
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 512);
    assert!(answers.iter().all(|answer| answer.as_ref().err().is_none_or(|name| name == "RateLimited")));
    bench.client.find(&[]).await.unwrap();
    bench.client.calculate(&bench.alice, Options::new()).await.unwrap();
    let other = bench.busctl(&[], ROOT, "Manager", &["LockAll"]);
    assert_eq!(other.code, 0, "{}", other.said);
}

/// The first call of each connection comes before the daemon knows its program. The later ones count for the program.
#[testkit::test]
async fn a_new_connection_can_lock_although_other_new_ones_have_used_up_what_they_share() {
    let bench = Bench::of(Scenario::inside(), LIMITS).await;
    for number in 0..530 {
        let newcomer = bench.stage.client().await.unwrap();
        lock_all(&newcomer).await.unwrap_or_else(|name| panic!("connection {number}: {name}"));
    }
}
