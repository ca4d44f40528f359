//! oathbridge: codes from hardware OATH tokens, on the session bus, submitted to Amazon Cognito.
//!
//! The tour, bottom up. Every module may use the ones above it in this list and none below it
//! (`tests/repository/layers.rs` keeps it so):
//!
//! * [`regular_file`], [`certificates`], [`text`], [`utc`], [`xdg`]: what the leaves use, too: files that a user names,
//!   text and times as people read them;
//! * [`clock`], [`config`], [`markup`], [`secret`], [`signals`], [`state_file`], [`task`]: leaves that anybody may use;
//! * [`iso7816`]: command and response APDUs, status words, TLV; bytes only;
//! * [`otp`]: HOTP and TOTP arithmetic (RFC 4226, RFC 6238), without a token;
//! * [`device`]: the seam between bytes and protocols: `Transport`, `Device`, `Transaction`;
//! * [`virt`]: a token made of software, and its transport;
//! * [`protocol`]: what tokens speak: YKOATH;
//! * [`token`]: one attached token: a worker thread, and the handle to it;
//! * [`registry`]: what is attached now, as immutable snapshots;
//! * [`cognito`]: the client for Amazon Cognito; knows neither tokens nor D-Bus;
//! * [`guard`]: the single-use record: which time step of which seed was spent;
//! * [`operations`]: a running request: state, deadline, who asked, how it is cancelled;
//! * [`flows`]: what the product does: hand out a code, prove a token to Cognito;
//! * [`access`]: who asks, may they, and how often;
//! * [`dbus`]: our interfaces, and the task that keeps the object tree true;
//! * [`desktop`]: other services that the daemon calls: notifications, logind;
//! * [`ctl`]: the user's tool, a client of [`dbus`] in another process; reads [`guard`]'s file;
//! * [`transport`]: PC/SC, the only folder that blocks or links C; only [`daemon`] knows it;
//! * [`daemon`]: assembles all of these, runs them, stops them;
//! * [`process`] and [`logging`]: what the programs do before anything else.

pub mod access;
pub mod certificates;
pub mod clock;
pub mod cognito;
pub mod config;
pub mod ctl;
pub mod daemon;
pub mod dbus;
pub mod desktop;
pub mod device;
pub mod flows;
pub mod guard;
pub mod iso7816;
pub mod logging;
pub mod markup;
pub mod oath;
pub mod operations;
pub mod otp;
pub mod process;
pub mod protocol;
pub mod registry;
pub mod regular_file;
pub mod secret;
pub mod signals;
pub mod state_file;
pub mod task;
pub mod text;
pub mod token;
pub mod transport;
pub mod utc;
pub mod virt;
pub mod xdg;
