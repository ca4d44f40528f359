//! The recorded time steps of one seed, as a set with a bounded size that never loses a step.

use serde::{Deserialize, Serialize};

use crate::otp::Step;

/// A recorded step that is more steps ahead of now comes from a wrong clock, and must not close the steps before it.
pub(super) const MAX_STEPS_AHEAD: u64 = 10;

/// The maximum number of records of a seed. Further records are joined, so that the file stays small.
const MAX_RECORDS: usize = 64;

/// The use of a recorded step. Both values count as spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// The code was about to be sent, and its outcome was not recorded.
    Intent,
    /// The code was sent, or was returned to a caller that was going to send it.
    Spent,
}

/// A run of steps that must not be submitted again, usually a single step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    first: u64,
    last: u64,
    #[serde(rename = "use")]
    usage: Use,
}

impl Record {
    /// The first step of the run.
    pub fn first(self) -> Step {
        Step(self.first)
    }

    /// The last step of the run, inclusive.
    pub fn last(self) -> Step {
        Step(self.last)
    }

    /// The use of the steps.
    pub fn usage(self) -> Use {
        self.usage
    }

    fn single(step: Step, usage: Use) -> Self {
        Self { first: step.0, last: step.0, usage }
    }

    fn covers(self, step: u64) -> bool {
        (self.first..=self.last).contains(&step)
    }
}

/// The records of one seed, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Records(Vec<Record>);

impl Records {
    pub(super) fn may_submit(&self, step: Step, now: Step) -> bool {
        step.0 >= self.lowest_open(now) && !self.covers(step)
    }

    /// The first step from `now` on that may be submitted.
    pub(super) fn earliest(&self, now: Step) -> Step {
        let mut step = now.0.max(self.lowest_open(now));
        for record in &self.0 {
            if record.covers(step) {
                step = record.last.saturating_add(1);
            }
        }
        Step(step)
    }

    /// Records a step for which [`Records::may_submit`] is true.
    pub(super) fn add(&mut self, step: Step, usage: Use, now: Step) {
        self.insert(Record::single(step, usage));
        while self.0.len() > MAX_RECORDS && self.join_closest(now) {}
    }

    /// Changes an intent to spent. If the record was deleted meanwhile, the step is recorded as spent again.
    pub(super) fn settle(&mut self, step: Step) {
        match self.intent(step) {
            Some(index) => {
                if let Some(record) = self.0.get_mut(index) {
                    record.usage = Use::Spent;
                }
            }
            None if self.covers(step) => {}
            None => self.insert(Record::single(step, Use::Spent)),
        }
    }

    /// Records a step that another copy of the record has, unless it is recorded here.
    pub(super) fn restore(&mut self, step: Step) {
        if !self.covers(step) {
            self.insert(Record::single(step, Use::Spent));
        }
    }

    /// Removes an intent whose code was never sent. An intent that was joined with other records stays spent.
    pub(super) fn take_back(&mut self, step: Step) {
        if let Some(index) = self.intent(step) {
            self.0.remove(index);
        }
    }

    /// Adds the records of another credential with this seed. No step of either is lost.
    pub(super) fn merge(&mut self, other: Self, now: Step) {
        let mut all = std::mem::take(&mut self.0);
        all.extend(other.0);
        all.sort_by_key(|record| record.first);
        for record in all {
            match self.0.last_mut() {
                Some(before) if *before == record => {}
                Some(before) if record.first <= before.last => {
                    before.last = before.last.max(record.last);
                    before.usage = Use::Spent;
                }
                _ => self.0.push(record),
            }
        }
        while self.0.len() > MAX_RECORDS && self.join_closest(now) {}
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Record> + '_ {
        self.0.iter().copied()
    }

    /// Whether the runs are ascending and none ends before it starts. This is true for every file of this program.
    pub(super) fn is_sound(&self) -> bool {
        self.0.iter().all(|record| record.first <= record.last)
            && self.0.is_sorted_by(|left, right| left.last < right.first)
    }

    /// The lowest open step: the step after the highest recorded one that is not too far ahead.
    fn lowest_open(&self, now: Step) -> u64 {
        let horizon = now.0.saturating_add(MAX_STEPS_AHEAD);
        let near = self.0.iter().rev().find(|record| record.first <= horizon);
        near.map_or(0, |record| record.last.min(horizon).saturating_add(1))
    }

    fn covers(&self, step: Step) -> bool {
        self.0.iter().any(|record| record.covers(step.0))
    }

    fn intent(&self, step: Step) -> Option<usize> {
        self.0.iter().position(|record| *record == Record::single(step, Use::Intent))
    }

    fn insert(&mut self, record: Record) {
        let index = self.0.partition_point(|other| other.first < record.first);
        self.0.insert(index, record);
    }

    /// Joins the two neighbours with the fewest open steps between them, and closes those steps. A pair with `now` in
    /// between is skipped, because joining it could close future steps; there is at most one such pair.
    fn join_closest(&mut self, now: Step) -> bool {
        let gaps = self.0.windows(2).enumerate().filter_map(|(index, pair)| match pair {
            [left, right] if left.last > now.0 || right.first <= now.0 => {
                Some((right.first.saturating_sub(left.last), index, right.last))
            }
            _ => None,
        });
        let Some((_, index, last)) = gaps.min() else { return false };
        self.0.remove(index.saturating_add(1));
        if let Some(record) = self.0.get_mut(index) {
            record.last = last;
            record.usage = Use::Spent;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(steps: impl IntoIterator<Item = u64>) -> Records {
        let mut records = Records::default();
        for step in steps {
            assert!(records.may_submit(Step(step), Step(step)));
            records.add(Step(step), Use::Spent, Step(step));
        }
        records
    }

    #[test]
    fn a_used_step_and_all_before_it_are_closed() {
        let records = spent([100]);
        assert!(!records.may_submit(Step(100), Step(100)));
        assert!(!records.may_submit(Step(99), Step(100)));
        assert!(records.may_submit(Step(101), Step(100)));
        assert_eq!(records.earliest(Step(100)), Step(101));
        assert_eq!(records.earliest(Step(98)), Step(101));
        assert_eq!(records.earliest(Step(500)), Step(500));
        assert_eq!(Records::default().earliest(Step(0)), Step(0));
    }

    #[test]
    fn a_clock_far_ahead_closes_only_the_used_step() {
        let mut records = spent([100]);
        records.add(Step(5_000), Use::Spent, Step(5_000));
        assert_eq!(records.earliest(Step(101)), Step(101));
        assert!(!records.may_submit(Step(5_000), Step(101)), "that code may be valid one day");
        assert_eq!(records.earliest(Step(4_989)), Step(4_989));
        assert_eq!(records.earliest(Step(4_990)), Step(5_001));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_reopen_used_steps() {
        let records = spent([20, 100]);
        assert!(!records.may_submit(Step(20), Step(20)));
        assert!(!records.may_submit(Step(19), Step(20)));
        assert_eq!(records.earliest(Step(20)), Step(21));
        assert_eq!(records.earliest(Step(90)), Step(101));
    }

    #[test]
    fn many_records_are_joined_and_no_step_is_lost() {
        let used: Vec<u64> = (0..10_000).map(|n| 1_000 + n * n % 7 + n * 9).collect();
        let mut records = spent(used.iter().copied());
        records.add(Step(9_000_000), Use::Intent, Step(9_000_000));
        assert!(records.0.len() <= MAX_RECORDS && records.is_sound());
        for step in used {
            assert!(!records.may_submit(Step(step), Step(step)), "step {step} is open again");
        }
        assert_eq!(records.earliest(Step(200_000)), Step(200_000));
    }

    #[test]
    fn joining_never_closes_future_steps() {
        let mut records = spent((0..64).map(|n| n * 1_000));
        records.add(Step(64_020), Use::Spent, Step(64_020));
        records.add(Step(64_000), Use::Spent, Step(64_000));
        assert_eq!(records.0.len(), MAX_RECORDS);
        assert_eq!(records.earliest(Step(64_000)), Step(64_001), "the closest two must not be joined");
        assert_eq!(records.0.last(), Some(&Record::single(Step(64_020), Use::Spent)));
    }

    #[test]
    fn merged_records_close_the_steps_of_both() {
        let mut records = spent([10, 20, 30]);
        let mut other = spent([20, 25]);
        other.add(Step(40), Use::Intent, Step(40));
        records.merge(other, Step(40));
        assert!(records.is_sound());
        for step in [10, 20, 25, 30, 40] {
            assert!(!records.may_submit(Step(step), Step(step)), "step {step} is open again");
        }
        records.take_back(Step(40));
        assert!(records.may_submit(Step(40), Step(40)), "an intent stays one");
        let mut many = spent((0..64).map(|n| n * 100));
        many.merge(spent((0..64).map(|n| n * 100 + 50)), Step(7_000));
        assert!(many.0.len() <= MAX_RECORDS && many.is_sound());
        assert!((0..128).all(|n| !many.may_submit(Step(n * 50), Step(n * 50))));
    }

    #[test]
    fn only_an_intent_can_be_taken_back() {
        let mut records = Records::default();
        records.add(Step(7), Use::Intent, Step(7));
        records.take_back(Step(7));
        assert!(records.may_submit(Step(7), Step(7)));
        records.add(Step(7), Use::Intent, Step(7));
        records.settle(Step(7));
        records.take_back(Step(7));
        assert!(!records.may_submit(Step(7), Step(7)));
    }

    #[test]
    fn the_highest_step_does_not_overflow() {
        let mut records = Records::default();
        records.add(Step(u64::MAX), Use::Spent, Step(u64::MAX));
        assert!(!records.may_submit(Step(u64::MAX), Step(u64::MAX)));
        assert_eq!(records.earliest(Step(u64::MAX)), Step(u64::MAX));
        assert_eq!(records.earliest(Step(1)), Step(1));
    }
}
