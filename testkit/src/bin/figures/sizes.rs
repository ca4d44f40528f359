//! Measures the sizes of the installed programs.

use std::fs;

use super::Failure;
use super::builds::Builds;
use super::sample::Sample;
use super::table::{Goal, Table};

/// Measures the sizes, in millions of bytes.
pub(crate) fn of_programs(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    for (program, goal) in [("oathbridged", 7.2), ("oathbridgectl", 2.0)] {
        let mut sizes = Vec::new();
        for folder in builds.daemons() {
            let file = folder.join(program);
            let metadata = fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            sizes.push(Sample::from(metadata.len() as f64 / 1e6));
        }
        table.single(&format!("size of {program}"), "MB", &sizes, Goal::AtMost(goal));
    }
    Ok(())
}
