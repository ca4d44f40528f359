//! The tasks that update the object tree: tokens, credentials, profiles and operations.

pub(super) mod operations;
mod problems;
mod profiles;
pub(super) mod tree;
