//! Other services of the desktop that the daemon calls, through proxies of its own: notifications, and logind.

pub mod logind;
pub mod notifications;
mod outage;
