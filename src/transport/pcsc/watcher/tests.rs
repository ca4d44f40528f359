//! Runs the watcher on random sequences of removals and insertions.

use std::collections::BTreeMap;

use super::pcscd::{Action, Pcscd, Slot, Step};
use super::*;
use crate::device::DeviceId;

/// The number of random scripts.
const SCRIPTS: u64 = 10_000;

/// The random number generator SplitMix64. The seed reproduces a failure.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A random pause. Every third step has none, and so happens between two calls of the client.
    fn pause(&mut self, limit_ms: u64) -> u64 {
        if self.chance(33) { 0 } else { self.below(limit_ms) }
    }
}

/// Two to seven insertions and removals of up to three tokens; a token is absent for up to 1 s.
fn script(dice: &mut Dice) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..2 + dice.below(6) {
        let reader = u8::try_from(dice.below(3)).unwrap();
        let mut step = |pause_ms, action| steps.push(Step { pause_ms, reader, action });
        step(dice.pause(1_000), Action::Add);
        if dice.chance(70) {
            step(dice.pause(400), Action::Determine(Slot::Present));
        } else {
            // The driver reports the card late, after errors or an empty slot.
            let first = [Slot::Absent, Slot::Bad, Slot::Mute][usize::try_from(dice.below(3)).unwrap()];
            step(dice.pause(400), Action::Determine(first));
            for _ in 0..dice.below(3) {
                step(dice.pause(100), Action::Change(Slot::Bad));
                step(dice.pause(100), Action::Change(Slot::Present));
            }
            step(dice.pause(400), Action::Change(Slot::Present));
        }
        for _ in 0..dice.below(3) {
            step(dice.pause(200), Action::Use(true));
            step(dice.pause(200), Action::Use(false));
        }
        if dice.chance(60) {
            if dice.chance(50) {
                step(dice.pause(1_000), Action::Change(Slot::Bad));
            }
            if dice.chance(50) {
                step(dice.pause(400), Action::Change(Slot::Absent));
            }
            step(dice.pause(1_000), Action::Remove);
        }
    }
    steps
}

/// Runs the watcher until twice its longest pause after the end of the script. Returns the reports and their times, in
/// milliseconds.
fn watch(pcscd: &mut Pcscd) -> Vec<(u64, Vec<DeviceId>)> {
    let mut watcher = Watcher::new(Vec::new());
    let mut reports: Vec<(u64, Vec<DeviceId>)> = Vec::new();
    let mut quiet_since = None;
    while quiet_since.is_none_or(|since| pcscd.now_ms < since + 2 * PAUSES_MS[3]) {
        let present = watcher.scan(pcscd).unwrap();
        reports.push((pcscd.now_ms, present.into_iter().map(|attachment| attachment.id).collect()));
        while watcher.wait(pcscd).unwrap() == Next::Wait {}
        if pcscd.is_quiet() {
            quiet_since.get_or_insert(pcscd.now_ms);
        }
    }
    reports
}

fn names(devices: &[DeviceId]) -> Vec<CString> {
    use std::os::unix::ffi::OsStrExt;
    devices.iter().map(|device| CString::new(device.name.as_bytes()).unwrap()).collect()
}

#[test]
fn every_card_that_is_present_at_the_end_is_reported() {
    for seed in 0..SCRIPTS {
        let script = script(&mut Dice(seed));
        let mut pcscd = Pcscd::new(script.clone());
        let reports = watch(&mut pcscd);
        let (_, last) = reports.last().unwrap();
        assert_eq!(names(last), pcscd.truth(), "seed {seed}: {script:#?}");
    }
}

#[test]
fn a_number_stands_for_one_insertion() {
    for seed in 0..SCRIPTS {
        let reports = watch(&mut Pcscd::new(script(&mut Dice(seed))));
        let mut lasted: BTreeMap<&DeviceId, usize> = BTreeMap::new();
        for (place, (_, devices)) in reports.iter().enumerate() {
            for device in devices {
                let before = lasted.insert(device, place);
                assert!(before.is_none_or(|before| before + 1 == place), "seed {seed}: {device} came back");
            }
        }
        let mut numbers: Vec<_> = lasted.keys().map(|device| device.insertion).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), lasted.len(), "seed {seed}: two insertions share a number");
    }
}

/// Reproduces an observation of pcscd in Debian 12: it listed the reader before it read the slot. The card in the slot is
/// not counted as an event, so the client library reports no change.
#[test]
fn a_card_without_an_event_is_found() {
    let step = |pause_ms, action| Step { pause_ms, reader: 0, action };
    let mut pcscd = Pcscd::new(vec![
        step(0, Action::Add),
        step(100, Action::Determine(Slot::Present)),
        step(2_000, Action::Remove),
        step(0, Action::Add),
        step(150, Action::Determine(Slot::Present)),
    ]);
    let reports = watch(&mut pcscd);
    let found = reports.iter().filter(|(_, devices)| devices.len() == 1);
    let times: Vec<_> = found.map(|(time, devices)| (*time, devices[0].insertion)).collect();
    let first = |number| times.iter().find(|(_, insertion)| *insertion == number).unwrap().0;
    assert!(first(1) <= 100 + 1_000 && first(2) <= 2_250 + 1_000, "{times:?}");
}

/// During each request to a token, the card is used and released.
#[test]
fn requests_cause_few_scans() {
    let step = |pause_ms, action| Step { pause_ms, reader: 0, action };
    let mut steps = vec![step(0, Action::Add), step(0, Action::Determine(Slot::Present))];
    for _ in 0..500 {
        steps.extend([step(10, Action::Use(true)), step(10, Action::Use(false))]);
    }
    let reports = watch(&mut Pcscd::new(steps));
    assert!(reports.len() < 60, "{} scans", reports.len());
}

#[test]
fn a_part_of_the_name_is_enough_to_be_ignored() {
    let ignore = ["Gemalto".to_owned(), String::new()];
    assert!(is_ignored(c"Gemalto PC Twin Reader 00 00", &ignore));
    assert!(is_ignored(c"\xffGemalto", &ignore));
    assert!(!is_ignored(c"Yubico YubiKey CCID 00 00", &ignore));
}
