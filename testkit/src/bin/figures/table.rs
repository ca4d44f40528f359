//! The table, printed line by line as the figures come.

use super::sample::Sample;

/// What is printed, and whether all goals are reached so far.
#[derive(Debug, Default)]
pub(crate) struct Table {
    missed: usize,
}

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// Only to know it.
    None,
}

impl Table {
    pub(crate) fn note(&self, text: &str) {
        println!("{text}");
    }

    /// Ours against the least possible; the goal is for ours divided by it.
    pub(crate) fn compare(&mut self, what: &str, unit: &str, ours: &Sample, least: &Sample, goal: Goal) {
        let ratio = ours.median() / least.median();
        self.ratio(what, unit, ["ours", "bare"], [ours, least], ratio, goal);
    }

    /// Another program against ours; the goal is for the other divided by ours.
    pub(crate) fn outrun(&mut self, what: &str, unit: &str, ours: &Sample, other: &Sample, goal: Goal) {
        let ratio = other.median() / ours.median();
        self.ratio(what, unit, ["ours", "theirs"], [ours, other], ratio, goal);
    }

    pub(crate) fn single(&mut self, what: &str, unit: &str, sample: &Sample, goal: Goal) {
        println!("\n{what}");
        println!("  {} × {unit}: {}", sample.count(), sample.shown());
        self.judge("median", sample.median(), goal);
    }

    pub(crate) fn all_reached(&self) -> bool {
        self.missed == 0
    }

    fn ratio(
        &mut self,
        what: &str,
        unit: &str,
        names: [&str; 2],
        samples: [&Sample; 2],
        ratio: f64,
        goal: Goal,
    ) {
        println!("\n{what}");
        for (name, sample) in names.into_iter().zip(samples) {
            println!("  {name:<7} {:>4} × {unit}: {}", sample.count(), sample.shown());
        }
        self.judge("ratio", ratio, goal);
    }

    fn judge(&mut self, what: &str, value: f64, goal: Goal) {
        let (reached, text) = match goal {
            Goal::AtMost(limit) => (value <= limit, format!("at most {limit}")),
            Goal::AtLeast(limit) => (value >= limit, format!("at least {limit}")),
            Goal::None => return println!("  {what} {value:.2}"),
        };
        self.missed += usize::from(!reached);
        println!("  {what} {value:.2}, goal {text}: {}", if reached { "reached" } else { "MISSED" });
    }
}
