//! A request, as the daemon publishes it.

/// An `Operation` object.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) state: String,
    /// The path of the credential; `/` if it is not known.
    pub(super) credential: String,
    /// The name of the calling program.
    pub(super) requester: String,
}

/// Whether this is a final state of an operation.
pub(super) fn is_final(state: &str) -> bool {
    matches!(state, "done" | "failed" | "cancelled")
}

impl Operation {
    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        is_final(&self.state)
    }

    /// The last element of the path, which the caller may have chosen.
    pub(super) fn handle(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The last two elements of the path; the first of them stands for the caller.
    pub(super) fn long_handle(&self) -> &str {
        let start = self.path.rmatch_indices('/').nth(1).map_or(0, |(place, _)| place + 1);
        self.path.get(start..).unwrap_or_default()
    }

    /// Whether this is the path, the handle or the long handle of the request.
    pub(super) fn is(&self, name: &str) -> bool {
        self.path == name || self.handle() == name || self.long_handle() == name
    }
}
