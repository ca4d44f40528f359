//! The target `otpauth` as a program of libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    oathbridge_fuzz::targets::otpauth::run(bytes);
});
