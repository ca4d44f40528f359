//! An essential task: a future with a name.
//!
//! Modules return their tasks instead of spawning them, so that `daemon` notices the end of each.

use std::fmt;
use std::pin::Pin;

/// An essential task that is not started yet. It must not end before the daemon.
pub struct Task {
    name: String,
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Task {
    /// A task with a name for errors and the journal.
    pub fn new(name: impl Into<String>, work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { name: name.into(), work: Box::pin(work) }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The future, to be spawned.
    pub fn into_work(self) -> impl Future<Output = ()> + Send + 'static {
        self.work
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("name", &self.name).finish_non_exhaustive()
    }
}
