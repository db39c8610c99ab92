//! What a `vrrp_instance` becomes: keepalived's defaults and corrections, each confirmed by its dump or its messages.

mod common;

use std::time::Duration;

use common::read;
use config::{Code, Diagnostic, Loaded, Severity};
use vrrp::{Authentication, Family, InitialState, InstanceSpec, Transport, Version};

const BARE: &str = "interface eth0\nvirtual_router_id 3\n";
const ADDRESS: &str = "virtual_ipaddress {\n10.0.0.1\n}\n";

fn with(lines: &str) -> Loaded {
    read(&format!("vrrp_instance A {{\n{BARE}{ADDRESS}{lines}\n}}\n"))
}

/// The instance, and the codes of what is wrong with it.
fn instance(lines: &str) -> (InstanceSpec, Vec<Code>) {
    spec(&with(lines))
}

fn spec(loaded: &Loaded) -> (InstanceSpec, Vec<Code>) {
    let wrong = |it: &&Diagnostic| it.severity != Severity::Note;
    let codes = loaded.diagnostics.iter().filter(wrong).map(|it| it.code).collect();
    let spec =
        loaded.model.vrrp.instances.first().unwrap_or_else(|| panic!("no instance\n{}", loaded.render_all()));
    (spec.clone(), codes)
}

#[test]
fn a_bare_instance_has_keepaliveds_defaults() {
    let (spec, wrong) = instance("");
    assert_eq!(wrong, []);
    assert_eq!((spec.version, spec.family), (Version::V2, Family::V4));
    assert_eq!((spec.initial_state, spec.priority.get()), (InitialState::Unset, 100));
    assert_eq!(spec.advert_interval.get(), 100);
    assert_eq!(spec.down_timer_adverts, 3);
    assert!(!spec.nopreempt && spec.preempt_delay.is_zero());
    assert_eq!(spec.transport, Transport::Multicast { group: "224.0.0.18".parse().unwrap() });
    assert_eq!((spec.source, spec.authentication.clone()), (None, Authentication::None));
    assert_eq!(spec.announce, vrrp::AnnounceSpec::default());
    assert!(spec.track_primary && !spec.skip_check_adv_addr && !spec.lower_prio_no_advert);
    assert!(!spec.higher_prio_send_advert && spec.excluded.is_empty() && spec.track_interfaces.is_empty());
}

#[test]
fn state_and_priority_go_together_as_in_keepalived() {
    for (lines, state, priority) in [
        ("state BACKUP", InitialState::Backup, 100),
        // Without a priority a master is the owner.
        ("state MASTER", InitialState::Master, 255),
        ("state MASTER\npriority 200", InitialState::Master, 200),
        (
            "state MASTER\npriority 200\nauthentication {\nauth_type AH\nauth_pass x\n}",
            InitialState::Backup,
            200,
        ),
        ("priority 255", InitialState::Unset, 255),
        ("state BACKUP\npriority 255", InitialState::Backup, 255),
        ("strict_mode\nstate MASTER\npriority 100", InitialState::Unset, 100),
        ("strict_mode\nstate BACKUP\npriority 255", InitialState::Unset, 255),
        ("state BACKUP\nstate MASTER", InitialState::Master, 255),
    ] {
        let (spec, _) = instance(lines);
        assert_eq!((spec.initial_state, spec.priority.get()), (state, priority), "{lines}");
    }
}

#[test]
fn a_state_that_does_not_exist_is_backup() {
    let (spec, wrong) = instance("state EQUAL");
    assert_eq!((spec.initial_state, wrong), (InitialState::Backup, vec![Code::BadValue]));
    let (spec, wrong) = instance("state MASTER\nstate BACKUP");
    assert_eq!((spec.initial_state, wrong), (InitialState::Master, vec![Code::Conflict]));
}

#[test]
fn the_interval_is_rounded_to_what_an_advert_can_say() {
    for (lines, centiseconds, wrong) in [
        ("advert_int 5", 500, vec![]),
        ("advert_int 0.5", 100, vec![Code::Adjusted]),
        ("advert_int 1.4", 100, vec![Code::Adjusted]),
        ("advert_int 1.5", 200, vec![Code::Adjusted]),
        ("advert_int 255", 25_500, vec![]),
        ("version 3\nadvert_int 0.05", 5, vec![]),
        ("version 3\nadvert_int 1.005", 101, vec![Code::Adjusted]),
        ("version 3\nadvert_int 0.014", 1, vec![Code::Adjusted]),
        ("version 3\nadvert_int 41", 4095, vec![Code::Adjusted]),
        ("advert_int 0", 100, vec![Code::OutOfRange]),
        ("advert_int 1s", 100, vec![Code::BadValue]),
    ] {
        let (spec, found) = instance(lines);
        assert_eq!((spec.advert_interval.get(), found), (centiseconds, wrong), "{lines}");
    }
}

#[test]
fn the_family_settles_the_version() {
    let six = |lines: &str| spec(&read(&format!("vrrp_instance A {{\n{BARE}{lines}\n}}\n")));
    let (spec, wrong) = six("virtual_ipaddress {\nfe80::1\n2001:db8::1/64\n}");
    assert_eq!((spec.version, spec.family, wrong), (Version::V3, Family::V6, vec![]));
    assert_eq!(spec.transport, Transport::Multicast { group: "ff02::12".parse().unwrap() });
    assert_eq!(spec.addresses.iter().map(|it| it.prefix_len).collect::<Vec<_>>(), [128, 64]);
    let (spec, wrong) = six("version 2\nvirtual_ipaddress {\nfe80::1\n}");
    assert_eq!((spec.version, wrong), (Version::V3, vec![]));
    let (spec, wrong) = six("virtual_ipaddress {\nfe80::1\n}\nversion 2");
    assert_eq!((spec.version, wrong), (Version::V3, vec![Code::Conflict]));
    let (spec, wrong) = instance("version 3\nversion 2");
    assert_eq!((spec.version, wrong), (Version::V3, vec![Code::Conflict]));
}

#[test]
fn the_first_address_of_any_kind_settles_the_family() {
    let read_lines = |lines: &str| read(&format!("vrrp_instance A {{\n{BARE}{lines}\n}}\n"));
    let loaded = read_lines("mcast_src_ip 192.0.2.1\nvirtual_ipaddress {\n10.0.0.1\n2001:db8::1\n}");
    let (spec, wrong) = spec(&loaded);
    assert_eq!((spec.addresses.len(), wrong), (1, vec![Code::WrongFamily]));
    let loaded =
        read_lines("virtual_ipaddress {\n10.0.0.1\n}\nvirtual_ipaddress_excluded {\n2001:db8::1/64\n}");
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.model.vrrp.instances[0].excluded[0].address.to_string(), "2001:db8::1");
}

#[test]
fn nopreempt_and_preempt_delay_need_a_backup_that_may_take_over() {
    let (spec, wrong) = instance("state MASTER\npriority 100\nnopreempt");
    assert_eq!((spec.nopreempt, wrong), (false, vec![Code::Conflict]));
    let (spec, wrong) = instance("nopreempt\npriority 255");
    assert_eq!((spec.nopreempt, wrong), (false, vec![Code::Conflict]));
    let (spec, wrong) = instance("nopreempt\npreempt_delay 5");
    assert_eq!((spec.nopreempt, spec.preempt_delay, wrong), (true, Duration::ZERO, vec![Code::Conflict]));
    let (spec, wrong) = instance("preempt_delay 1.5");
    assert_eq!((spec.preempt_delay, wrong), (Duration::from_millis(1500), vec![]));
    let (spec, wrong) = instance("strict_mode\npreempt_delay 5");
    assert_eq!((spec.preempt_delay, wrong), (Duration::ZERO, vec![Code::Conflict]));
    assert!(!instance("nopreempt\npreempt").0.nopreempt, "the later line counts");
}

#[test]
fn a_password_has_eight_bytes_and_version_3_none() {
    let auth = |lines: &str, more: &str| instance(&format!("authentication {{\n{lines}\n}}\n{more}"));
    let (spec, wrong) = auth("auth_type PASS\nauth_pass \"a b!#\"", "");
    assert_eq!((spec.authentication, wrong), (Authentication::Password(*b"a b!#\0\0\0"), vec![]));
    let (spec, wrong) = auth("auth_type PASS\nauth_pass 123456789", "");
    assert_eq!((spec.authentication, wrong), (Authentication::Password(*b"12345678"), vec![Code::Adjusted]));
    for (lines, more) in [
        ("auth_type PASS", ""),
        ("auth_type PASS\nauth_pass x", "version 3"),
        ("auth_type PASS\nauth_pass x", "strict_mode"),
    ] {
        let (spec, wrong) = auth(lines, more);
        assert_eq!(
            (spec.authentication, wrong),
            (Authentication::None, vec![Code::Conflict]),
            "{lines} {more}"
        );
    }
    let (spec, wrong) = auth("auth_pass x", "");
    assert_eq!((spec.authentication, wrong), (Authentication::None, vec![]), "a password alone does nothing");
}

#[test]
fn a_password_in_an_old_encoding_keeps_its_bytes() {
    let mut text =
        format!("vrrp_instance A {{\n{BARE}{ADDRESS}authentication {{\nauth_type PASS\nauth_pass p")
            .into_bytes();
    text.extend(b"\xe9\xc4\n}\n}\n");
    let files = config::MemoryFiles::one("f", text);
    let loaded = config::load("f", &files, &common::host(), &common::options());
    assert_eq!(
        loaded.model.vrrp.instances[0].authentication,
        Authentication::Password(*b"p\xe9\xc4\0\0\0\0\0")
    );
}

#[test]
fn the_lines_of_addresses_say_what_ip_address_add_would() {
    let addresses = |lines: &str| {
        let loaded = read(&format!("vrrp_instance A {{\n{BARE}virtual_ipaddress {{\n{lines}\n}}\n}}\n"));
        loaded.model.vrrp.instances[0].addresses.clone()
    };
    let all = addresses(
        "10.0.0.1\n10.0.0.2/24 brd + label eth0:1 dev eth1 scope link\n10.0.0.3/24 brd -\n10.0.0.4/24 brd 10.0.0.9\n\
         10.0.0.5/33\n10.0.0.6/24 peer 10.0.0.7",
    );
    let shown: Vec<_> = all
        .iter()
        .map(|it| {
            let broadcast = it.broadcast.map(|it| it.to_string()).unwrap_or_default();
            let label = it.label.as_deref().unwrap_or_default();
            format!("{}/{} {} {} [{label}] [{broadcast}]", it.address, it.prefix_len, it.interface, it.scope)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "10.0.0.1/32 eth0 0 [] []",
            "10.0.0.2/24 eth1 253 [eth0:1] [10.0.0.255]",
            "10.0.0.3/24 eth0 0 [] [10.0.0.0]",
            "10.0.0.4/24 eth0 0 [] [10.0.0.9]",
            "10.0.0.5/32 eth0 0 [] []",
            "10.0.0.6/32 eth0 0 [] []",
        ]
    );
}

#[test]
fn lines_that_keepalived_drops_are_dropped_and_others_kept() {
    for (line, kept, code) in [
        ("10.0.0.300", false, Code::BadValue),
        ("10.0.0.01", false, Code::BadValue),
        ("10.0.0.1,10.0.0.2", false, Code::BadValue),
        ("dev eth0 10.0.0.1", false, Code::BadValue),
        ("10.0.0.1 10.0.0.2", true, Code::UnknownOption),
        ("10.0.0.1 foo dev eth1", true, Code::UnknownOption),
        ("10.0.0.1 dev", false, Code::MissingParameter),
        ("10.0.0.1 dev eth0 dev eth1", false, Code::Duplicate),
        ("10.0.0.1 label sixteen--letters", false, Code::BadValue),
        ("10.0.0.1 scope here", true, Code::BadValue),
        ("10.0.0.1/31 brd +", true, Code::Conflict),
        ("10.0.0.1 brd x", false, Code::BadValue),
        ("10.0.0.1 peer fe80::1", true, Code::BadValue),
        ("10.0.0.1 preferred_lft x", true, Code::BadValue),
    ] {
        let loaded =
            read(&format!("vrrp_instance A {{\n{BARE}virtual_ipaddress {{\n10.0.0.9\n{line}\n}}\n}}\n"));
        assert_eq!(loaded.model.vrrp.instances[0].addresses.len(), 1 + usize::from(kept), "{line}");
        let codes: Vec<_> = loaded.diagnostics.iter().map(|it| it.code).collect();
        assert_eq!(codes, [code], "{line}\n{}", loaded.render_all());
    }
}

#[test]
fn an_address_is_held_once() {
    let loaded = read(&format!(
        "vrrp_instance A {{\n{BARE}virtual_ipaddress {{\n10.0.0.1\n10.0.0.1\n}}\n\
         virtual_ipaddress_excluded {{\n10.0.0.1\n10.0.0.2\n}}\n}}\n"
    ));
    let spec = &loaded.model.vrrp.instances[0];
    assert_eq!(
        spec.held_addresses().map(|it| it.address.to_string()).collect::<Vec<_>>(),
        ["10.0.0.1", "10.0.0.2"]
    );
    assert_eq!(
        loaded.diagnostics.iter().map(|it| it.code).collect::<Vec<_>>(),
        [Code::Duplicate, Code::Duplicate]
    );
    assert_eq!(loaded.test_status(), 0, "2.2.7 says nothing");
}

#[test]
fn addresses_beyond_what_an_advert_holds_are_held_without_being_advertised() {
    let lines: Vec<_> = (0..260).map(|n| format!("10.0.{}.{}\n", n / 200, n % 200)).collect();
    let lines = lines.concat();
    let loaded = read(&format!("vrrp_instance A {{\n{BARE}virtual_ipaddress {{\n{lines}}}\n}}\n"));
    let spec = &loaded.model.vrrp.instances[0];
    assert_eq!((spec.addresses.len(), spec.excluded.len()), (255, 5));
    assert_eq!(spec.excluded[0].address.to_string(), "10.0.1.55");
    assert_eq!(loaded.test_status(), 5);
}

#[test]
fn unicast_needs_peers() {
    let (spec, wrong) =
        instance("unicast_src_ip 192.0.2.1/24\nunicast_peer {\n192.0.2.2\n192.0.2.3\n}\nunicast_ttl 9");
    let Transport::Unicast { peers, ttl, .. } = &spec.transport else { panic!("{:?}", spec.transport) };
    assert_eq!(peers.iter().map(|it| it.address.to_string()).collect::<Vec<_>>(), ["192.0.2.2", "192.0.2.3"]);
    assert_eq!((*ttl, spec.source.unwrap().to_string(), wrong), (9, "192.0.2.1".to_owned(), vec![]));
    for lines in ["unicast_src_ip 192.0.2.1", "unicast_peer {\n}"] {
        let (spec, wrong) = instance(lines);
        assert_eq!((spec.transport.is_unicast(), wrong), (false, vec![Code::MissingSetting]), "{lines}");
    }
    let (spec, wrong) = instance("mcast_dst_ip 224.0.0.20");
    assert_eq!(
        (spec.transport, wrong),
        (Transport::Multicast { group: "224.0.0.20".parse().unwrap() }, vec![])
    );
    let (_, wrong) = instance("mcast_dst_ip 224.0.0.20\nunicast_peer {\n192.0.2.2\n}");
    assert_eq!(wrong, [Code::Conflict]);
}

#[test]
fn announcements_take_over_from_global_defs() {
    let announce = |globals: &str, lines: &str| {
        let loaded =
            read(&format!("vrrp_instance A {{\n{BARE}{ADDRESS}{lines}\n}}\nglobal_defs {{\n{globals}\n}}\n"));
        loaded.model.vrrp.instances[0].announce.clone()
    };
    let set = announce("vrrp_garp_master_delay 9\nvrrp_garp_master_repeat 2\nvrrp_garp_interval 0.25", "");
    assert_eq!((set.delay, set.repeat), (Duration::from_secs(9), 2));
    assert_eq!((set.lower_priority_delay, set.lower_priority_repeat), (Duration::from_secs(9), 2));
    assert_eq!(set.spacing, Duration::from_millis(250));
    // What an instance says of its own does not reach what it does after adverts of lower priority.
    let set = announce(
        "",
        "garp_master_delay 9\ngarp_master_repeat 2\ngarp_master_refresh 60\ngarp_master_refresh_repeat 2",
    );
    assert_eq!(
        (set.delay, set.repeat, set.refresh, set.refresh_repeat),
        (Duration::from_secs(9), 2, Duration::from_secs(60), 2)
    );
    assert_eq!((set.lower_priority_delay, set.lower_priority_repeat), (Duration::from_secs(5), 5));
    let set = announce("vrrp_min_garp", "");
    assert_eq!(
        (set.delay, set.repeat, set.lower_priority_delay, set.lower_priority_repeat),
        (Duration::ZERO, 1, Duration::ZERO, 1)
    );
    let set = announce("vrrp_strict", "");
    assert_eq!((set.repeat, set.lower_priority_delay, set.lower_priority_repeat), (5, Duration::ZERO, 0));
}

#[test]
fn strict_mode_overrides_what_is_not_in_the_rfc() {
    let (spec, wrong) =
        instance("strict_mode\nhigher_prio_send_advert\nlower_prio_no_advert off\ndown_timer_adverts 5");
    assert!(spec.lower_prio_no_advert && !spec.higher_prio_send_advert);
    assert_eq!((spec.down_timer_adverts, wrong), (3, vec![Code::Conflict; 3]));
    let (_, wrong) = instance("strict_mode\naccept");
    assert_eq!(wrong, [Code::Conflict], "version 2");
    let (_, wrong) = instance("strict_mode\nversion 3\naccept");
    assert_eq!(wrong, []);
}

#[test]
fn tracked_interfaces_have_limited_weights_and_are_not_the_instances_own() {
    let (spec, wrong) = instance("track_interface {\neth1 weight -20 reverse\nlo weight 254\neth0\neth1\n}");
    let shown: Vec<_> =
        spec.track_interfaces.iter().map(|it| (it.interface.as_str(), it.weight, it.reverse)).collect();
    assert_eq!(shown, [("eth1", -20, true), ("lo", 253, false)]);
    assert_eq!(wrong, [Code::Adjusted, Code::Conflict, Code::Duplicate]);
}

#[test]
fn what_an_instance_cannot_do_without_keeps_the_daemon_from_starting() {
    let body = |lines: &str| format!("vrrp_instance A {{\n{lines}\n}}\n");
    for (text, code) in [
        (body("virtual_router_id 3\nvirtual_ipaddress {\n10.0.0.1\n}"), Code::MissingSetting),
        (body("interface eth0\nvirtual_ipaddress {\n10.0.0.1\n}"), Code::MissingSetting),
        (body("interface eth0\nvirtual_router_id 0\nvirtual_ipaddress {\n10.0.0.1\n}"), Code::MissingSetting),
        (body("interface lo\nvirtual_router_id 3\nvirtual_ipaddress {\n10.0.0.1\n}"), Code::MissingSetting),
        (
            body("interface eth7\nvirtual_router_id 3\nvirtual_ipaddress {\n10.0.0.1\n}"),
            Code::UnknownInterface,
        ),
        (body(&format!("{BARE}virtual_ipaddress {{\n10.0.0.1 dev eth7\n}}")), Code::UnknownInterface),
        (body(&format!("{BARE}{ADDRESS}track_interface {{\neth7\n}}")), Code::UnknownInterface),
        (body(&format!("{BARE}version 3")), Code::MissingSetting),
        (body(&format!("{BARE}strict_mode")), Code::MissingSetting),
    ] {
        let loaded = read(&text);
        assert_eq!((loaded.test_status(), loaded.start()), (5, Err(2)), "{text}");
        assert!(
            loaded.diagnostics.iter().any(|it| it.code == code && it.severity == Severity::Error),
            "{text}"
        );
    }
    let loaded = read(&body(BARE));
    assert_eq!((loaded.test_status(), loaded.start()), (5, Ok(())), "version 2 runs without an address");
    let dynamic = format!(
        "global_defs {{\ndynamic_interfaces\n}}\n{}",
        body(&format!("{BARE}{ADDRESS}").replace("eth0", "eth7"))
    );
    assert_eq!((read(&dynamic).test_status(), read(&dynamic).start()), (0, Ok(())));
}

#[test]
fn one_virtual_router_stands_in_a_network_once() {
    let instance = |name: &str, lines: &str| format!("vrrp_instance {name} {{\n{BARE}{ADDRESS}{lines}\n}}\n");
    let loaded = read(&(instance("A", "") + &instance("B", "")));
    let clash = loaded.diagnostics.iter().find(|it| it.severity == Severity::Error).unwrap();
    assert_eq!((clash.code, loaded.sources.location(clash.span).line), (Code::Duplicate, 9));
    assert_eq!(loaded.sources.location(clash.related[0].0).line, 1);
    assert_eq!(loaded.start(), Err(2));
    for other in ["mcast_dst_ip 224.0.0.19", "unicast_peer {\n192.0.2.2\n}"] {
        assert_eq!(read(&(instance("A", "") + &instance("B", other))).start(), Ok(()), "{other}");
    }
    let loaded = read(&(instance("A", "") + &instance("A", "").replace("id 3", "id 4")));
    assert_eq!((loaded.test_status(), loaded.start(), loaded.model.vrrp.instances.len()), (5, Ok(()), 1));
}

#[test]
fn a_name_is_one_word() {
    for header in ["vrrp_instance", "vrrp_instance A B"] {
        let loaded = read(&format!("{header} {{\n{BARE}{ADDRESS}}}\n"));
        assert_eq!(
            (loaded.test_status(), loaded.start(), loaded.model.vrrp.instances.len()),
            (5, Ok(()), 0),
            "{header}"
        );
    }
}

#[test]
fn an_instance_without_addresses_is_reported_unless_it_says_that_it_has_none() {
    let with = |lines: &str| spec(&read(&format!("vrrp_instance A {{\n{BARE}{lines}}}\n"))).1;
    assert_eq!(with(""), [Code::MissingSetting]);
    assert_eq!(with("no_virtual_ipaddress\n"), []);
}

#[test]
fn a_vrf_is_for_instances_without_interface_and_those_do_not_start() {
    let (_, wrong) = instance("vrf eth1");
    assert_eq!(wrong, [Code::Conflict]);
    // After `interface` nobody looks whether there is one.
    let (_, wrong) = instance("vrf eth7");
    assert_eq!(wrong, [Code::Conflict]);
    let lines = format!("virtual_router_id 3\nvrf eth1\n{ADDRESS}");
    let loaded = read(&format!("vrrp_instance A {{\n{lines}}}\n"));
    assert_eq!((loaded.test_status(), loaded.start()), (5, Err(2)));
}

#[test]
fn unicast_from_an_interface_of_its_own_is_reported_as_in_keepalived() {
    for (lines, status) in [("use_vmac", 5), ("use_vmac\nvmac_xmit_base", 0), ("use_ipvlan 192.0.2.77", 5)] {
        let text = format!(
            "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 3\n{lines}\nunicast_peer {{\n192.0.2.9\n}}\n\
             virtual_ipaddress {{\n10.0.0.1\n}}\n}}\n"
        );
        let loaded = read(&text);
        assert_eq!(loaded.test_status(), status, "{lines}\n{}", loaded.render_all());
    }
}
