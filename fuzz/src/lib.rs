//! Fuzz targets for everything that reads the bytes of a token or of udev, or a new credential.
//!
//! A target is a function in [`targets`]; it takes any bytes and panics if a property does not hold. `src/bin/` has a
//! program for each target, which `scripts/fuzz` builds with a sanitizer and runs. `tests/fuzz/` runs the same
//! functions for a moment on the library itself.
//!
//! The lower layers of the library are compiled from their source here, because the whole library with its 300 crates
//! would have to be built with the sanitizer otherwise.

extern crate self as oathbridge;

#[path = "../../src/clock.rs"]
pub mod clock;
pub mod config;
#[path = "../../src/device/mod.rs"]
pub mod device;
#[path = "../../src/iso7816/mod.rs"]
pub mod iso7816;
#[path = "../../src/oath/mod.rs"]
pub mod oath;
#[path = "../../src/otp/mod.rs"]
pub mod otp;
#[path = "../../src/otpauth/mod.rs"]
pub mod otpauth;
#[path = "../../src/protocol/mod.rs"]
pub mod protocol;
#[path = "../../src/registry/mod.rs"]
pub mod registry;
#[path = "../../src/regular_file.rs"]
pub mod regular_file;
#[path = "../../src/secret/mod.rs"]
pub mod secret;
#[path = "../../src/state_file/mod.rs"]
pub mod state_file;
#[path = "../../src/sync.rs"]
pub mod sync;
#[path = "../../src/task.rs"]
pub mod task;
#[path = "../../src/text.rs"]
pub mod text;
#[path = "../../src/token/mod.rs"]
pub mod token;
#[path = "../../src/xdg.rs"]
pub mod xdg;

pub mod caller;
pub mod fuzz_clock;
pub mod input;
pub mod targets;
