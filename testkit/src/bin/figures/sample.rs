//! Measured values and their statistics.

use std::time::Duration;

/// Values of one kind.
#[derive(Debug, Default)]
pub(crate) struct Sample(Vec<f64>);

impl From<f64> for Sample {
    fn from(value: f64) -> Self {
        Self(vec![value])
    }
}

impl Sample {
    pub(crate) fn add(&mut self, value: f64) {
        let place = self.0.partition_point(|other| *other < value);
        self.0.insert(place, value);
    }

    /// Adds a duration, in milliseconds.
    pub(crate) fn add_time(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1_000.0);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(2, 4)
    }

    /// The value that this percentage of all values do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        self.quantile(percent, 100)
    }

    /// The median and the quartiles, or the only value.
    pub(crate) fn shown(&self) -> String {
        if self.count() == 1 {
            return format!("{:.2}", self.median());
        }
        let (low, high) = (self.quantile(1, 4), self.quantile(3, 4));
        format!("{:.2} ({low:.2}-{high:.2})", self.median())
    }

    /// The value that `part` of `parts` of all values do not exceed.
    fn quantile(&self, part: usize, parts: usize) -> f64 {
        let place = self.count().saturating_sub(1) * part;
        let (below, weight) = (place / parts, (place % parts) as f64 / parts as f64);
        let value = |place: usize| self.0.get(place).copied().unwrap_or(f64::NAN);
        if weight == 0.0 { value(below) } else { value(below) * (1.0 - weight) + value(below + 1) * weight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quartiles() {
        assert_eq!(Sample::from(4.0).shown(), "4.00");
        let mut sample = Sample::default();
        for value in [9.0, 1.0, 3.0, 5.0, 7.0] {
            sample.add(value);
        }
        assert_eq!(sample.shown(), "5.00 (3.00-7.00)");
        sample.add_time(Duration::from_millis(11));
        assert_eq!(sample.shown(), "6.00 (3.50-8.50)");
    }
}
