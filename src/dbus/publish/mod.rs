//! The tasks that update the object tree: tokens, credentials, profiles and operations.

pub(super) mod operations;
mod problems;
mod profiles;
#[cfg(test)]
mod tests;
pub(super) mod tree;
