//! The target `descriptor` as a program of libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    oathbridge_fuzz::targets::descriptor::run(bytes);
});
