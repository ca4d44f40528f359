//! The built programs: the command-line tool, the demo, kills of the daemon, and secrets.

mod ctl;
mod demo;
mod environment;
mod journal;
mod kill;
mod named_files;
mod secrets;
