#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| crosstests::vrrp_router::run(bytes));
