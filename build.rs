//! Links the programs with packed relocations if the dynamic loader supports them.
//!
//! The loader reads tens of thousands of relocations at each start. They keep 0.9 MB resident, or 9 kB if packed.
//! glibc supports packed relocations since 2.36. An older glibc refuses such a program with a clear message, but only
//! if the program was linked on a system with a newer glibc. A program that was linked with the older one would crash.

use std::env;
use std::process::Command;

/// The first version of glibc that supports packed relative relocations (RELR).
const FIRST_GLIBC_WITH_RELR: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is_native = env::var_os("HOST") == env::var_os("TARGET");
    if is_native && glibc().is_some_and(|version| version >= FIRST_GLIBC_WITH_RELR) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of the system's glibc; `None` with another C library.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
