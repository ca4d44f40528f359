//! `guard show` and `guard forget`.

use oathbridge::guard::Now;
use oathbridge::otp::{Period, Step};

use super::rig::{Rig, finish};

#[test]
fn the_record_is_shown_as_times_with_and_without_a_daemon() {
    let mut rig = Rig::start();
    let empty = rig.run(&["guard", "show"]);
    assert_eq!((empty.code, empty.out.as_str()), (0, ""));
    assert!(empty.err.contains("No time step"), "{}", empty.err);

    let id = rig.id("alice");
    let at = |step: Step| Now::new(step.start(Period::DEFAULT), Period::DEFAULT);
    rig.guard().claim(&id, Step(60_000_000), at(Step(60_000_000))).unwrap();
    // A dropped reservation has no recorded outcome.
    drop(rig.guard().reserve(&id, Step(60_000_001), at(Step(60_000_001))).unwrap());
    let mut tool = rig.tool();
    // One hour east of UTC.
    tool.args(["guard", "show"]).env("TZ", "HERE-1");
    let plain = finish(tool, "");
    assert_eq!((plain.code, plain.err.as_str()), (0, ""));
    let lines: Vec<_> = plain.out.lines().collect();
    assert_eq!(lines[1], format!("2027-01-15 09:00:00  2027-01-15 09:00:30  spent   AWS:alice  {id}"));
    assert_eq!(lines[2], format!("2027-01-15 09:00:30  2027-01-15 09:01:00  intent  AWS:alice  {id}"));

    rig.kill_daemon();
    let shown = rig.run(&["guard", "show", "--json"]).json();
    let credential = &shown["credentials"][0];
    assert_eq!((credential["id"].as_str(), credential["issuer"].is_null()), (Some(id.as_str()), true));
    assert_eq!(
        (credential["period"].as_u64(), credential["period_known"].as_bool()),
        (Some(30), Some(false))
    );
    let step = &credential["steps"][0];
    assert_eq!(step["first"], 60_000_000);
    assert_eq!((step["from"].as_str(), step["use"].as_str()), (Some("2027-01-15T08:00:00Z"), Some("spent")));
    assert!(rig.run(&["guard", "show"]).err.contains("period of 30 seconds"));
}

#[test]
fn forget_requires_a_confirmation() {
    let rig = Rig::start();
    rig.run(&["guard", "forget", "AWS:alice"]).failed(3, "nothing to delete");
    rig.use_steps("alice", 5);
    rig.run(&["guard", "forget", "AWS:alice"]).failed(2, "--yes");
    rig.run(&["code", "alice", "--claim"]).failed(7, "already used");
    rig.run(&["guard", "forget", "VPN:dave", "--yes"]).failed(3, &rig.id("alice"));

    let done = rig.run(&["guard", "forget", "AWS:alice", "--yes"]);
    assert_eq!((done.code, done.out.as_str()), (0, ""), "{done:?}");
    assert_eq!(rig.guard().show().unwrap(), []);
    assert_eq!(rig.run(&["code", "alice", "--claim"]).code, 0);

    let json = rig.run(&["guard", "forget", &rig.id("alice"), "--yes", "--json"]).json();
    assert_eq!(json["forgotten"], true);
}

#[test]
fn the_second_copy_outlives_the_record_until_it_is_forgotten() {
    let mut rig = Rig::start();
    let id = rig.id("alice");
    assert!(rig.file("runtime/oathbridge/guard").exists());
    rig.use_steps("alice", 5);
    rig.kill_daemon();
    std::fs::remove_dir_all(rig.file("state/oathbridge")).unwrap();
    rig.start_daemon();
    rig.run(&["code", "alice", "--claim"]).failed(7, "already used");
    assert!(rig.log().contains("guard.json does not exist"), "{}", rig.log());

    let forgotten = rig.run(&["guard", "forget", &id, "--yes"]);
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    let copy = std::fs::read_to_string(rig.file("runtime/oathbridge/guard")).unwrap();
    assert!(!copy.contains(&id), "{copy}");
}

#[test]
fn a_damaged_record_is_reported_and_kept() {
    let rig = Rig::start();
    rig.use_steps("alice", 0);
    let file = rig.guard().file();
    std::fs::write(&file, "nonsense").unwrap();
    rig.run(&["guard", "show"]).failed(1, &file.display().to_string());
    rig.run(&["guard", "forget", &rig.id("alice"), "--yes"]).failed(1, "damaged");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "nonsense");
}
