//! What a `virtual_server` becomes: the classic forms, keepalived's defaults and corrections.

#![expect(clippy::unwrap_used, reason = "what the helpers of a test cannot have fails the test")]

mod common;

use std::net::IpAddr;
use std::time::Duration;

use checker::{CheckSpec, Connection, HttpProbe, ProbeSpec, UrlSpec, VirtualServerSpec};
use common::read;
use config::{Code, Diagnostic, Loaded, Severity};
use ipvs::{
    Family, Forwarding, Granularity, Persistence, Protocol, SchedulerFlags, ServiceKey, Tunnel,
    TunnelChecksum,
};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A server with one real server; its lines, and those of the real server.
fn with(lines: &str, real: &str) -> Loaded {
    read(&format!(
        "virtual_server 10.0.0.1 80 {{\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n{lines}\n\
         real_server 10.0.0.2 80 {{\n{real}\n}}\n}}\n"
    ))
}

fn wrong(loaded: &Loaded) -> Vec<Code> {
    let wrong = |it: &&Diagnostic| it.severity != Severity::Note;
    loaded.diagnostics.iter().filter(wrong).map(|it| it.code).collect()
}

fn only(loaded: &Loaded) -> VirtualServerSpec {
    let servers: Vec<_> = loaded.model.virtual_servers.iter().collect();
    let Ok([server]) = <[_; 1]>::try_from(servers) else { panic!("{}", loaded.render_all()) };
    server
}

fn server(lines: &str) -> (VirtualServerSpec, Vec<Code>) {
    let loaded = with(lines, "");
    (only(&loaded), wrong(&loaded))
}

/// Where a check over TCP connects.
fn reached(check: &CheckSpec) -> &Connection {
    check.probe.connection().unwrap()
}

fn checks(real: &str) -> Vec<CheckSpec> {
    only(&with("", real)).real_servers[0].checks.clone()
}

#[test]
fn the_classic_nat_sample_with_a_sorry_server_is_understood() {
    let loaded = read(
        "virtual_server 192.0.2.100 443 {\n  delay_loop 6\n  lb_algo rr\n  lb_kind NAT\n  persistence_timeout 50\n  \
         protocol TCP\n  sorry_server 192.0.2.200 1358\n  real_server 192.0.2.2 443 {\n    weight 1\n    SSL_GET {\n      \
         url {\n        path /\n        digest ff20ad2481f97b1754ef3e12ecd3a9cc\n      }\n      url {\n        \
         path /mrtg/\n        status_code 200-299 301\n      }\n      connect_timeout 3\n      retry 3\n      \
         delay_before_retry 3\n    }\n  }\n}\n",
    );
    assert_eq!(wrong(&loaded), []);
    let server = only(&loaded);
    assert_eq!(server.name, "192.0.2.100 443");
    let sorry = server.sorry_server.as_ref().unwrap();
    assert_eq!(
        (sorry.key.to_string(), sorry.dest.weight, sorry.inhibit),
        ("[192.0.2.200]:1358".to_owned(), 1, false)
    );
    assert_eq!(sorry.dest.forwarding, Forwarding::Masquerade);
    let [check] = server.real_servers[0].checks.as_slice() else { panic!() };
    let ProbeSpec::Http(http) = &check.probe else { panic!("{check:?}") };
    let HttpProbe { connection, tls: true, urls, .. } = http.as_ref() else { panic!("{check:?}") };
    assert_eq!(
        (connection.target.to_string(), connection.timeout.get()),
        ("192.0.2.2:443".to_owned(), secs(3))
    );
    assert_eq!((check.delay_loop.get(), check.retry, check.delay_before_retry.get()), (secs(6), 3, secs(3)));
    let [UrlSpec { path, digest: Some(digest), status, .. }, second] = urls.as_slice() else {
        panic!("{urls:?}")
    };
    assert_eq!(
        (path.as_str(), digest[0], digest[15], status.as_slice()),
        ("/", 0xff, 0xcc, &[(200, 299)][..])
    );
    assert_eq!((second.path.as_str(), second.status.as_slice()), ("/mrtg/", &[(200, 299), (301, 301)][..]));
    assert_eq!(wrong(&loaded), []);
}

#[test]
fn a_bare_server_has_keepaliveds_defaults() {
    let loaded = with("", "TCP_CHECK {\n}");
    assert_eq!(loaded.diagnostics, []);
    let server = only(&loaded);
    let key = ServiceKey::Address { protocol: Protocol::Tcp, address: ip("10.0.0.1"), port: 80 };
    assert_eq!(server.services, [key]);
    assert_eq!((server.service.scheduler.as_str(), server.service.flags), ("rr", SchedulerFlags::default()));
    assert_eq!((server.service.persistence.as_ref(), server.sorry_server.as_ref()), (None, None));
    assert_eq!((server.quorum, server.hysteresis, server.alpha, server.omega), (1, 0, false, false));
    let real = &server.real_servers[0];
    assert_eq!(
        (real.key.to_string(), real.inhibit_on_failure, real.alpha),
        ("[10.0.0.2]:80".to_owned(), false, false)
    );
    assert_eq!((real.dest.weight, real.dest.upper_threshold, real.dest.lower_threshold), (1, 0, 0));
    let expected = CheckSpec {
        probe: ProbeSpec::Tcp(Connection::new("10.0.0.2:80".parse().unwrap(), secs(5).into())),
        delay_loop: secs(60).into(),
        retry: 1,
        delay_before_retry: secs(1).into(),
        warmup: secs(60).into(),
        alpha: false,
        log_all_failures: false,
        log_all_failures_written: false,
    };
    assert_eq!(real.checks, [expected]);
}

#[test]
fn what_is_missing_is_filled_in_as_keepalived_fills_it_in() {
    let loaded = read("virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\n}\n}\n");
    let server = only(&loaded);
    assert!(matches!(server.services[0], ServiceKey::Address { protocol: Protocol::Udp, .. }));
    assert_eq!(server.service.scheduler, "wlc");
    assert_eq!(server.real_servers[0].dest.forwarding, Forwarding::Masquerade);
    assert_eq!(wrong(&loaded), [Code::MissingSetting; 3]);
    assert_eq!((loaded.test_status(), loaded.start()), (5, Ok(())));
}

#[test]
fn a_server_without_real_servers_is_left_out() {
    let loaded = read("virtual_server 10.0.0.1 80 {\nprotocol TCP\n}\n");
    assert_eq!((loaded.model.virtual_servers.len(), wrong(&loaded)), (0, vec![Code::MissingSetting]));
}

#[test]
fn addresses_and_ports_that_are_none_lose_their_server() {
    for (header, code) in [
        ("10.0.0.1 70000", Code::OutOfRange),
        ("10.0.0.1 http", Code::BadValue),
        ("10.0.0.1:80", Code::BadValue),
        ("localhost 80", Code::BadValue),
        ("80", Code::BadValue),
        ("fwmark x", Code::BadValue),
        ("fwmark -1", Code::OutOfRange),
    ] {
        let loaded = read(&format!("virtual_server {header} {{\nreal_server 10.0.0.2 80 {{\n}}\n}}\n"));
        assert_eq!((loaded.model.virtual_servers.len(), wrong(&loaded)), (0, vec![code]), "{header}");
        assert_eq!((loaded.test_status(), loaded.start()), (5, Ok(())), "{header}");
    }
}

#[test]
fn a_service_of_all_ports_is_persistent() {
    for header in ["10.0.0.1", "10.0.0.1 0"] {
        let loaded = read(&format!(
            "virtual_server {header} {{\nprotocol TCP\nlb_algo rr\nlb_kind DR\nreal_server 10.0.0.2 {{\n}}\n}}\n"
        ));
        let server = only(&loaded);
        assert_eq!(server.service.persistence.as_ref().unwrap().timeout, 360);
        assert_eq!((server.real_servers[0].key.port, wrong(&loaded)), (0, vec![Code::MissingSetting]));
    }
}

#[test]
fn persistence_has_a_time_a_mask_and_an_engine() {
    let persistence = |lines: &str| server(lines).0.service.persistence;
    let single = Granularity::Mask(u32::MAX);
    assert_eq!(
        persistence("persistence_timeout"),
        Some(Persistence { timeout: 360, granularity: single, engine: None })
    );
    assert_eq!(
        persistence("persistence_timeout 50\npersistence_granularity 255.255.255.0\npersistence_engine sip"),
        Some(Persistence {
            timeout: 50,
            granularity: Granularity::Mask(0xffff_ff00),
            engine: Some("sip".into())
        })
    );
    let (spec, wrong) = server("persistence_timeout 0");
    assert_eq!((spec.service.persistence, wrong), (None, vec![Code::OutOfRange]));
    let six = "virtual_server 2001:db8::1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\npersistence_timeout 9\n\
               persistence_granularity 64\nreal_server 2001:db8::2 80 {\n}\n}\n";
    let granularity = only(&read(six)).service.persistence.as_ref().unwrap().granularity;
    assert_eq!(granularity, Granularity::Prefix(64));
}

#[test]
fn a_prefix_length_as_an_ipv4_mask_is_what_the_c_library_makes_of_it_and_is_said() {
    let loaded = with("persistence_timeout 50\npersistence_granularity 24", "");
    let granularity = only(&loaded).service.persistence.as_ref().unwrap().granularity;
    assert_eq!((granularity, wrong(&loaded)), (Granularity::Mask(24), vec![Code::BadValue]));
    assert_eq!(loaded.test_status(), 0, "keepalived takes it for the mask 0.0.0.24");
    assert!(loaded.diagnostics[0].message.contains("0.0.0.24"));
}

#[test]
fn methods_are_read_with_their_tunnels() {
    let tunnel = |tunnel| Some(Forwarding::Tunnel(tunnel));
    for (words, expected) in [
        ("NAT", Some(Forwarding::Masquerade)),
        ("DR", Some(Forwarding::DirectRoute)),
        ("TUN", tunnel(Tunnel::Ipip)),
        ("TUN type ipip", tunnel(Tunnel::Ipip)),
        ("TUN type gre csum", tunnel(Tunnel::Gre { checksum: TunnelChecksum::Full })),
        (
            "TUN type gue port 6080 remcsum",
            tunnel(Tunnel::Gue { port: 6080, checksum: TunnelChecksum::Remote }),
        ),
        ("nat", None),
        ("FULLNAT", None),
    ] {
        let loaded = with("", &format!("lvs_method {words}"));
        let found = only(&loaded).real_servers[0].dest.forwarding;
        assert_eq!(found, expected.unwrap_or(Forwarding::Masquerade), "{words}");
        assert_eq!(wrong(&loaded).is_empty(), expected.is_some(), "{words}\n{}", loaded.render_all());
        assert_eq!(loaded.test_status(), if expected.is_some() { 0 } else { 5 }, "{words}");
    }
}

#[test]
fn a_tunnel_with_options_that_it_does_not_have_is_that_of_the_virtual_server_or_ip_in_ip() {
    let gre = Tunnel::Gre { checksum: TunnelChecksum::Full };
    for words in [
        "type gue",
        "type gre port 5",
        "type gre remcsum",
        "type foo",
        "type",
        "type ipip csum",
        "type gue port 70000",
        "other",
    ] {
        for (default, expected) in [("lb_kind DR", Tunnel::Ipip), ("lb_kind TUN type gre csum", gre)] {
            let loaded = with(default, &format!("lvs_method TUN {words}"));
            let found = only(&loaded).real_servers[0].dest.forwarding;
            assert_eq!(found, Forwarding::Tunnel(expected), "{default}, {words}");
            assert_eq!(loaded.test_status(), 5, "{words}");
        }
    }
}

#[test]
fn flags_of_the_hashing_schedulers_come_after_their_scheduler() {
    let (spec, found) = server("lb_algo sh\nsh-port\nsh-fallback");
    assert_eq!((spec.service.flags.flag_1, spec.service.flags.flag_2, found), (true, true, vec![]));
    let (spec, found) = server("sh-port\nlb_algo sh");
    assert_eq!((spec.service.flags, found), (SchedulerFlags::default(), vec![Code::Conflict]));
    let (spec, found) = server("lb_algo mh\nmh-port\nflag-3");
    assert_eq!((spec.service.flags.flag_2, spec.service.flags.flag_3, found), (true, true, vec![]));
}

#[test]
fn one_packet_scheduling_is_for_udp_and_marks() {
    let (spec, found) = server("ops");
    assert_eq!((spec.service.flags.one_packet, found), (false, vec![Code::Conflict]));
    let (spec, found) = server("ops\nprotocol UDP");
    assert_eq!((spec.service.flags.one_packet, found), (true, vec![]));
}

#[test]
fn the_quorum_is_at_most_the_weight_that_there_is() {
    let quorum = |lines: &str, real: &str| {
        let loaded = with(lines, real);
        (only(&loaded).quorum, only(&loaded).hysteresis, wrong(&loaded))
    };
    assert_eq!(quorum("quorum 5", "weight 3"), (3, 0, vec![Code::Adjusted]));
    assert_eq!(quorum("quorum 3\nhysteresis 3", "weight 3"), (3, 2, vec![Code::Adjusted]));
    assert_eq!(quorum("quorum 3\nhysteresis 1", "weight 3"), (3, 1, vec![]));
    assert_eq!(quorum("", "weight 0"), (1, 0, vec![Code::Adjusted]));
    assert_eq!(quorum("quorum none", ""), (1, 0, vec![Code::BadValue]));
}

#[test]
fn only_nat_changes_ports() {
    let real = |kind: &str, header: &str| {
        let loaded = read(&format!(
            "virtual_server 10.0.0.1 80 {{\nprotocol TCP\nlb_algo rr\nlb_kind {kind}\nreal_server {header} {{\nTCP_CHECK {{\n}}\n}}\n}}\n"
        ));
        let real = &only(&loaded).real_servers[0];
        let connection = reached(&real.checks[0]);
        (real.key.port, connection.target.port(), wrong(&loaded))
    };
    assert_eq!(real("NAT", "10.0.0.2 8080"), (8080, 8080, vec![]));
    assert_eq!(real("NAT", "10.0.0.2"), (80, 80, vec![]));
    // The table cannot have the other port; the check still asks there.
    assert_eq!(real("DR", "10.0.0.2 8080"), (80, 8080, vec![Code::Conflict]));
    assert_eq!(real("TUN", "10.0.0.2 8080"), (80, 8080, vec![Code::Conflict]));
    assert_eq!(real("DR", "10.0.0.2"), (80, 80, vec![]));
}

#[test]
fn a_sorry_server_keeps_the_port_of_the_service_unless_nat_changes_it() {
    let sorry = |target: &str, method: &str, sorry: &str| {
        let text = format!(
            "virtual_server_group G {{\n10.0.0.1 80\nfwmark 5\n}}\n\
             virtual_server {target} {{\nlb_algo rr\nlb_kind {method}\n{}sorry_server {sorry}\n\
             real_server 10.0.0.2 {{\n}}\n}}\n",
            if target.starts_with("fwmark") { "" } else { "protocol TCP\n" },
        );
        let loaded = read(&text);
        (only(&loaded).sorry_server.unwrap().key.port, loaded.test_status())
    };
    assert_eq!(sorry("10.0.0.1 80", "NAT", "10.0.0.9 81"), (81, 0));
    assert_eq!(sorry("10.0.0.1 80", "DR", "10.0.0.9 80"), (80, 0));
    assert_eq!(sorry("10.0.0.1 80", "DR", "10.0.0.9"), (80, 0));
    assert_eq!(sorry("10.0.0.1 80", "DR", "10.0.0.9 81"), (80, 5));
    assert_eq!(sorry("fwmark 5", "DR", "10.0.0.9 80"), (0, 5));
    assert_eq!(sorry("fwmark 5", "NAT", "10.0.0.9 80"), (80, 0));
    assert_eq!(sorry("group G", "DR", "10.0.0.9 80").1, 5, "a mark has no port");
}

#[test]
fn real_servers_that_cannot_serve_are_left_out() {
    let second = |header: &str, kind: &str| {
        let loaded = read(&format!(
            "virtual_server 10.0.0.1 80 {{\nprotocol TCP\nlb_algo rr\nlb_kind {kind}\nreal_server 10.0.0.2 80 {{\n}}\nreal_server {header} {{\nbogus\n}}\n}}\n"
        ));
        (only(&loaded).real_servers.len(), wrong(&loaded))
    };
    assert_eq!(second("10.0.0.2 80", "DR"), (1, vec![Code::Duplicate, Code::UnknownKeyword]));
    assert_eq!(second("2001:db8::2 80", "DR"), (1, vec![Code::WrongFamily, Code::UnknownKeyword]));
    assert_eq!(second("2001:db8::2 80", "TUN"), (2, vec![Code::UnknownKeyword]));
    assert_eq!(second("web2 80", "DR"), (1, vec![Code::BadValue, Code::UnknownKeyword]));
    assert_eq!(second("10.0.0.3 70000", "DR"), (1, vec![Code::OutOfRange, Code::UnknownKeyword]));
}

#[test]
fn settings_of_checks_come_from_the_check_its_server_and_its_virtual_server() {
    let lines = "delay_loop 10\nretry 2\ndelay_before_retry 3\nwarmup 4\nconnect_timeout 6\ninhibit_on_failure\nalpha\nweight 7";
    let loaded = with(
        lines,
        "retry 5\nwarmup 0\nalpha no\nTCP_CHECK {\nconnect_timeout 8\ndelay_loop 0.5\nretry 0\n}\nTCP_CHECK {\nalpha\n}",
    );
    let real = &only(&loaded).real_servers[0];
    assert_eq!((real.dest.weight, real.inhibit_on_failure, real.alpha), (7, true, false));
    let [first, second] = real.checks.as_slice() else { panic!() };
    let connection = reached(first);
    assert_eq!(
        (connection.timeout.get(), first.delay_loop.get(), first.retry),
        (secs(8), Duration::from_millis(500), 0)
    );
    assert_eq!(
        (first.delay_before_retry.get(), first.warmup.get(), first.alpha),
        (secs(3), Duration::ZERO, false)
    );
    let connection = reached(second);
    assert_eq!(
        (connection.timeout.get(), second.delay_loop.get(), second.retry, second.alpha),
        (secs(6), secs(10), 5, true)
    );
}

#[test]
fn a_check_connects_where_and_from_where_it_is_told() {
    let [check] = &checks(
        "TCP_CHECK {\nconnect_ip 10.0.0.3\nconnect_port 8080\nbindto 10.0.0.9\nbind_port 5000\nbind_if eth1\nfwmark 4\n}",
    )[..] else {
        panic!()
    };
    let connection = reached(check);
    assert_eq!(connection.target.to_string(), "10.0.0.3:8080");
    assert_eq!((connection.source().address, connection.source().port), (Some(ip("10.0.0.9")), 5000));
    assert_eq!((connection.source().interface.as_deref(), connection.source().fwmark), (Some("eth1"), 4));
    let loaded = with("", "TCP_CHECK {\nbindto 2001:db8::1\n}");
    assert_eq!(wrong(&loaded), [Code::WrongFamily]);
}

#[test]
fn a_misspelt_retry_counts_in_every_check() {
    let [check] = &checks("TCP_CHECK {\nnb_get_retry 7\n}")[..] else { panic!() };
    assert_eq!(check.retry, 7);
    let loaded = with("", "HTTP_GET {\nurl {\npath /\n}\nnb_get_retry 7\n}");
    assert_eq!((only(&loaded).real_servers[0].checks[0].retry, wrong(&loaded)), (7, vec![Code::Deprecated]));
}

#[test]
fn each_kind_of_check_has_its_own_defaults() {
    let habits = |text: &str| {
        let loaded = with("delay_loop 9", text);
        let server = only(&loaded);
        let [check] = server.real_servers[0].checks.as_slice() else { panic!("{text}") };
        (check.retry, check.delay_before_retry.get())
    };
    for (text, expected) in [
        ("TCP_CHECK {\n}", (1, secs(1))),
        ("HTTP_GET {\nurl {\npath /\n}\n}", (1, secs(3))),
        ("SSL_GET {\nurl {\npath /\n}\n}", (1, secs(3))),
        ("SMTP_CHECK {\n}", (1, secs(1))),
        ("DNS_CHECK {\n}", (3, secs(9))),
        ("PING_CHECK {\n}", (1, secs(1))),
        ("UDP_CHECK {\n}", (1, secs(1))),
    ] {
        assert_eq!(habits(text), expected, "{text}");
    }
}

#[test]
fn a_host_of_a_mail_check_is_a_check_of_its_own_beside_it() {
    let checks = checks(
        "SMTP_CHECK {\nconnect_port 26\nconnect_timeout 3\nretry 7\nhost {\nconnect_ip 10.0.0.7\n}\n\
         host {\nconnect_port 27\nconnect_timeout 4\n}\nhelo_name late\n}",
    );
    let shown: Vec<_> = checks
        .iter()
        .map(|check| {
            let ProbeSpec::Smtp(smtp) = &check.probe else { panic!("{check:?}") };
            assert_eq!((smtp.helo.as_str(), check.retry), ("late", 7));
            (smtp.connection.target.to_string(), smtp.connection.timeout.get())
        })
        .collect();
    let expected = [("10.0.0.2:26", 3), ("10.0.0.7:80", 5), ("10.0.0.2:27", 4)];
    assert_eq!(shown, expected.map(|(target, timeout)| (target.to_owned(), secs(timeout))));
}

#[test]
fn checks_that_cannot_ask_anything_are_left_out() {
    for (text, code) in [
        ("HTTP_GET {\n}", Code::MissingSetting),
        ("HTTP_GET {\nurl {\n}\n}", Code::MissingSetting),
        ("MISC_CHECK {\n}", Code::MissingSetting),
        ("FILE_CHECK {\n}", Code::MissingSetting),
        ("BFD_CHECK {\n}", Code::MissingSetting),
        ("TCP_CHECK {\nconnect_ip fe80::1\n}", Code::MissingSetting),
    ] {
        let loaded = with("", text);
        assert_eq!(only(&loaded).real_servers[0].checks, [], "{text}");
        assert!(wrong(&loaded).contains(&code), "{text}");
        assert_eq!(loaded.test_status(), 5, "{text}");
    }
}

#[test]
fn a_firewall_mark_has_no_protocol_and_no_port() {
    let loaded = read(
        "virtual_server fwmark 7 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\n}\n",
    );
    let server = only(&loaded);
    assert_eq!(server.services, [ServiceKey::Fwmark { mark: 7, family: Family::V4 }]);
    assert_eq!((server.real_servers[0].key.port, wrong(&loaded)), (0, vec![Code::Conflict, Code::Conflict]));
    let loaded =
        read("virtual_server fwmark 7 {\nlb_algo rr\nlb_kind NAT\nreal_server 2001:db8::2 80 {\n}\n}\n");
    let server = only(&loaded);
    assert_eq!(server.services, [ServiceKey::Fwmark { mark: 7, family: Family::V6 }]);
    assert_eq!((server.real_servers[0].key.port, wrong(&loaded)), (80, vec![]));
}

fn group(entries: &str, lines: &str) -> Loaded {
    read(&format!(
        "virtual_server group G {{\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n{lines}\nreal_server 10.0.0.2 80 {{\n}}\n}}\n\
         virtual_server_group G {{\n{entries}\n}}\n"
    ))
}

#[test]
fn a_group_is_a_service_for_each_of_its_addresses() {
    let loaded = group("10.0.0.1-3 80\n10.0.1.4/31 81\n10.0.0.1 80", "");
    let shown: Vec<_> = only(&loaded).services.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "[10.0.0.1]:tcp:80",
            "[10.0.0.2]:tcp:80",
            "[10.0.0.3]:tcp:80",
            "[10.0.1.4]:tcp:81",
            "[10.0.1.5]:tcp:81"
        ]
    );
    assert_eq!(only(&loaded).name, "group G");
    let loaded = group("fwmark 7\nfwmark 8 inet", "");
    assert_eq!(only(&loaded).services.len(), 2);
    assert_eq!(wrong(&loaded), [Code::Conflict], "marks have no protocol");
}

#[test]
fn groups_that_cannot_be_served_lose_their_server() {
    for entries in [
        "",
        "10.0.0.5-1 80",
        "10.0.0.1/24 80",
        "10.0.0.1 70000",
        "web 80",
        "fwmark x",
        "fwmark 5 foo",
        "10.0.0.1 80\n2001:db8::1 80\nfwmark 5",
        "10.0.0.0/8 80",
    ] {
        let loaded = group(entries, "");
        assert_eq!(loaded.model.virtual_servers.len(), 0, "{entries}");
        assert_eq!((loaded.test_status(), loaded.start()), (5, Ok(())), "{entries}");
    }
    let undefined = read("virtual_server group G {\nreal_server 10.0.0.2 80 {\n}\n}\n");
    assert_eq!(
        (undefined.test_status(), wrong(&undefined)),
        (0, vec![Code::Undefined]),
        "keepalived says nothing"
    );
}

#[test]
fn the_lines_of_a_server_whose_group_there_is_not_are_read_all_the_same() {
    let server = |lines: &str| format!("virtual_server group G {{\n{lines}}}\n");
    let loaded = read(&server(""));
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::Undefined], 0));
    let loaded = read(&server("lb_kind nat\n"));
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::Undefined, Code::BadValue], 5));
    let loaded = read(&server("real_server 10.0.0.2 80 {\n}\nreal_server fd00::2 80 {\n}\n"));
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::Undefined, Code::WrongFamily], 5));
    assert!(loaded.model.virtual_servers.is_empty());
}

#[test]
fn a_sorry_server_has_options_after_it() {
    let (spec, found) = server("sorry_server 10.0.0.9\nsorry_server_inhibit\nsorry_server_lvs_method DR");
    let sorry = spec.sorry_server.unwrap();
    assert_eq!((sorry.key.to_string(), sorry.inhibit), ("[10.0.0.9]:80".to_owned(), true));
    assert_eq!((sorry.dest.forwarding, found), (Forwarding::DirectRoute, vec![]));
    let (spec, found) = server("sorry_server_inhibit\nsorry_server 10.0.0.9 81");
    assert_eq!((spec.sorry_server.unwrap().inhibit, found), (false, vec![Code::Conflict]));
    let (spec, found) = server("sorry_server 2001:db8::9 80");
    assert_eq!((spec.sorry_server, found), (None, vec![Code::WrongFamily]));
}

#[test]
fn thresholds_and_mails_of_a_real_server_are_kept() {
    let loaded = with("", "uthreshold 100\nlthreshold 50");
    let dest = &only(&loaded).real_servers[0].dest;
    assert_eq!((dest.upper_threshold, dest.lower_threshold), (100, 50));
    let alert = |globals: &str, real: &str| {
        let text = format!(
            "global_defs {{\n{globals}\n}}\nvirtual_server 10.0.0.1 80 {{\nprotocol TCP\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.2 80 {{\n{real}\n}}\n}}\n"
        );
        let events = read(&text).model.server_events.iter().next().unwrap();
        (events.smtp_alert, events.real_servers[0].smtp_alert)
    };
    assert_eq!(alert("", ""), (false, true), "mails about real servers are on by default");
    assert_eq!(alert("smtp_alert off", ""), (false, false));
    assert_eq!(alert("smtp_alert off\nsmtp_alert_checker", ""), (true, true));
    assert_eq!(alert("", "smtp_alert no"), (false, false));
}

#[test]
fn the_kind_of_a_tunnel_has_to_be_said_after_its_word() {
    for lines in ["lb_kind TUN type", "lb_kind TUN port", "lb_kind TUN type gue port"] {
        let text = format!(
            "virtual_server 10.0.0.1 80 {{\nprotocol TCP\nlb_algo rr\n{lines}\nreal_server 10.0.0.2 80 {{\n}}\n}}\n"
        );
        assert_eq!(read(&text).test_status(), 5, "{lines}");
    }
}
