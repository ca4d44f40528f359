//! oathbridge: codes from hardware OATH tokens, on the session bus, submitted to Amazon Cognito.
//!
//! The modules, bottom up. A module may use only the modules above it in this list (`tests/repository/layers.rs` checks
//! that):
//!
//! * [`regular_file`], [`certificates`], [`sync`], [`text`], [`utc`], [`xdg`]: the lowest leaves: files that a user names,
//!   locks, text and times for people;
//! * [`clock`], [`config`], [`markup`], [`secret`], [`signals`], [`state_file`], [`task`]: leaves that every module may
//!   use;
//! * [`iso7816`]: command and response APDUs, status words, TLV; bytes only;
//! * [`otp`]: HOTP and TOTP arithmetic (RFC 4226, RFC 6238), without a token;
//! * [`device`]: the seam between bytes and protocols: `Transport`, `Device`, `Transaction`;
//! * [`virt`]: virtual tokens, and their transport;
//! * [`otpauth`]: the texts that a new credential comes as: URIs, migration payloads, seeds;
//! * [`protocol`]: the protocols of tokens: YKOATH;
//! * [`token`]: one attached token: its worker thread and its handle;
//! * [`registry`]: the attached tokens, as immutable snapshots;
//! * [`cognito`]: the client for Amazon Cognito; knows neither tokens nor D-Bus;
//! * [`guard`]: the single-use record: the spent time steps of each seed;
//! * [`operations`]: a running request: state, deadline, requester, cancellation;
//! * [`keyring`]: the user's keyring (Secret Service), which keeps access keys;
//! * [`flows`]: the functions of the daemon: return a code, submit a code, answer a challenge;
//! * [`access`]: the identity of callers, their permissions and their limits;
//! * [`dbus`]: the D-Bus interfaces, and the task that updates the object tree;
//! * [`desktop`]: desktop services that the daemon calls: notifications, logind;
//! * [`ctl`]: `oathbridgectl`, a client of [`dbus`] in another process; it also reads the file of [`guard`];
//! * [`transport`]: PC/SC, the only folder that blocks or links C; only the daemon's binary uses it;
//! * [`daemon`]: assembles all of these, runs and stops them;
//! * [`process`] and [`logging`]: protection and logging, which the programs start first.

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
pub mod keyring;
pub mod logging;
pub mod markup;
pub mod oath;
pub mod operations;
pub mod otp;
pub mod otpauth;
pub mod process;
pub mod protocol;
pub mod registry;
pub mod regular_file;
pub mod secret;
pub mod signals;
pub mod state_file;
pub mod sync;
pub mod task;
pub mod text;
pub mod token;
pub mod transport;
pub mod utc;
pub mod virt;
pub mod xdg;
