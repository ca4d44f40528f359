//! The data of one caller: plain structures, which [`Client`](super::client::Client) holds under its locks.

mod deposits;
mod operations;
mod queries;
mod results;

pub(super) use deposits::Deposits;
pub(super) use operations::OwnOperations;
pub(super) use queries::Queries;
pub(super) use results::{details, outcome};
