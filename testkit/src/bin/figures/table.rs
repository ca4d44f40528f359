//! The table of figures, printed line by line during the measurement.

use super::sample::Sample;

/// Prints a line for each figure.
#[derive(Debug)]
pub(crate) struct Table {
    has_old: bool,
    missed: usize,
}

/// The goal for a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Table {
    /// Begins a table, with columns for an older build if `has_old` is set.
    pub(crate) fn new(has_old: bool) -> Self {
        println!(
            "Medians; the sides of a figure take turns in one run. Goals are for ours, or for its ratio.\n"
        );
        let (old, old_ratio) = if has_old { ("old", "old/bare") } else { ("", "") };
        print_row("", "", ["ours", "bare", old], ["ours/bare", old_ratio], "goal");
        Self { has_old, missed: 0 }
    }

    /// Compares oathbridge, and an older build if there is one, with a bare program. The goal is for oathbridge divided by the
    /// bare program.
    pub(crate) fn compare(&mut self, what: &str, unit: &str, ours: &[Sample], bare: &Sample, goal: Goal) {
        let ratio = |sample: &Sample| sample.median() / bare.median();
        self.row(what, unit, ours, Some(bare), ratio, goal);
    }

    /// Like [`Table::compare`], with another program of the same purpose. The goal is for the other program divided by
    /// oathbridge.
    pub(crate) fn outrun(&mut self, what: &str, unit: &str, ours: &[Sample], other: &Sample, goal: Goal) {
        let ratio = |sample: &Sample| other.median() / sample.median();
        self.row(what, unit, ours, Some(other), ratio, goal);
    }

    /// A figure without a comparison. The goal is for oathbridge.
    pub(crate) fn single(&mut self, what: &str, unit: &str, ours: &[Sample], goal: Goal) {
        self.row(what, unit, ours, None, Sample::median, goal);
    }

    /// Prints the number of missed goals, which is not a failure.
    pub(crate) fn end(&self) {
        println!(
            "\n{} missed.",
            if self.missed == 1 { "1 goal".to_owned() } else { format!("{} goals", self.missed) }
        );
    }

    fn row(
        &mut self,
        what: &str,
        unit: &str,
        ours: &[Sample],
        bare: Option<&Sample>,
        figure: impl Fn(&Sample) -> f64,
        goal: Goal,
    ) {
        let value = |sample: Option<&Sample>| sample.map_or_else(String::new, Sample::shown);
        let old = ours.get(1).filter(|_| self.has_old);
        let ratio = |sample: Option<&Sample>| match (sample, bare) {
            (Some(sample), Some(_)) => format!("{:.2}", figure(sample)),
            _ => String::new(),
        };
        let judged = ours.first().map_or_else(String::new, |sample| self.judge(figure(sample), goal));
        let values = [value(ours.first()), value(bare), value(old)];
        print_row(
            what,
            unit,
            values.each_ref().map(String::as_str),
            [&ratio(ours.first()), &ratio(old)],
            &judged,
        );
    }

    fn judge(&mut self, value: f64, goal: Goal) -> String {
        let (reached, text) = match goal {
            Goal::AtMost(limit) => (value <= limit, format!("≤ {limit}")),
            Goal::AtLeast(limit) => (value >= limit, format!("≥ {limit}")),
        };
        self.missed += usize::from(!reached);
        format!("{text:<7} {}", if reached { "reached" } else { "MISSED" })
    }
}

fn print_row(
    what: &str,
    unit: &str,
    [ours, bare, old]: [&str; 3],
    [ratio, old_ratio]: [&str; 2],
    goal: &str,
) {
    println!("{what:<62} {unit:<8} {ours:>20} {bare:>20} {old:>20} {ratio:>9} {old_ratio:>9}  {goal}");
}
