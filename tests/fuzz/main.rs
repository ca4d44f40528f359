//! The targets of `fuzz/` on the library itself, without a sanitizer: on their seeds, and on damaged ones.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that panics has failed"
)]

#[path = "../../fuzz/src/caller.rs"]
pub mod caller;
#[path = "../../fuzz/src/fuzz_clock.rs"]
pub mod fuzz_clock;
#[path = "../../fuzz/src/input.rs"]
pub mod input;
#[path = "../../fuzz/src/targets/mod.rs"]
pub mod targets;

mod crates;
mod damage;
mod seeds;

/// The number of damaged inputs for each target.
const RUNS: usize = 4_000;

#[test]
fn the_seeds_are_those_of_well_behaved_devices() {
    for (target, run) in targets::ALL {
        for (name, bytes) in seeds::of(target) {
            assert!(run(&bytes), "{target}: {name} does not lead to the end of the run");
        }
    }
}

#[test]
fn damaged_seeds_keep_every_property() {
    for (target, run) in targets::ALL {
        let seeds: Vec<_> = seeds::of(target).into_iter().map(|(_, bytes)| bytes).collect();
        let mut damage = damage::Damage::new(seeds);
        let well_behaved = (0..RUNS).filter(|_| run(&damage.next_input())).count();
        // The test is only meaningful if the damage is neither always fatal nor always harmless.
        assert!((RUNS / 200..RUNS * 3 / 4).contains(&well_behaved), "{target}: {well_behaved} of {RUNS}");
    }
}
