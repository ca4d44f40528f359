//! The target `nitrokey_pro` as a program of libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    oathbridge_fuzz::targets::nitrokey_pro::run(bytes);
});
