//! What keepalived 2.2.7 reports of routes, rules, trackers and VMACs, measured one file at a time: the same status, the
//! place of what is wrong, and whether the line is used all the same.

mod common;

use common::read;
use config::{Code, Loaded, Severity};

const INSTANCE: &str =
    "vrrp_instance A {\ninterface eth0\nvirtual_router_id 3\nvirtual_ipaddress {\n10.0.0.1\n}\n";

fn instance(lines: &str) -> String {
    format!("{INSTANCE}{lines}\n}}\n")
}

/// What is wrong, in the order of the file, with the text that it is about.
fn said(loaded: &Loaded) -> Vec<(Code, &str)> {
    let wrong = loaded.diagnostics.iter().filter(|it| it.severity != Severity::Note);
    wrong.map(|it| (it.code, loaded.sources.text(it.span))).collect()
}

/// A route, what is wrong with it, and whether it is used.
const ROUTES: &[(&str, Code, &str, bool)] = &[
    ("10.9.0.0/16 dev eth0 protocol foo no_track", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 protocol 256 no_track", Code::BadValue, "256", false),
    ("10.9.0.0/16 dev eth0 scope foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 scope -1", Code::BadValue, "-1", false),
    ("10.9.0.0/16 dev eth0 tos foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 tos 300", Code::BadValue, "300", false),
    ("10.9.0.0/16 dev eth0 realms foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 realms foo/3", Code::BadValue, "foo/3", false),
    ("10.9.0.0/16 dev eth0 metric -1", Code::BadValue, "-1", false),
    ("10.9.0.0/16 dev eth0 metric 5000000000", Code::BadValue, "5000000000", false),
    ("10.9.0.0/16 dev eth0 table foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 pref low", Code::WrongFamily, "pref", false),
    ("2001:db8::/64 dev eth0 pref foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 expires 10", Code::WrongFamily, "expires", false),
    ("2001:db8::/64 dev eth0 expires foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 features foo", Code::UnknownOption, "foo", true),
    ("10.9.0.0/16 dev eth0 quickack 2", Code::BadValue, "2", false),
    ("10.9.0.0/16 dev eth0 ttl-propagate foo", Code::BadValue, "foo", true),
    ("10.9.0.0/16 dev eth0 mtu foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 mtu -1", Code::BadValue, "-1", false),
    ("10.9.0.0/16 dev eth0 rttvar foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 window lock 5", Code::BadValue, "lock", false),
    ("10.9.0.0/16 dev eth0 hoplimit 300", Code::BadValue, "300", false),
    ("10.9.0.0/16 dev eth0 nosuch", Code::UnknownOption, "nosuch", false),
    ("10.9.0.0/16 dev eth0 weight 5", Code::UnknownOption, "weight", false),
    ("10.9.0.0/16 dev eth0 via foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 src foo", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 src 2001:db8::1", Code::WrongFamily, "2001:db8::1", false),
    ("10.9.0.0/16 via fe80::1 dev eth0", Code::WrongFamily, "fe80::1", false),
    ("10.9.0.0/16 from 10.0.0.0/8 dev eth0", Code::WrongFamily, "10.0.0.0/8", false),
    ("10.9.0.0/16 encap foo dev eth0", Code::BadValue, "foo", false),
    ("10.9.0.0/16 dev eth0 encap ip id 5 dst 10.0.0.9 ttl 300", Code::BadValue, "300", false),
    ("10.9.0.0/16 encap ip dst nowhere dev eth0", Code::BadValue, "nowhere", false),
    ("10.9.0.0/16 encap ip6 dst 10.0.0.1 dev eth0", Code::BadValue, "10.0.0.1", false),
    ("10.9.0.0/16 encap mpls foo dev eth0", Code::BadValue, "foo", false),
    ("10.9.0.0/16 encap ila foo dev eth0", Code::BadValue, "foo", false),
    (
        "10.9.0.0/16 via 10.0.0.1 or 10.0.0.2 dev eth0",
        Code::Deprecated,
        "10.9.0.0/16 via 10.0.0.1 or 10.0.0.2 dev eth0",
        true,
    ),
    // What is left of a route leads somewhere, or the line is ignored.
    (
        "10.9.0.0/16 no_track nexthop via 10.0.0.1 nexthop via 10.0.0.2 dev eth0 weight 300",
        Code::BadValue,
        "300",
        true,
    ),
    ("10.9.0.0/16 no_track nexthop via 10.0.0.1 dev eth0 weight 0", Code::BadValue, "0", false),
    ("10.9.0.0/16 no_track nexthop via 2001:db8::1 dev eth0", Code::WrongFamily, "2001:db8::1", false),
    ("10.9.0.0/16 no_track nexthop via 10.0.0.1 dev eth0 mtu 5", Code::UnknownOption, "mtu", false),
    ("10.9.0.0/16 no_track nexthop via 10.0.0.1 dev eth0 foo", Code::UnknownOption, "foo", false),
    ("10.9.0.0/40 dev eth0", Code::OutOfRange, "10.9.0.0/40", true),
    ("dev eth0", Code::MissingSetting, "dev eth0", false),
];

/// A rule, what is wrong with it, and whether it is used.
const RULES: &[(&str, Code, &str, bool)] = &[
    ("from 10.9.0.0/16 table 5", Code::MissingSetting, "from 10.9.0.0/16 table 5", true),
    ("from 10.9.0.0/16 preference 9", Code::MissingSetting, "from 10.9.0.0/16 preference 9", false),
    ("from 10.9.0.0/16 type foo preference 9", Code::BadValue, "foo", false),
    ("from 10.9.0.0/16 type unicast table 9 preference 9", Code::BadValue, "unicast", false),
    ("from 10.9.0.0/16 fwmark foo table 5 preference 9", Code::BadValue, "foo", false),
    ("from 10.9.0.0/16 fwmark 5/foo table 5 preference 9", Code::BadValue, "5/foo", false),
    ("from 10.9.0.0/16 realms foo table 5 preference 9", Code::BadValue, "foo", false),
    ("from 10.9.0.0/16 suppress_prefixlength -1 table 5 preference 9", Code::BadValue, "-1", false),
    ("from 10.9.0.0/16 suppress_ifgroup foo table 5 preference 9", Code::BadValue, "foo", false),
    ("from 10.9.0.0/16 tunnel-id foo table 5 preference 9", Code::BadValue, "foo", false),
    ("from 10.9.0.0/16 protocol foo table 5 preference 9", Code::BadValue, "foo", true),
    (
        "from 10.9.0.0/16 protocol 5 table 5 preference 9",
        Code::Conflict,
        "from 10.9.0.0/16 protocol 5 table 5 preference 9",
        true,
    ),
    ("from 10.9.0.0/16 ipproto foo table 5 preference 9", Code::BadValue, "foo", true),
    ("from 10.9.0.0/16 ipproto 300 table 5 preference 9", Code::BadValue, "300", true),
    ("from 10.9.0.0/16 dsfield foo table 5 preference 9", Code::BadValue, "foo", false),
    ("from 10.9.0.0/16 to 2001:db8::/32 table 5 preference 9", Code::WrongFamily, "2001:db8::/32", false),
    ("from 10.9.0.0/16 goto foo preference 9", Code::BadValue, "foo", false),
    ("from 10.9.0.0/16 goto 3 preference 9", Code::Conflict, "goto", false),
    ("from 10.9.0.0/16 table 5 preference foo", Code::BadValue, "foo", false),
    ("from 10.9.0.0/16 nat 10.0.0.1 table 5 preference 9", Code::UnknownOption, "nat", false),
    ("blackhole table 5 preference 9", Code::Conflict, "table", false),
    ("table 5 blackhole preference 9", Code::Conflict, "blackhole", false),
    ("sport 80 table 5 preference 9", Code::BadValue, "80", true),
    ("from 10.9.0.0/33 table 5 preference 9", Code::OutOfRange, "10.9.0.0/33", true),
];

#[test]
fn what_cannot_be_used_of_a_route_is_said_at_its_word() {
    for (line, code, at, used) in ROUTES {
        let loaded = read(&instance(&format!("virtual_routes {{\n{line}\n}}")));
        assert_eq!(said(&loaded), [(*code, *at)], "{line}\n{}", loaded.render_all());
        assert_eq!((loaded.test_status(), loaded.start()), (5, Ok(())), "{line}");
        assert_eq!(loaded.model.vrrp.instances[0].routes.len(), usize::from(*used), "{line}");
    }
}

#[test]
fn what_cannot_be_used_of_a_rule_is_said_at_its_word() {
    for (line, code, at, used) in RULES {
        let loaded = read(&instance(&format!("virtual_rules {{\n{line}\n}}")));
        assert_eq!(said(&loaded), [(*code, *at)], "{line}\n{}", loaded.render_all());
        assert_eq!((loaded.test_status(), loaded.start()), (5, Ok(())), "{line}");
        assert_eq!(loaded.model.vrrp.instances[0].rules.len(), usize::from(*used), "{line}");
    }
}

#[test]
fn an_option_of_a_route_without_its_value_ends_the_daemon() {
    for line in
        ["10.9.0.0/16 dev", "10.9.0.0/16 dev eth0 fastopen_no_cookie", "10.9.0.0/16 dev eth0 mtu lock"]
    {
        let loaded = read(&instance(&format!("virtual_routes {{\n{line}\n}}")));
        assert_eq!((loaded.test_status(), loaded.start()), (2, Err(2)), "{line}");
        assert_eq!(said(&loaded)[0].0, Code::MissingParameter, "{line}");
    }
}

/// Numbers that keepalived takes, and makes other numbers of.
#[test]
fn a_number_that_keepalived_would_bend_drops_the_line_without_a_status() {
    for line in [
        "uidrange 50-10 table 5 preference 9",
        "sport 10-5 table 5 preference 9",
        "sport 5-100000 table 5 preference 9",
        "table -1 preference 9",
    ] {
        let loaded = read(&instance(&format!("virtual_rules {{\n{line}\n}}")));
        assert_eq!(said(&loaded).iter().map(|it| it.0).collect::<Vec<_>>(), [Code::OutOfRange], "{line}");
        assert_eq!((loaded.test_status(), loaded.model.vrrp.instances[0].rules.len()), (0, 0), "{line}");
    }
}

#[test]
fn names_of_tables_and_their_like_are_those_of_the_host() {
    use config::{MemoryFiles, RoutingNames, load};
    let host = common::host()
        .with_routing_number(RoutingNames::Tables, "blue", 100)
        .with_routing_number(RoutingNames::DsFields, "AF11", 40)
        .with_routing_number(RoutingNames::Realms, "inner", 7)
        .with_routing_number(RoutingNames::Protocols, "mine", 200)
        .with_routing_number(RoutingNames::Groups, "servers", 9);
    let text = instance(
        "virtual_routes {\n10.9.0.0/16 dev eth0 table blue tos AF11 realms inner protocol mine no_track\n}\n\
         virtual_rules {\ntable blue suppress_ifgroup servers preference 9\n}\nuse_vmac v group servers",
    );
    let loaded = load("f", &MemoryFiles::one("f", text), &host, &common::options());
    assert_eq!(said(&loaded), []);
    let spec = &loaded.model.vrrp.instances[0];
    let route = &spec.routes[0];
    assert_eq!((route.table, route.tos, route.protocol), (100, 40, 200));
    assert_eq!(route.realms, Some(vrrp::Realms { from: 0, to: 7 }));
    assert_eq!(spec.rules[0].action, vrrp::RuleAction::Table(100));
    assert_eq!(spec.rules[0].suppress_interface_group, Some(9));
    assert_eq!(spec.vmac.as_ref().map(|vmac| vmac.group), Some(9));
}

#[test]
fn what_else_keepalived_reports_is_reported() {
    let global = |lines: &str| format!("global_defs {{\n{lines}\n}}\n") + &instance("");
    let process = |lines: &str| format!("vrrp_track_process p {{\n{lines}\n}}\n") + &instance("");
    let file = |lines: &str| format!("track_file f {{\nfile /run/f\n{lines}\n}}\n") + &instance("");
    let session = |name: &str| format!("bfd_instance {name} {{\nneighbor_ip 192.0.2.9\n}}\n");
    let group = "track_group T {\ngroup {\nA\n}\n}\n";
    let long = "b".repeat(32);
    let cases = [
        (global("notify_fifo /a\nnotify_fifo /b"), Code::Duplicate, "notify_fifo /b"),
        (global("snmp_socket a\nsnmp_socket b"), Code::Duplicate, "snmp_socket b"),
        (global("vmac_prefix a\nvmac_prefix b"), Code::Duplicate, "vmac_prefix b"),
        (global("nftables a\nnftables b"), Code::Duplicate, "nftables b"),
        ("instance a\ninstance b\n".to_owned() + &instance(""), Code::Duplicate, "instance b"),
        (process("process x\nprocess y"), Code::Duplicate, "process y"),
        (process("process x\nweight 5\nweight 6"), Code::Duplicate, "weight 6"),
        (file("weight 5\nweight 6"), Code::Duplicate, "weight 6"),
        (file("file /run/g"), Code::Duplicate, "file /run/g"),
        (process("process x\nquorum 3\nquorum_max 2"), Code::Conflict, "2"),
        (file("init_file x"), Code::UnknownOption, "x"),
        (file("init_file 99999999999"), Code::OutOfRange, "99999999999"),
        (session("b") + &session("b") + &instance(""), Code::Duplicate, "b"),
        (session(&long) + &instance(""), Code::BadValue, long.as_str()),
        (group.to_owned() + group + &instance(""), Code::Duplicate, "T"),
        (
            format!("static_ipaddress {{\n10.9.0.1 use_vmac\n}}\n{}", instance("")),
            Code::UnknownOption,
            "use_vmac",
        ),
        (instance("use_vmac 00:00:5e:00:01:07"), Code::Conflict, "00:00:5e:00:01:07"),
        (instance("use_vmac 02:00:00:00:zz:01"), Code::BadValue, "02:00:00:00:zz:01"),
        (instance("use_vmac a b"), Code::BadValue, "b"),
        (instance("use_ipvlan"), Code::Conflict, "use_ipvlan"),
        (
            session("b").replace("192.0.2.9", "192.0.2.9\nchecker") + &instance("track_bfd {\nb\n}"),
            Code::Undefined,
            "b",
        ),
    ];
    for (text, code, at) in cases {
        let loaded = read(&text);
        assert_eq!(said(&loaded), [(code, at)], "{text}\n{}", loaded.render_all());
        assert_eq!((loaded.test_status(), loaded.start()), (5, Ok(())), "{text}");
    }
}

#[test]
fn keys_of_auth_hmac_have_32_to_64_bytes_each_a_number_and_are_nobody_elses() {
    use config::{MemoryFiles, load};
    let good = "0123456789abcdef0123456789abcdef";
    let host = common::host().with_key_file("/k", format!("{good}\n").as_bytes(), false).with_key_file(
        "/open",
        good.as_bytes(),
        true,
    );
    let read = |keys: &str| {
        let text = instance(&format!("auth_hmac {{\n{keys}\nactive_key 1\n}}"));
        load("f", &MemoryFiles::one("f", text), &host, &common::options())
    };
    for (keys, codes, usable) in [
        (format!("key 1 {good}"), vec![], true),
        ("key 1 file:/k".to_owned(), vec![], true),
        ("key 1 file:/open".to_owned(), vec![Code::UnusableFile], true),
        ("key 1 file:/none".to_owned(), vec![Code::BadValue, Code::MissingSetting], false),
        ("key 1 short".to_owned(), vec![Code::BadValue, Code::MissingSetting], false),
        (format!("key 1 {good}{good}x"), vec![Code::BadValue, Code::MissingSetting], false),
        ("key 1 hex:0".to_owned(), vec![Code::BadValue, Code::MissingSetting], false),
        (format!("key 256 {good}"), vec![Code::OutOfRange, Code::MissingSetting], false),
        (format!("key 1 {good}\nkey 1 {good}"), vec![Code::Duplicate], true),
        (format!("key 2 {good}"), vec![Code::MissingSetting], false),
    ] {
        let loaded = read(&keys);
        let found: Vec<_> = said(&loaded).into_iter().map(|it| it.0).collect();
        let codes: std::collections::BTreeSet<_> = codes.into_iter().collect();
        assert_eq!(found.into_iter().collect::<std::collections::BTreeSet<_>>(), codes, "{keys}");
        assert_eq!(loaded.model.vrrp.instances[0].auth_hmac.is_some(), usable, "{keys}");
    }
}

#[test]
fn auth_hmac_goes_before_a_password() {
    let key = "key 1 0123456789abcdef0123456789abcdef\nactive_key 1";
    let text =
        instance(&format!("authentication {{\nauth_type PASS\nauth_pass x\n}}\nauth_hmac {{\n{key}\n}}"));
    let loaded = read(&text);
    assert_eq!(said(&loaded), [(Code::Conflict, "PASS")]);
    assert_eq!(loaded.model.vrrp.instances[0].authentication, vrrp::Authentication::None);
}

#[test]
fn two_vmacs_of_one_number_have_two_names() {
    let one = instance("use_vmac");
    let other =
        one.replace("instance A", "instance B").replace("eth0", "eth1").replace("10.0.0.1", "fe80::1");
    let loaded = read(&(one + &other));
    let names = loaded
        .model
        .vrrp
        .instances
        .iter()
        .filter_map(|spec| spec.vmac.as_ref())
        .map(|vmac| vmac.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["vrrp.3", "vrrp6.3"]);
}

#[test]
fn members_of_a_group_without_weights_follow_interfaces_without_and_processes_with_theirs() {
    let blocks = "track_file f {\nfile /run/f\nweight 5\n}\nvrrp_track_process p {\nprocess x\nweight 7\n}\n\
                  bfd_instance b {\nneighbor_ip 192.0.2.9\nweight 8\n}\n";
    let member = instance(
        "track_file {\nf\n}\ntrack_process {\np\n}\ntrack_bfd {\nb\n}\ntrack_interface {\neth1 weight 9\n}",
    );
    let other =
        member.replace("instance A", "instance B").replace("_id 3", "_id 4").replace("10.0.0.1", "10.0.0.2");
    let group = |lines: &str| {
        read(&format!("{blocks}vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\n{lines}}}\n{member}{other}"))
    };
    let followed = |loaded: &Loaded| {
        let spec = &loaded.model.vrrp.instances[0];
        let tracks = spec.tracks.iter().map(|track| (track.tracker.name.clone(), track.weight));
        (spec.track_interfaces[0].weight, tracks.collect::<Vec<_>>())
    };
    let loaded = group("");
    assert_eq!(said(&loaded), [(Code::Conflict, "A"), (Code::Conflict, "B")]);
    assert_eq!(followed(&loaded), (0, vec![("p".to_owned(), 7)]));
    let loaded = group("sync_group_tracking_weight\n");
    assert_eq!(said(&loaded), []);
    let all = [("f", 5), ("p", 7), ("b", 8)].map(|(name, weight)| (name.to_owned(), weight)).to_vec();
    assert_eq!(followed(&loaded), (9, all));
}
