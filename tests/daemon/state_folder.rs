//! A state folder that cannot be used: the daemon says so at once, and serves codes.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::os::unix::fs::symlink;

use testkit::client::Options;
use testkit::scenario::{Scenario, World};

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

const WORD: &str = "state-unusable";

/// The message about a link to nothing and about a file.
const SENTENCE: &str = "the daemon cannot submit codes: the single-use record is not usable (a file or a link to nothing is in the place of its folder; move it away)";

async fn is_problem(world: &World) -> bool {
    world.client.problems().await.unwrap().contains(&WORD.to_owned())
}

fn times_logged(world: &World) -> usize {
    world.stage.log().unwrap().matches(SENTENCE).count()
}

#[testkit::test]
async fn an_unusable_state_folder_is_a_problem_at_the_start_and_from_a_reload_on() {
    let mut world = Scenario::inside().virtual_tokens(TOKEN).prepare().await.unwrap();
    let state = world.stage.state();
    fs::create_dir_all(state.parent().unwrap()).unwrap();
    symlink(state.with_extension("nowhere"), &state).unwrap();
    world.start_daemon().await.unwrap();
    assert!(is_problem(&world).await);
    assert_eq!(times_logged(&world), 1);
    let alice = world.client.credential("alice").await.unwrap();
    world.client.calculate(&alice, Options::new()).await.unwrap();
    world.client.reload().await.unwrap();
    assert!(is_problem(&world).await);
    assert_eq!(times_logged(&world), 2, "each reload says it");

    fs::remove_file(&state).unwrap();
    world.client.reload().await.unwrap();
    assert!(!is_problem(&world).await);
    assert_eq!(times_logged(&world), 2);

    fs::remove_dir_all(&state).unwrap();
    fs::write(&state, "").unwrap();
    world.client.reload().await.unwrap();
    assert!(is_problem(&world).await);
}
