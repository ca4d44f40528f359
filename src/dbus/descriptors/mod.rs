//! The file descriptors of callers, from the message that brings them until they are closed.

mod closers;
mod held;
mod ticket;
mod unclosed;

pub(super) use closers::Closers;
pub(super) use held::Held;
pub(super) use ticket::{issue, number_of};
