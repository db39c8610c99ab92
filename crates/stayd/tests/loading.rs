//! What the loader has to load before the program's first line of code.

use std::process::Command;

#[test]
fn the_program_starts_without_the_library_of_tls() {
    // With this the loader lists what it would load, and does not start the program.
    let listed =
        Command::new(env!("CARGO_BIN_EXE_stayd")).env("LD_TRACE_LOADED_OBJECTS", "1").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("libc.so.6"), "{listed}");
    assert!(!listed.contains("libssl") && !listed.contains("libcrypto"), "{listed}");
}
