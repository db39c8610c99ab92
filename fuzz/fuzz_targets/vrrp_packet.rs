#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| crosstests::vrrp_packet::run(bytes));
