//! The Cognito client against the fake: every class of failure, on a real socket, through the real SDK.

mod answers;
mod fake;
mod logs;
mod reuse;
mod rig;
mod silence;
mod tls;
mod unreachable;
