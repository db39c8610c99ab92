//! Lines of routes.

use serde_json::{Value, json};

use super::{Row, millis, row, secs};

const fn route(words: &'static str, at: &'static str, is: Value) -> Row {
    row("vrrp_instance", "virtual_routes", words, at, is)
}

macro_rules! of {
    ($line:literal, $at:literal, $is:expr) => {
        route(concat!("{\n", $line, "\n}"), concat!("/vrrp/instances/0/routes/0/", $at), $is)
    };
}

pub fn rows() -> Vec<Row> {
    [vec![whole()], kinds(), properties(), metrics(), nexthops(), encapsulations()]
        .into_iter()
        .flatten()
        .collect()
}

/// Everything that a line without options says.
fn whole() -> Row {
    route(
        "{\n10.9.0.0/16 via 10.0.0.9 dev eth1\n}",
        "/vrrp/instances/0/routes/0",
        json!({
            "kind": "unicast", "destination": { "address": "10.9.0.0", "len": 16 }, "source": null,
            "preferred_source": null, "tos": 0, "table": 254, "vrf": null, "protocol": 18, "scope": null, "metric": 0,
            "nexthops": [{
                "gateway": "10.0.0.9", "interface": "eth1", "weight": 1, "onlink": false, "realms": null,
                "encapsulation": null,
            }],
            "metrics": {
                "mtu": null, "advertised_mss": null, "rtt": null, "rtt_variance": null, "rto_min": null,
                "reordering": null, "congestion_window": null, "slow_start_threshold": null,
                "congestion_control": null, "window": null, "hop_limit": null, "initial_congestion_window": null,
                "initial_receive_window": null, "quick_ack": null, "fast_open_no_cookie": null, "ecn": false,
            },
            "realms": null, "expires": null, "preference": null, "ttl_propagate": null, "create": "prepend",
            "track": true, "track_group": null,
        }),
    )
}

fn kinds() -> Vec<Row> {
    vec![
        of!("blackhole 10.9.0.0/16", "kind", json!("blackhole")),
        of!("blackhole 10.9.0.0/16", "nexthops", json!([])),
        of!("blackhole 10.9.0.0/16", "create", json!("add")),
        of!("unreachable 10.9.0.0/16", "kind", json!("unreachable")),
        of!("prohibit 10.9.0.0/16", "kind", json!("prohibit")),
        of!("throw 10.9.0.0/16", "kind", json!("throw")),
        of!("unicast 10.9.0.0/16 dev eth1", "kind", json!("unicast")),
        of!("multicast 10.9.0.0/16 dev eth1", "kind", json!("multicast")),
        of!("anycast 10.9.0.0/16 dev eth1", "table", json!(255)),
        of!("broadcast 10.9.0.0/16 dev eth1", "table", json!(255)),
        of!("local 10.9.0.0/16 dev eth1", "table", json!(255)),
        of!("nat 10.9.0.0/16 dev eth1", "kind", json!("nat")),
        of!("default via 10.0.0.9 dev eth1", "destination", json!({ "address": "0.0.0.0", "len": 0 })),
        of!("default via fe80::9 dev eth1", "destination", json!({ "address": "::", "len": 0 })),
        of!("default6 dev eth1", "destination", json!({ "address": "::", "len": 0 })),
        of!("to 10.9.0.1 dev eth1", "destination", json!({ "address": "10.9.0.1", "len": 32 })),
        of!("inet6 default dev eth1", "destination", json!({ "address": "::", "len": 0 })),
    ]
}

fn properties() -> Vec<Row> {
    vec![
        of!(
            "2001:db8:2::/64 from 2001:db8:3::/48 dev eth1",
            "source",
            json!({ "address": "2001:db8:3::", "len": 48 })
        ),
        of!("10.9.0.0/16 src 10.0.0.1 dev eth1", "preferred_source", json!("10.0.0.1")),
        of!("10.9.0.0/16 tos 0x10 dev eth1", "tos", json!(16)),
        of!("10.9.0.0/16 dsfield 16 dev eth1", "tos", json!(16)),
        of!("10.9.0.0/16 table 300 dev eth1", "table", json!(300)),
        of!("10.9.0.0/16 table local dev eth1", "table", json!(255)),
        of!("10.9.0.0/16 vrf eth1", "vrf", json!("eth1")),
        of!("10.9.0.0/16 protocol static no_track", "protocol", json!(4)),
        of!("10.9.0.0/16 protocol 99 no_track", "protocol", json!(99)),
        of!("10.9.0.0/16 protocol 99 dev eth1", "protocol", json!(18)),
        of!("10.9.0.0/16 scope link dev eth1", "scope", json!(253)),
        of!("10.9.0.0/16 scope 200 dev eth1", "scope", json!(200)),
        of!("10.9.0.0/16 metric 7 dev eth1", "metric", json!(7)),
        of!("10.9.0.0/16 priority 7 dev eth1", "metric", json!(7)),
        of!("10.9.0.0/16 preference 7 dev eth1", "metric", json!(7)),
        of!("10.9.0.0/16 realms 3/4 dev eth1", "realms", json!({ "from": 3, "to": 4 })),
        of!("10.9.0.0/16 realms 4 dev eth1", "realms", json!({ "from": 0, "to": 4 })),
        of!("2001:db8:2::/64 expires 10 dev eth1", "expires", secs(10)),
        of!("2001:db8:2::/64 pref low dev eth1", "preference", json!("low")),
        of!("2001:db8:2::/64 pref medium dev eth1", "preference", json!("medium")),
        of!("2001:db8:2::/64 pref high dev eth1", "preference", json!("high")),
        of!("10.9.0.0/16 ttl-propagate enabled dev eth1", "ttl_propagate", json!(true)),
        of!("10.9.0.0/16 ttl-propagate disabled dev eth1", "ttl_propagate", json!(false)),
        of!("10.9.0.0/16 add dev eth1", "create", json!("add")),
        of!("10.9.0.0/16 append dev eth1", "create", json!("append")),
        of!("blackhole 10.9.0.0/16 prepend", "create", json!("prepend")),
        of!("10.9.0.0/16 dev eth1 no_track", "track", json!(false)),
        of!("10.9.0.0/16 via 10.0.0.9", "track", json!(false)),
    ]
}

fn metrics() -> Vec<Row> {
    let metric = |value: u32, lock: bool| json!({ "value": value, "lock": lock });
    vec![
        of!("10.9.0.0/16 dev eth1 mtu lock 1400", "metrics/mtu", metric(1400, true)),
        of!("10.9.0.0/16 dev eth1 mtu 1400", "metrics/mtu", metric(1400, false)),
        of!("10.9.0.0/16 dev eth1 advmss 1300", "metrics/advertised_mss", metric(1300, false)),
        of!("10.9.0.0/16 dev eth1 reordering 6", "metrics/reordering", metric(6, false)),
        of!("10.9.0.0/16 dev eth1 cwnd 4", "metrics/congestion_window", metric(4, false)),
        of!("10.9.0.0/16 dev eth1 ssthresh lock 5", "metrics/slow_start_threshold", metric(5, true)),
        of!("10.9.0.0/16 dev eth1 rtt 500ms", "metrics/rtt/value", millis(500)),
        of!("10.9.0.0/16 dev eth1 rtt 500", "metrics/rtt/value", millis(500)),
        of!("10.9.0.0/16 dev eth1 rttvar 1.5s", "metrics/rtt_variance/value", millis(1500)),
        of!(
            "10.9.0.0/16 dev eth1 rto_min lock 300",
            "metrics/rto_min",
            json!({ "value": millis(300), "lock": true })
        ),
        of!(
            "10.9.0.0/16 dev eth1 congctl lock cubic",
            "metrics/congestion_control",
            json!({ "value": "cubic", "lock": true })
        ),
        of!("10.9.0.0/16 dev eth1 window 1000", "metrics/window", json!(1000)),
        of!("10.9.0.0/16 dev eth1 hoplimit 9", "metrics/hop_limit", json!(9)),
        of!("10.9.0.0/16 dev eth1 initcwnd 10", "metrics/initial_congestion_window", json!(10)),
        of!("10.9.0.0/16 dev eth1 initrwnd 20", "metrics/initial_receive_window", json!(20)),
        of!("10.9.0.0/16 dev eth1 quickack 1", "metrics/quick_ack", json!(true)),
        of!("10.9.0.0/16 dev eth1 fastopen_no_cookie 1", "metrics/fast_open_no_cookie", json!(true)),
        of!("10.9.0.0/16 dev eth1 features ecn", "metrics/ecn", json!(true)),
    ]
}

fn nexthops() -> Vec<Row> {
    let hop = |gateway: &str, interface: Option<&str>, weight: u16, onlink: bool, realms: Value| {
        json!({
            "gateway": gateway, "interface": interface, "weight": weight, "onlink": onlink, "realms": realms,
            "encapsulation": null,
        })
    };
    vec![
        of!(
            "10.9.0.0/16 nexthop via 10.0.0.8 dev eth1 weight 3 onlink nexthop via inet 10.0.0.9 realms 4",
            "nexthops",
            json!([
                hop("10.0.0.8", Some("eth1"), 3, true, json!(null)),
                hop("10.0.0.9", None, 1, false, json!({ "from": 0, "to": 4 })),
            ])
        ),
        // The first that is wrong ends them.
        of!(
            "10.9.0.0/16 nexthop via 10.0.0.8 dev eth1 nexthop via 10.0.0.9 weight 300 nexthop via 10.0.0.7",
            "nexthops",
            json!([hop("10.0.0.8", Some("eth1"), 1, false, json!(null))])
        ),
        of!(
            "10.9.0.0/16 gw 10.0.0.9 oif eth1 onlink",
            "nexthops",
            json!([hop("10.0.0.9", Some("eth1"), 1, true, json!(null))])
        ),
        of!(
            "10.9.0.0/16 via 10.0.0.8 or 10.0.0.9 dev eth1",
            "nexthops",
            json!([
                hop("10.0.0.8", Some("eth1"), 1, false, json!(null)),
                hop("10.0.0.9", Some("eth1"), 1, false, json!(null)),
            ])
        ),
    ]
}

fn encapsulations() -> Vec<Row> {
    vec![
        of!(
            "10.9.0.0/16 encap ip id 5 dst 10.0.0.9 src 10.0.0.8 tos 3 ttl 4 flags 5 dev eth1",
            "nexthops/0/encapsulation/ip",
            json!({ "id": 5, "destination": "10.0.0.9", "source": "10.0.0.8", "tos": 3, "ttl": 4, "flags": 5 })
        ),
        of!(
            "10.9.0.0/16 encap ip6 id 5 dst 2001:db8::9 src 2001:db8::8 tc 3 hoplimit 4 flags 5 dev eth1",
            "nexthops/0/encapsulation/ip6",
            json!({
                "id": 5, "destination": "2001:db8::9", "source": "2001:db8::8", "traffic_class": 3, "hop_limit": 4,
                "flags": 5,
            })
        ),
        of!("10.9.0.0/16 encap mpls 100/200 dev eth1", "nexthops/0/encapsulation/mpls", json!([100, 200])),
        of!(
            "10.9.0.0/16 encap ila 1:2:3:4 dev eth1",
            "nexthops/0/encapsulation/ila",
            json!(0x0001_0002_0003_0004_u64)
        ),
    ]
}
