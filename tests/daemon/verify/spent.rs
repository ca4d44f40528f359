//! Each time step is submitted once, for all callers and all daemons.

use std::fs;
use std::time::Duration;

use testkit::client::Options;

use super::{Bench, ONE_ATTEMPT, ONE_SUBMISSION_TIMEOUT};

#[testkit::test]
async fn only_one_of_many_simultaneous_requests_is_submitted() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    let fresh = bench.fresh().await;
    let requests = (0..6).map(|_| bench.verify(&fresh));
    let replies = futures_util::future::join_all(requests).await;
    let names: Vec<_> =
        replies.iter().filter_map(|reply| Some(reply.as_ref().err()?.name.as_str())).collect();
    assert_eq!(names, ["StepSpent"; 5], "{replies:?}");
    assert_eq!(bench.arrived(), 1);
}

#[testkit::test]
async fn a_claimed_code_is_not_submitted() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    let fresh = bench.fresh().await;
    bench.world.client.calculate(&fresh.path, [("claim", true.into())].into()).await.unwrap();
    assert_eq!(bench.verify(&fresh).await.unwrap_err().name, "StepSpent");
    let other = bench.fresh().await;
    bench.verify(&other).await.unwrap();
    let claim = bench.world.client.calculate(&other.path, [("claim", true.into())].into()).await;
    assert_eq!(claim.unwrap_err().name, "StepSpent");
    assert_eq!(bench.arrived(), 1);
}

#[testkit::test]
async fn two_buses_of_one_user_share_the_record() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    let stage = bench.world.stage.beside().unwrap();
    let client = stage.client().await.unwrap();
    let _daemon = stage.start(&client).await.unwrap();
    let fresh = bench.fresh().await;
    assert_eq!(client.credential("user-0").await.unwrap(), fresh.path);
    let token = fresh.user.access_token.as_str();
    let options = [
        ("access-token", token.into()),
        ("profile", "fake".into()),
        ("timeout", ONE_SUBMISSION_TIMEOUT.into()),
    ];
    client.verify(&fresh.path, options.into()).await.unwrap();
    assert_eq!(bench.verify(&fresh).await.unwrap_err().name, "StepSpent");
    assert_eq!(bench.arrived(), 1);
}

#[testkit::test]
async fn without_a_usable_record_nothing_is_submitted_and_everything_else_works() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    let fresh = bench.fresh().await;
    let state = bench.world.stage.state();
    let assert_refused = async |what: &str| {
        assert_eq!(bench.verify(&fresh).await.unwrap_err().name, "StateUnavailable", "{what}");
        let claim = bench.world.client.calculate(&fresh.path, [("claim", true.into())].into()).await;
        assert_eq!(claim.unwrap_err().name, "StateUnavailable", "{what}");
        bench.world.client.calculate(&fresh.path, Options::new()).await.unwrap();
        assert_eq!(bench.arrived(), 0, "{what}");
        let problems = bench.world.client.problems().await.unwrap();
        assert!(problems.contains(&"state-unusable".to_owned()), "{what}: {problems:?}");
    };

    fs::rename(&state, state.with_extension("away")).unwrap();
    fs::write(&state, "").unwrap();
    assert_refused("a file in place of the folder").await;
    fs::remove_file(&state).unwrap();
    fs::rename(state.with_extension("away"), &state).unwrap();

    let record = state.join("guard.json");
    for damage in ["", "{", "{}", r#"{"version": 99, "groups": {}, "credentials": {}}"#] {
        fs::write(&record, damage).unwrap();
        assert_refused(damage).await;
        assert_eq!(fs::read_to_string(&record).unwrap(), damage, "a damaged record is not changed");
    }
    fs::remove_file(&record).unwrap();
    fs::create_dir(&record).unwrap();
    assert_refused("a folder in place of the record").await;

    fs::remove_dir(&record).unwrap();
    // There was a record, so this and the next step may be spent.
    assert_eq!(bench.verify(&fresh).await.unwrap_err().name, "StepSpent");
    bench.world.clock().unwrap().advance(Duration::from_secs(60));
    bench.verify(&fresh).await.unwrap();
    let mode = |path| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
    assert_eq!((mode(&state) & 0o777, mode(&record) & 0o777), (0o700, 0o600));
}
