//! Checks as they are asked for, and as they are run until each kind has its probe.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeSet;

use checker::{
    CheckSpec, DnsProbe, DnsType, HttpProbe, HttpVersion, MiscProbe, ProbeSpec, RegexOption, RegexSpec,
    SmtpProbe, Sni, TlsCheckSpec, UdpProbe, UrlSpec, VirtualServerSpec,
};
use world::{check, connection, server, target, virtual_server};

/// One of each kind.
fn probes() -> Vec<ProbeSpec> {
    let connection = connection(target(1));
    let regex = RegexSpec {
        pattern: r"\d+".into(),
        no_match: false,
        options: BTreeSet::from([RegexOption::Caseless]),
        min_offset: 0,
        max_offset: Some(9),
        stack: None,
    };
    let url = UrlSpec {
        path: "/".into(),
        host: None,
        status: vec![(200, 299)],
        digest: Some([7; 16]),
        regex: Some(regex),
        tls_compliant: false,
    };
    vec![
        ProbeSpec::Tcp(connection.clone()),
        ProbeSpec::Http(Box::new(HttpProbe {
            tls_check: TlsCheckSpec::default(),
            connection: connection.clone(),
            tls: true,
            version: HttpVersion::V1_1,
            sni: Sni::Host,
            fast_recovery: false,
            host: None,
            outer_host: Some("b".into()),
            urls: vec![url],
        })),
        ProbeSpec::Smtp(SmtpProbe { connection: connection.clone(), helo: "a".into() }.into()),
        ProbeSpec::Dns(Box::new(DnsProbe {
            connection: connection.clone(),
            record: DnsType::Soa,
            name: String::new(),
        })),
        ProbeSpec::Misc(Box::new(MiscProbe {
            argv: vec!["/bin/true".into()],
            user: None,
            group: None,
            timeout: connection.timeout.get(),
            timeout_written: false,
            dynamic: false,
        })),
        ProbeSpec::Ping(connection.clone()),
        ProbeSpec::Udp(UdpProbe { connection, payload: Some(vec![1]), reply: None }.into()),
    ]
}

fn checked_by(probe: ProbeSpec) -> VirtualServerSpec {
    virtual_server(vec![server(1, vec![CheckSpec { probe, ..check(target(1)) }])])
}

#[test]
fn every_kind_of_check_survives_the_way_to_the_checker_process() {
    for probe in probes() {
        let spec = checked_by(probe);
        let bytes = postcard::to_allocvec(&spec).unwrap();
        assert_eq!(postcard::from_bytes::<VirtualServerSpec>(&bytes).unwrap(), spec);
    }
}

#[test]
fn names_of_options_and_of_types_lead_to_what_they_name_and_to_nothing_else() {
    let options: BTreeSet<_> =
        RegexOption::NAMES.iter().map(|name| RegexOption::of_name(name).unwrap()).collect();
    assert_eq!((options.len(), RegexOption::of_name("CASELESS")), (24, None));
    let numbers: Vec<_> =
        DnsType::NAMES.iter().map(|name| DnsType::of_name(name).unwrap().number()).collect();
    assert_eq!((numbers, DnsType::of_name("a")), (vec![1, 2, 5, 6, 15, 16, 28, 46, 48], None));
}
