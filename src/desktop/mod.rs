//! Desktop services that the daemon calls, through its own proxies: notifications and logind.

mod event;
mod kept_requests;
mod lock_requests;
mod login1;
pub mod logind;
mod logind_connection;
mod logind_state;
pub mod notifications;
mod outage;
mod sessions;
