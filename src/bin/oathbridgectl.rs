//! The user's tool. See oathbridgectl(1).

use std::process::ExitCode;

use oathbridge::{ctl, process};
use zeroizing_alloc::ZeroAlloc;

/// Wipes freed memory, because libraries copy secrets outside of our own types.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    if let Err(error) = process::harden() {
        eprintln!(
            "oathbridgectl: The kernel refused to protect this process ({error}); allow prctl and setrlimit, and start it again."
        );
        return ExitCode::from(ctl::exit::FAILED);
    }
    ExitCode::from(ctl::main(std::env::args_os().collect()))
}
