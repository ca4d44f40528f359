//! A task that the daemon can't do without: a future with a name.
//!
//! Modules hand their tasks up instead of spawning them, so that `daemon` notices the end of each.

use std::fmt;
use std::pin::Pin;

/// An essential task that doesn't run yet. It ends only together with the daemon.
pub struct Task {
    name: String,
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Task {
    /// Names a future; errors and the journal call it so.
    pub fn new(name: impl Into<String>, work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { name: name.into(), work: Box::pin(work) }
    }

    /// What it is called.
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
