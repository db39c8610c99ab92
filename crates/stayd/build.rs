//! How the program is linked.

use std::process::Command;

/// The first release of glibc whose loader knows packed relocations.
const KNOWS: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The table of keywords is full of addresses. Unpacked, the list of them is read by every process that starts.
    if std::env::var("HOST") == std::env::var("TARGET") && glibc().is_some_and(|version| version >= KNOWS) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// That of this machine.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
