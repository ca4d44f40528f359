//! The target `token2` as a program of libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    oathbridge_fuzz::targets::token2::run(bytes);
});
