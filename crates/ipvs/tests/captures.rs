//! The codec against what a real kernel and `ipvsadm` said to each other (`captures/README.md` has the commands).
#![expect(clippy::unwrap_used, reason = "it is how a test fails")]

mod replay;

use std::fs;
use std::net::IpAddr;

use ipvs::netlink::{Client, Info, Timeouts};
use ipvs::{
    Counters, DestKey, DestSpec, DestStatistics, Error, Family, Forwarding, Granularity, Kernel, Op, Owned,
    Persistence, Protocol, SchedulerFlags, ServiceKey, ServiceSpec, Table, Tunnel, TunnelChecksum, plan,
};
use netlink::{Conversation, Outcome, Refusal};
use netlink_packet_core::NlasIterator;
use proptest::prelude::*;
use replay::{BODY, Replay, capture, path};

/// The attributes of a command, by their path of kinds, without zero bytes at the end (absent is zero).
fn meaning(bytes: &[u8]) -> Vec<(Vec<u16>, Vec<u8>)> {
    let mut found = Vec::new();
    for command in NlasIterator::new(&bytes[BODY + 4..]) {
        let command = command.unwrap();
        if !command.nested_flag() {
            found.push((vec![command.kind()], command.value().to_vec()));
            continue;
        }
        for attribute in NlasIterator::new(command.value()) {
            let attribute = attribute.unwrap();
            found.push((vec![command.kind(), attribute.kind()], attribute.value().to_vec()));
        }
    }
    found.retain(|(_, value)| value.iter().any(|byte| *byte != 0));
    found.sort();
    found
}

/// Applies `op` to the kernel that recorded `name`, and returns the datagram sent and what became of it.
fn apply(name: &str, op: Op) -> (Vec<u8>, Outcome) {
    let mut kernel = Replay::of(name);
    let mut client = Client::over(Conversation::over(&mut kernel)).unwrap();
    let mut report = client.apply(&[op]);
    assert!(report.error.is_none(), "{name}: {:?}", report.error);
    (kernel.sent.pop().unwrap(), report.outcomes.remove(0))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn virtual_server(protocol: Protocol, at: &str, port: u16) -> ServiceKey {
    ServiceKey::Address { protocol, address: address(at), port }
}

fn web() -> ServiceKey {
    virtual_server(Protocol::Tcp, "192.0.2.1", 80)
}

fn scheduled(scheduler: &str) -> ServiceSpec {
    ServiceSpec { scheduler: scheduler.into(), flags: SchedulerFlags::default(), persistence: None }
}

fn persistent(
    spec: ServiceSpec,
    timeout: u32,
    granularity: Granularity,
    engine: Option<&str>,
) -> ServiceSpec {
    let persistence = Persistence { timeout, granularity, engine: engine.map(str::to_owned) };
    ServiceSpec { persistence: Some(persistence), ..spec }
}

fn flagged(spec: ServiceSpec, [one_packet, flag_1, flag_2, flag_3]: [bool; 4]) -> ServiceSpec {
    ServiceSpec { flags: SchedulerFlags { one_packet, flag_1, flag_2, flag_3 }, ..spec }
}

const IPIP: Forwarding = Forwarding::Tunnel(Tunnel::Ipip);

const fn gue(checksum: TunnelChecksum) -> Forwarding {
    Forwarding::Tunnel(Tunnel::Gue { port: 6080, checksum })
}

fn real(at: &str, port: u16) -> DestKey {
    DestKey { address: address(at), port }
}

fn spec(weight: u32, forwarding: Forwarding) -> DestSpec {
    DestSpec { weight, forwarding, upper_threshold: 0, lower_threshold: 0 }
}

fn services() -> Vec<(&'static str, ServiceKey, ServiceSpec)> {
    use Granularity::{Mask, Prefix};
    let udp = |at, port| virtual_server(Protocol::Udp, at, port);
    let slash_24 = Mask(0xffff_ff00);
    let sh = flagged(scheduled("sh"), [false, true, true, false]);
    let all = flagged(scheduled("rr"), [true; 4]);
    vec![
        ("new-service-tcp", web(), scheduled("wrr")),
        (
            "new-service-persistent",
            virtual_server(Protocol::Tcp, "192.0.2.1", 443),
            persistent(sh, 50, slash_24, None),
        ),
        ("new-service-udp-ops", udp("192.0.2.1", 53), flagged(scheduled("rr"), [true, false, false, false])),
        (
            "new-service-sctp6",
            virtual_server(Protocol::Sctp, "2001:db8::1", 5060),
            persistent(scheduled("lc"), 300, Prefix(64), None),
        ),
        ("new-service-fwmark", ServiceKey::Fwmark { mark: 7, family: Family::V4 }, scheduled("wlc")),
        (
            "new-service-fwmark6",
            ServiceKey::Fwmark { mark: 7, family: Family::V6 },
            flagged(scheduled("mh"), [false, true, true, true]),
        ),
        (
            "new-service-sip",
            udp("192.0.2.1", 5060),
            persistent(scheduled("wrr"), 60, Mask(u32::MAX), Some("sip")),
        ),
        (
            "new-service-port-zero",
            virtual_server(Protocol::Tcp, "192.0.2.2", 0),
            persistent(scheduled("rr"), 360, Mask(u32::MAX), None),
        ),
        ("new-service-all-flags", udp("192.0.2.3", 69), persistent(all, 77, Mask(0xffff_0000), Some("sip"))),
    ]
}

fn dests() -> Vec<(&'static str, ServiceKey, DestKey, DestSpec)> {
    let gre = Forwarding::Tunnel(Tunnel::Gre { checksum: TunnelChecksum::Full });
    let mut limited = spec(0, Forwarding::DirectRoute);
    (limited.upper_threshold, limited.lower_threshold) = (100, 50);
    let mark = ServiceKey::Fwmark { mark: 7, family: Family::V4 };
    let sctp = virtual_server(Protocol::Sctp, "2001:db8::1", 5060);
    vec![
        ("new-dest-nat", web(), real("10.0.0.1", 8080), spec(3, Forwarding::Masquerade)),
        ("new-dest-dr-thresholds", web(), real("10.0.0.2", 80), limited),
        ("new-dest-ipip", web(), real("10.0.0.3", 80), spec(1, IPIP)),
        ("new-dest-gue", web(), real("10.0.0.4", 80), spec(1, gue(TunnelChecksum::None))),
        ("new-dest-gue-remcsum", web(), real("10.0.0.5", 80), spec(1, gue(TunnelChecksum::Remote))),
        ("new-dest-gre", web(), real("10.0.0.6", 80), spec(1, gre)),
        ("new-dest-mixed-family", web(), real("2001:db8::9", 80), spec(2, IPIP)),
        ("new-dest-local", web(), real("127.0.0.1", 80), spec(1, Forwarding::DirectRoute)),
        ("new-dest-fwmark", mark, real("10.0.0.7", 0), spec(1, Forwarding::DirectRoute)),
        ("new-dest-sctp6", sctp, real("2001:db8::a", 5060), spec(1, Forwarding::Masquerade)),
    ]
}

fn recorded_table() -> Table {
    let mut table = Table::default();
    for (_, service, spec) in services() {
        Op::AddService { service, spec }.take_effect(&mut table);
    }
    for (_, service, dest, spec) in dests() {
        Op::AddDest { service, dest, spec }.take_effect(&mut table);
    }
    table
}

#[test]
fn services_are_written_as_ipvsadm_writes_them() {
    let edited = persistent(scheduled("wlc"), 90, Granularity::Mask(u32::MAX), None);
    let mut cases: Vec<_> = services()
        .into_iter()
        .map(|(name, service, spec)| (name, Op::AddService { service, spec }))
        .collect();
    cases.push(("set-service", Op::EditService { service: web(), spec: edited }));
    for (name, op) in cases {
        let (sent, outcome) = apply(name, op);
        assert_eq!(sent[BODY..], capture(name)[0].request[BODY..], "{name}");
        assert_eq!(outcome, Outcome::Done, "{name}");
    }
}

#[test]
fn destinations_mean_what_those_of_ipvsadm_mean() {
    let edited = DestSpec { upper_threshold: 200, ..spec(7, IPIP) };
    let mut cases: Vec<_> = dests()
        .into_iter()
        .map(|(name, service, dest, spec)| (name, Op::AddDest { service, dest, spec }))
        .collect();
    cases.extend([
        ("set-dest", Op::EditDest { service: web(), dest: real("10.0.0.2", 80), spec: edited }),
        ("del-dest", Op::DeleteDest { service: web(), dest: real("10.0.0.1", 8080) }),
        ("del-dest-mixed-family", Op::DeleteDest { service: web(), dest: real("2001:db8::9", 80) }),
        ("del-service", Op::DeleteService { service: web() }),
        (
            "del-service-fwmark6",
            Op::DeleteService { service: ServiceKey::Fwmark { mark: 7, family: Family::V6 } },
        ),
    ]);
    for (name, op) in cases {
        let removal = matches!(op, Op::DeleteDest { .. } | Op::DeleteService { .. });
        let (sent, outcome) = apply(name, op);
        // ipvsadm says more than the kernel looks at: the service's settings with every destination, and the settings of
        // what is to be removed.
        let key = |path: &[u16]| match path {
            [1, attribute] => *attribute <= 5,
            [2, attribute] => !removal || matches!(attribute, 1 | 2 | 11),
            _ => true,
        };
        let mut recorded = meaning(&capture(name)[0].request);
        recorded.retain(|(path, _)| key(path));
        assert_eq!(meaning(&sent), recorded, "{name}");
        assert_eq!(outcome, Outcome::Done, "{name}");
    }
}

#[test]
fn the_kernels_refusals_are_told_apart() {
    let dest = |at, port| (web(), real(at, port), spec(1, Forwarding::Masquerade));
    let add = |(service, dest, spec)| Op::AddDest { service, dest, spec };
    let edit = |(service, dest, spec)| Op::EditDest { service, dest, spec };
    let absent = virtual_server(Protocol::Tcp, "192.0.2.99", 80);
    let rr = scheduled("rr");
    let cases = [
        ("new-service-exists", Op::AddService { service: web(), spec: rr.clone() }, libc::EEXIST),
        ("new-service-unknown-scheduler", Op::AddService { service: absent, spec: rr.clone() }, libc::ENOENT),
        ("new-dest-exists", add(dest("10.0.0.1", 8080)), libc::EEXIST),
        ("new-dest-no-service", add(dest("10.0.0.1", 8080)), libc::ESRCH),
        ("set-service-absent", Op::EditService { service: absent, spec: rr }, libc::ESRCH),
        ("set-dest-absent", edit(dest("10.0.0.99", 80)), libc::ENOENT),
        ("del-dest-absent", Op::DeleteDest { service: web(), dest: real("10.0.0.1", 8080) }, libc::ENOENT),
        ("del-service-absent", Op::DeleteService { service: web() }, libc::ESRCH),
    ];
    for (name, op, errno) in cases {
        assert_eq!(apply(name, op).1, Outcome::Refused(Refusal { errno, text: None }), "{name}");
    }
}

#[test]
fn the_table_is_read_as_it_was_made() {
    let mut kernel = Replay::of("save");
    let mut client = Client::over(Conversation::over(&mut kernel)).unwrap();
    let table = client.dump().unwrap();
    assert_eq!(table, recorded_table());
    assert!(plan(&recorded_table(), &table, &Owned::default()).is_empty());
}

#[test]
fn edits_are_read_as_they_were_made() {
    let mut kernel = Replay::of("save-after-edits");
    let mut expected = recorded_table();
    let edited = persistent(scheduled("wlc"), 90, Granularity::Mask(u32::MAX), None);
    let limited = DestSpec { upper_threshold: 200, ..spec(7, IPIP) };
    Op::EditService { service: web(), spec: edited }.take_effect(&mut expected);
    Op::EditDest { service: web(), dest: real("10.0.0.2", 80), spec: limited }.take_effect(&mut expected);
    assert_eq!(Client::over(Conversation::over(&mut kernel)).unwrap().dump().unwrap(), expected);
}

#[test]
fn an_empty_table_is_read() {
    let mut kernel = Replay::of("save-empty");
    assert_eq!(Client::over(Conversation::over(&mut kernel)).unwrap().dump().unwrap(), Table::default());
}

#[test]
fn changes_read_as_ipvsadm_saves_them() {
    let saved = fs::read_to_string(path("save.txt")).unwrap();
    let mut saved: Vec<_> = saved.lines().map(str::to_owned).collect();
    let mut shown: Vec<_> = plan(&recorded_table(), &Table::default(), &Owned::default())
        .iter()
        // It saves neither thresholds nor a third flag of the schedulers that name their flags, though it takes both.
        .map(|op| op.to_string().replace(" -x 100 -y 50", "").replace("mh-port,flag-3", "mh-port"))
        .collect();
    saved.sort();
    shown.sort();
    assert_eq!(shown, saved);
}

#[test]
fn one_service_is_read_or_absent() {
    let (_, key, spec) = services().remove(1);
    let mut kernel = Replay::acknowledged("list-service");
    let mut client = Client::over(Conversation::over(&mut kernel)).unwrap();
    assert_eq!(client.service(&key).unwrap(), Some(spec));

    // The kernel says the same of a missing service whatever is asked of it.
    let mut missing = Replay::of("list-service");
    let refusal = capture("del-service-absent")[0].answers.clone();
    missing.exchanges[1].answers = refusal;
    assert_eq!(Client::over(Conversation::over(&mut missing)).unwrap().service(&key).unwrap(), None);
}

#[test]
fn the_counters_are_those_that_ipvsadm_shows() {
    let mut kernel = Replay::of("list-stats");
    let mut client = Client::over(Conversation::over(&mut kernel)).unwrap();
    let statistics = client.statistics().unwrap();
    let shown = fs::read_to_string(path("list-stats.txt")).unwrap();
    let service = &statistics.services[&web()];
    let dest = &service.dests[&real("127.0.0.1", 8080)];
    for (counters, start) in [(service.counters, "TCP  192.0.2.1:80"), (dest.counters, "  -> 127.0.0.1:8080")]
    {
        let line = shown.lines().find_map(|line| line.strip_prefix(start)).unwrap();
        let figures: Vec<u64> = line.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
        let Counters { connections, packets_in, packets_out, bytes_in, bytes_out, .. } = counters;
        assert_eq!(figures, [connections, packets_in, packets_out, bytes_in, bytes_out]);
    }
    let connections = DestStatistics { counters: Counters::default(), ..*dest };
    let expected = DestStatistics { active: 1, inactive: 1, persistent: 1, counters: Counters::default() };
    assert_eq!(connections, expected);
}

#[test]
fn counters_of_32_bits_do_where_there_are_no_others() {
    const STATS64: u8 = 12;
    const UNKNOWN: u8 = 99;
    let mut wide = Replay::of("list-stats");
    let mut narrow = Replay::of("list-stats");
    let answers = narrow.exchanges.iter_mut().skip(1).flat_map(|exchange| &mut exchange.answers);
    let hidden = answers
        .filter_map(|answer| {
            // The attribute and its length of 160 bytes occur once in each message.
            let at = answer.windows(4).position(|bytes| bytes == [160, 0, STATS64, 0])?;
            answer[at + 2] = UNKNOWN;
            Some(())
        })
        .count();
    assert_eq!(hidden, 2);
    let read = |kernel| Client::over(Conversation::over(kernel)).unwrap().statistics().unwrap();
    assert_eq!(read(&mut narrow), read(&mut wide));
}

#[test]
fn settings_are_written_and_read() {
    let timeouts = Timeouts { tcp: 800, tcp_fin: 110, udp: 250 };
    let mut kernel = Replay::of("set-timeouts");
    Client::over(Conversation::over(&mut kernel)).unwrap().set_timeouts(timeouts).unwrap();
    assert_eq!(kernel.sent[1][BODY..], capture("set-timeouts")[0].request[BODY..]);

    let mut kernel = Replay::acknowledged("get-timeouts");
    assert_eq!(Client::over(Conversation::over(&mut kernel)).unwrap().timeouts().unwrap(), timeouts);

    let mut kernel = Replay::acknowledged("info");
    let info = Client::over(Conversation::over(&mut kernel)).unwrap().info().unwrap();
    assert_eq!(info, Info { version: (1, 2, 1), connection_table_size: 4096 });
}

#[test]
fn counters_are_zeroed_and_tables_flushed() {
    for name in ["zero-all", "zero-service", "flush"] {
        let mut kernel = Replay::of(name);
        let mut client = Client::over(Conversation::over(&mut kernel)).unwrap();
        match name {
            "zero-all" => client.zero(None),
            "zero-service" => client.zero(Some(&web())),
            _ => client.flush(),
        }
        .unwrap();
        let mut recorded = meaning(&capture(name)[0].request);
        recorded.retain(|(path, _)| path[1] <= 5);
        assert_eq!(meaning(&kernel.sent[1]), recorded, "{name}");
        assert_eq!(kernel.sent[1][BODY], capture(name)[0].request[BODY], "{name}");
    }
}

#[test]
fn a_kernel_without_ipvs_is_told_from_other_failures() {
    let mut kernel = Replay::new(capture("no-family"));
    assert!(matches!(Client::over(Conversation::over(&mut kernel)), Err(Error::Missing)));
    let mut silent = Replay::new(Vec::new());
    let result = Client::over(Conversation::over(&mut silent));
    assert!(matches!(result, Err(Error::Netlink(netlink::Error::NoAnswer))));
}

#[test]
fn an_acknowledgement_without_the_answer_is_an_error() {
    let mut kernel = Replay::of("info");
    kernel.exchanges[1].answers = capture("flush")[0].answers.clone();
    let result = Client::over(Conversation::over(&mut kernel)).unwrap().info();
    assert!(matches!(result, Err(Error::Incomplete(_))), "{result:?}");
}

proptest! {
    #[test]
    fn damaged_answers_are_read_or_refused(
        exchange in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut kernel = Replay::of("save");
        let exchange = exchange.index(kernel.exchanges.len());
        for answer in &mut kernel.exchanges[exchange].answers {
            for (at, byte) in &damage {
                let at = at.index(answer.len());
                answer[at] = *byte;
            }
            if let Some(cut) = &cut {
                answer.truncate(cut.index(answer.len()));
            }
        }
        // Whatever the bytes say, there is a result and no panic; the sequence numbers are set where they can be.
        let result = Client::over(Conversation::over(&mut kernel)).and_then(|mut client| client.dump());
        let sensible = matches!(result, Ok(_) | Err(Error::Netlink(_) | Error::Incomplete(_) | Error::Missing));
        prop_assert!(sensible);
    }
}
