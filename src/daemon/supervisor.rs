//! The essential tasks, which run until the daemon ends. If one of them ends, the daemon ends.

use std::collections::HashMap;
use std::fmt;

use tokio::task::{AbortHandle, Id, JoinSet};

use crate::task::Task;

/// Runs the essential tasks; dropping it aborts them.
#[derive(Debug, Default)]
pub(super) struct Supervisor {
    running: JoinSet<()>,
    names: HashMap<Id, (String, AbortHandle)>,
}

/// The end of an essential task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned, or was aborted.
    Finished,
    /// It panicked; the panic's message is in the journal.
    Panicked,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finished => "has ended",
            Self::Panicked => "has panicked",
        })
    }
}

impl Supervisor {
    /// Runs a task.
    pub(super) fn spawn(&mut self, task: Task) {
        let name = task.name().to_owned();
        let handle = self.running.spawn(task.into_work());
        self.names.insert(handle.id(), (name, handle));
    }

    /// Runs all these tasks.
    pub(super) fn spawn_all(&mut self, tasks: impl IntoIterator<Item = Task>) {
        for task in tasks {
            self.spawn(task);
        }
    }

    /// Waits for the next task that ends, and returns its name; waits for ever if there is none.
    pub(super) async fn next_end(&mut self) -> (String, End) {
        let (id, end) = match self.running.join_next_with_id().await {
            Some(Ok((id, ()))) => (id, End::Finished),
            Some(Err(error)) => (error.id(), if error.is_panic() { End::Panicked } else { End::Finished }),
            None => std::future::pending().await,
        };
        let name = self.names.remove(&id).map_or_else(String::new, |(name, _)| name);
        (name, end)
    }

    /// Aborts a task.
    pub(super) fn abort(&self, task: &str) {
        for (_, handle) in self.names.values().filter(|(name, _)| name == task) {
            handle.abort();
        }
    }

    /// Waits until a task has ended.
    pub(super) async fn end_of(&mut self, task: &str) {
        while self.names.values().any(|(name, _)| name == task) {
            self.next_end().await;
        }
    }

    /// The names of the running tasks, sorted.
    #[cfg(test)]
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.names.values().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }
}
