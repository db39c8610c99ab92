use std::time::Duration;

use config::model::{InstanceEvents, NotifySpec, ScriptSpec};
use vrrp::{
    Authentication, Counters, Family, IfIndex, Priority, Protocol, StateName, SyncGroupSpec, Track,
    TrackerId, TrackerKind, TrackerState, Transport, Version, VirtualAddress, VirtualRouterId,
};

use super::*;

fn command(words: &[&str]) -> Command {
    Command { argv: words.iter().map(ToString::to_string).collect(), identity: None }
}

fn seconds(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

/// A master of IPv4 with everything, and a backup of IPv6.
fn router() -> RouterSpec {
    let vrid = |vrid| VirtualRouterId::new(vrid).unwrap();
    let mut master = InstanceSpec::new("VI_1", "eth0", vrid(51), Family::V4);
    let address = |text: &str, length| VirtualAddress::new(text.parse().unwrap(), length, "eth0");
    let mut labelled = address("10.0.0.101", 32);
    labelled.label = Some("eth0:1".to_owned());
    master.addresses = vec![address("10.0.0.100", 24), labelled];
    master.excluded = vec![address("2001:db8::5", 64)];
    master.authentication = Authentication::Password(*b"secret\0\0");
    master.transport = Transport::Unicast {
        peers: vec![vrrp::Peer::new("10.0.0.9".parse().unwrap())],
        ttl: 255,
        check_source: false,
    };
    let tracker = TrackerId::new(TrackerKind::Script, "chk");
    master.tracks = vec![Track { tracker, weight: 5, reverse: false }];
    let mut backup = InstanceSpec::new("VI_6", "eth1", vrid(52), Family::V6);
    backup.version = Version::V3;
    backup.advert_interval = vrrp::Centiseconds::new(50);
    let mut router = RouterSpec::from(vec![master, backup]);
    router.sync_groups = vec![SyncGroupSpec::new("G", vec!["VI_1".to_owned()])];
    router
}

fn model() -> Model {
    let mut model = Model::default();
    model.globals.router_id = Some("director".to_owned());
    let notify = NotifySpec { master: Some(command(&["/bin/m", "two words"])), ..NotifySpec::default() };
    model.vrrp_events.insert("VI_1".to_owned(), InstanceEvents { notify, ..InstanceEvents::default() });
    model.scripts = vec![ScriptSpec {
        name: "chk".to_owned(),
        command: command(&["/bin/true"]),
        interval: Duration::from_secs(2),
        timeout: Some(Duration::from_secs(1)),
        weight: 5,
        reverse: false,
        rise: 1,
        fall: 2,
        init_fail: false,
    }];
    model
}

fn statuses() -> Vec<InstanceStatus> {
    let status = |name: &str, state| InstanceStatus {
        name: name.to_owned(),
        state,
        since: Some(seconds(10)),
        priority: Priority::DEFAULT,
        source: Some("10.0.0.2".parse().unwrap()),
        interface: Some(3),
        faults: 0,
        pending: false,
        due: Some(seconds(20)),
        down_interval: Duration::from_micros(3_609_375),
        master: None,
        master_interval: vrrp::Centiseconds::from_secs(1),
        held: vec![true; 3],
        counters: Counters { advert_sent: 4, became_master: 1, ..Counters::default() },
    };
    let master = status("VI_1", StateName::Master);
    let mut backup = status("VI_6", StateName::Backup);
    backup.master = Some(("fe80::1".parse().unwrap(), 200));
    backup.source = None;
    backup.held = Vec::new();
    vec![master, backup]
}

fn links() -> Vec<LinkFacts> {
    let up = libc::IFF_UP | libc::IFF_RUNNING | libc::IFF_BROADCAST | libc::IFF_MULTICAST;
    vec![LinkFacts {
        index: 3,
        name: "eth0".to_owned(),
        flags: up.cast_unsigned(),
        hardware: libc::ARPHRD_ETHER,
        mtu: 1500,
        mac: vec![2, 0, 0, 0, 0, 1],
        broadcast: vec![255; 6],
        addresses: ["10.0.0.2", "10.0.0.3", "fd00::1", "fe80::1"].map(|text| text.parse().unwrap()).into(),
        ..LinkFacts::default()
    }]
}

fn sockets() -> Vec<SocketView> {
    let interface = IfIndex::new(3).unwrap();
    let (family, protocol) = (Family::V4, Protocol::Vrrp);
    vec![SocketView { interface, family, protocol, receives: 12, sends: 9 }]
}

fn with_view<T>(model: &Model, look: impl FnOnce(&VrrpView<'_>) -> T) -> T {
    let (statuses, links, sockets) = (statuses(), links(), sockets());
    let script = TrackerId::new(TrackerKind::Script, "chk");
    let watched = Watched {
        states: BTreeMap::from([(script, TrackerState::Up)]),
        ran: ["chk".to_owned()].into(),
        ..Watched::default()
    };
    let calendar = Calendar { now: seconds(15), unix_micros: 1_700_000_000_000_000 };
    let users = |_: Option<&Identity>| Some((0, 0));
    let facts = VrrpFacts {
        statuses: &statuses,
        sockets: &sockets,
        links: &links,
        found: &BTreeMap::new(),
        watched: &watched,
    };
    look(&VrrpView::new((&router(), model), facts, calendar, &users))
}

#[test]
fn data_has_keepalived_s_labels_in_its_order() {
    let text = with_view(&model(), vrrp);
    // Dates depend on the time zone of whoever runs this, and forwarding on its host; the seconds before dates do not.
    let text = text.replace("   Not IPv6 forwarding", "   IPv6 forwarding");
    let text: Vec<_> = text.lines().map(|line| line.split(" (Tue ").next().unwrap_or_default()).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn statistics_are_keepalived_s_lines() {
    insta::assert_snapshot!(with_view(&model(), stats));
}

#[test]
fn json_has_keepalived_s_keys_in_its_order() {
    insta::assert_snapshot!(with_view(&model(), json).unwrap());
}

#[test]
fn json_of_version_2_is_an_object() {
    let mut model = model();
    model.globals.files.json_version = 2;
    let text = with_view(&model, json).unwrap();
    assert!(text.starts_with("{\"vrrp\":[{\"data\":{\"iname\":\"VI_1\""), "{text}");
}

#[test]
fn without_an_instance_there_is_no_json() {
    let model = model();
    let calendar = Calendar { now: seconds(15), unix_micros: 0 };
    let (found, watched) = (BTreeMap::new(), Watched::default());
    let facts = VrrpFacts { statuses: &[], sockets: &[], links: &[], found: &found, watched: &watched };
    let view = VrrpView::new((&RouterSpec::default(), &model), facts, calendar, &|_| Some((0, 0)));
    assert_eq!(json(&view), None);
}

#[test]
fn a_password_is_never_shown() {
    let model = model();
    let all = with_view(&model, vrrp) + &with_view(&model, json).unwrap();
    assert!(!all.contains("secret") && all.contains("********"), "{all}");
}
