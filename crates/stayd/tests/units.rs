//! The systemd units: how exposed `systemd-analyze` finds them. The figures stand in docs/systemd.md.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::process::Command;

use common::{folder, repository};

/// The overall exposure of a unit with drop-ins, both from `etc/systemd`, in tenths.
fn exposure(unit: &str, drop_ins: &[&str]) -> u32 {
    let systemd = repository().join("etc/systemd");
    let read = |name: &str| fs::read_to_string(systemd.join(name)).unwrap();
    let (service, install) =
        read(unit).split_once("[Install]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let added: String = drop_ins.iter().map(|name| read(name)).collect();
    let place = folder(&[]);
    let path = place.path().join(unit);
    fs::write(&path, format!("{service}\n{added}\n[Install]{install}")).unwrap();

    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(&path)
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|error| {
            panic!("systemd-analyze (Debian's systemd; ./setup test installs it): {error}")
        });
    let text = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(!complaints.contains("ignoring"), "{unit}: {complaints}");
    let line = text.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| {
        panic!("systemd-analyze gives no overall exposure for {unit}:\n{text}{complaints}")
    });
    println!("{line} {drop_ins:?}");
    let figure = line.rsplit_once(": ").unwrap().1.split_whitespace().next().unwrap();
    let (whole, tenth) = figure.split_once('.').unwrap();
    whole.parse::<u32>().unwrap() * 10 + tenth.parse::<u32>().unwrap()
}

#[test]
fn the_unit_of_the_daemon_has_3_0_or_less() {
    assert!(exposure("stayd.service", &[]) <= 30);
}

#[test]
fn the_strict_drop_in_brings_the_daemon_to_2_6_or_less() {
    assert!(exposure("stayd.service", &["examples/strict.conf"]) <= 26);
}

#[test]
fn the_drop_in_that_gives_scripts_back_what_they_had_is_valid_and_stays_far_from_keepalived() {
    assert!(exposure("stayd.service", &["examples/compatible.conf"]) <= 42);
}

#[test]
fn the_drop_in_for_network_namespaces_is_valid_and_stays_far_from_keepalived() {
    assert!(exposure("stayd.service", &["examples/net-namespace.conf"]) <= 44);
}

#[test]
fn the_unit_of_a_real_server_has_3_0_or_less() {
    assert!(exposure("stayd-realserver@.service", &[]) <= 30);
}
