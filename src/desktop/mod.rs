//! Desktop services that the daemon calls, through its own proxies: notifications and logind.

pub mod logind;
pub mod notifications;
mod outage;
