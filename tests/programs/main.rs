//! The built programs: the user's tool, the demo, a daemon that is killed, and the secrets that no program gives away.

mod ctl;
mod demo;
mod kill;
mod secrets;
