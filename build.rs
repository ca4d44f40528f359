//! Links the programs with packed relocations, where the loader understands them.
//!
//! The loader reads the tens of thousands of them at each start: 0.9 MB that then stay resident, or 9 kB when
//! packed. glibc has understood packed ones since 2.36. An older one refuses such a program in plain words, but
//! only if the program was linked where glibc is newer; linked with an older one it would crash.

use std::env;
use std::process::Command;

const SINCE: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is_native = env::var_os("HOST") == env::var_os("TARGET");
    if is_native && glibc().is_some_and(|version| version >= SINCE) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this system's C library, unless it is another one.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
