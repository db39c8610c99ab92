//! The pair of directors that stayd starts from: a file as people write them, with slips and Chinese comments.
//!
//! The project's own file is always read; the seed's, where it is at hand.

mod common;

use std::time::Duration;

use common::read;
use config::{Code, Loaded, Severity};
use ipvs::{Forwarding, Protocol, ServiceKey};

/// Severity, code, line, column and text of each diagnostic.
fn shown(loaded: &Loaded) -> Vec<(Severity, Code, u32, u32, String)> {
    let one = |it: &config::Diagnostic| {
        let place = loaded.sources.location(it.span);
        (it.severity, it.code, place.line, place.column, loaded.sources.text(it.span).to_owned())
    };
    loaded.diagnostics.iter().map(one).collect()
}

#[test]
fn our_own_pair_is_taken_as_meant_with_one_warning_for_each_slip() {
    let loaded = read(include_str!("data/pair.conf"));
    let warnings: Vec<_> = shown(&loaded).into_iter().filter(|it| it.0 != Severity::Note).collect();
    let expected = [
        (Code::Undefined, 17, 3, "check_balancer"),
        (Code::Misspelt, 28, 2, "protocal"),
        (Code::UnknownKeyword, 33, 4, "/*"),
        (Code::Misspelt, 34, 4, "nb_get_retry"),
    ];
    let expected =
        expected.map(|(code, line, column, text)| (Severity::Warning, code, line, column, text.to_owned()));
    assert_eq!(warnings, expected, "{}", loaded.render_all());
    assert_eq!(loaded.test_status(), 5);
    assert_eq!(loaded.start(), Ok(()));

    let instance = &loaded.model.vrrp.instances[0];
    assert_eq!((instance.name.as_str(), instance.vrid.get(), instance.priority.get()), ("BROKERS", 61, 120));
    assert_eq!(instance.initial_state, vrrp::InitialState::Master);
    assert_eq!(instance.authentication, vrrp::Authentication::Password(*b"9f3c\0\0\0\0"));
    assert_eq!(instance.addresses[0].prefix_len, 32);

    let server = loaded.model.virtual_servers.iter().next().unwrap();
    let address = "203.0.113.10".parse().unwrap();
    assert_eq!(server.services, [ServiceKey::Address { protocol: Protocol::Tcp, address, port: 5672 }]);
    let retries: Vec<_> = server.real_servers.iter().map(|real| real.checks[0].retry).collect();
    assert_eq!(retries, [3, 3], "misspelt or not");
}

/// The seed's file is not part of the project.
fn seed() -> Option<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/seed/keepalived.conf");
    let text = std::fs::read_to_string(path);
    if let Err(error) = &text {
        eprintln!("NOT TESTED: the seed's file, {path}: {error}; our own pair stands in for it");
    }
    text.ok()
}

#[test]
fn the_seed_is_taken_as_meant_with_one_warning_for_each_slip() {
    let Some(text) = seed() else { return };
    let loaded = read(&text);
    let warnings: Vec<_> = shown(&loaded).into_iter().filter(|it| it.0 != Severity::Note).collect();
    let slip = |text: &str, line| (Severity::Warning, Code::Misspelt, line, 1, text.to_owned());
    let expected = [
        (Severity::Warning, Code::Undefined, 16, 1, "chk_haproxy".to_owned()),
        slip("protocal", 29),
        slip("nb_get_retry", 35),
        slip("nb_get_retry", 44),
        slip("nb_get_retry", 53),
        slip("protocal", 65),
        slip("nb_get_retry", 70),
        slip("nb_get_retry", 79),
        slip("nb_get_retry", 88),
    ];
    assert_eq!(warnings, expected, "{}", loaded.render_all());
    assert_eq!((loaded.test_status(), loaded.start()), (5, Ok(())));
}

#[test]
fn the_seed_gives_two_tcp_services_with_three_servers_each() {
    let Some(text) = seed() else { return };
    let model = read(&text).model;
    assert_eq!(model.virtual_servers.len(), 2);
    for (server, port) in model.virtual_servers.iter().zip([5672, 15672]) {
        let address = "192.168.0.10".parse().unwrap();
        assert_eq!(server.services, [ServiceKey::Address { protocol: Protocol::Tcp, address, port }]);
        assert_eq!(server.service.scheduler, "wrr");
        assert_eq!(server.service.persistence.as_ref().unwrap().timeout, 50);
        let addresses: Vec<_> = server.real_servers.iter().map(|real| real.key.to_string()).collect();
        assert_eq!(addresses, [2, 3, 4].map(|host| format!("[192.168.0.{host}]:{port}")));
        for real in &server.real_servers {
            assert_eq!((real.dest.weight, real.dest.forwarding), (1, Forwarding::DirectRoute));
            let [check] = real.checks.as_slice() else { panic!("{:?}", real.checks) };
            let Some(connection) = check.probe.connection() else { panic!("{check:?}") };
            assert_eq!(connection.target.to_string(), real.key.to_string().replace(['[', ']'], ""));
            assert_eq!(connection.timeout.get(), Duration::from_secs(3));
            assert_eq!(
                (check.delay_loop.get(), check.warmup.get()),
                (Duration::from_secs(6), Duration::from_secs(6))
            );
            assert_eq!((check.retry, check.delay_before_retry.get()), (3, Duration::from_secs(3)));
        }
    }
    let instance = &model.vrrp.instances[0];
    assert_eq!((instance.interface.as_str(), instance.vrid.get(), instance.priority.get()), ("eth0", 1, 100));
    assert_eq!(instance.authentication, vrrp::Authentication::Password(*b"root123\0"));
    assert_eq!(instance.addresses[0].address.to_string(), "192.168.0.10");
}
