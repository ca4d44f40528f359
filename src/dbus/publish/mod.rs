//! The tasks that keep the object tree true: tokens, credentials and profiles, and the operations.

pub(super) mod operations;
mod profiles;
pub(super) mod tree;
