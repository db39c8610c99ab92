#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| crosstests::config_text::run(bytes));
