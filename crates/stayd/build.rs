//! How the program is linked.

use std::process::Command;

/// The first release of glibc whose loader knows packed relocations.
const KNOWS: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=OPENSSL_STATIC");
    if late_openssl() {
        println!("cargo::rustc-cfg=late_openssl");
    }
    // The table of keywords is full of addresses. Unpacked, the list of them is read by every process that starts.
    if std::env::var("HOST") == std::env::var("TARGET") && glibc().is_some_and(|version| version >= KNOWS) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether `src/openssl.rs` knows how to load the OpenSSL that there would be to link with: version 3, as a shared library.
fn late_openssl() -> bool {
    let is =
        |name: &str, known: &[&str]| std::env::var(name).is_ok_and(|value| known.contains(&value.as_str()));
    let version = std::env::var("DEP_OPENSSL_VERSION_NUMBER");
    let version = version.ok().and_then(|version| u64::from_str_radix(&version, 16).ok());
    version.is_some_and(|version| version >> 28 == 3)
        && std::env::var_os("OPENSSL_STATIC").is_none()
        && is("CARGO_CFG_TARGET_OS", &["linux"])
        && is("CARGO_CFG_TARGET_ENV", &["gnu"])
        && is("CARGO_CFG_TARGET_ARCH", &["x86_64", "aarch64"])
}

/// That of this machine.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
