//! Many calls, cards and clients: the daemon stays in service and frees its resources.

mod flood;
mod hostile;
mod soak;

use std::alloc::System;

use cap::Cap;

/// The system's allocator, which counts the allocated bytes of this process.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);
