//! Lines of addresses.

use serde_json::{Value, json};

use super::{Row, row};

const fn held(words: &'static str, at: &'static str, is: Value) -> Row {
    row("vrrp_instance", "virtual_ipaddress_excluded", words, at, is)
}

pub fn rows() -> Vec<Row> {
    [whole(), options()].into_iter().flatten().collect()
}

fn whole() -> Vec<Row> {
    let flags = json!({ "home": false, "dad": false, "manage_temporary": false, "no_prefix_route": false, "auto_join": false });
    vec![
        held(
            "{\n10.9.0.1/24 brd + label eth1:1 dev eth1 scope link\n}",
            "/vrrp/instances/0/excluded/0",
            json!({
                "address": "10.9.0.1", "prefix_len": 24, "interface": "eth1", "label": "eth1:1", "scope": 253,
                "broadcast": "10.9.0.255", "peer": null, "preferred_lifetime": null, "flags": flags, "track": true,
                "use_vmac": false, "track_group": null,
            }),
        ),
        row(
            "vrrp_instance",
            "virtual_ipaddress",
            "{\n10.9.0.1/24\n}",
            "/vrrp/instances/0/addresses/1/prefix_len",
            json!(24),
        ),
    ]
}

fn options() -> Vec<Row> {
    let flags = "/vrrp/instances/0/excluded/0/flags";
    let lifetime = "/vrrp/instances/0/excluded/0/preferred_lifetime";
    let flag = |name: &str| {
        let names = ["home", "dad", "manage_temporary", "no_prefix_route", "auto_join"];
        json!(
            names
                .map(|known| (known, known == name))
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>()
        )
    };
    vec![
        held("{\n10.9.0.1 peer 10.9.0.2/24\n}", "/vrrp/instances/0/excluded/0/peer", json!("10.9.0.2")),
        held("{\n10.9.0.1 peer 10.9.0.2/24\n}", "/vrrp/instances/0/excluded/0/prefix_len", json!(24)),
        held("{\n10.9.0.1 peer 10.9.0.2\n}", "/vrrp/instances/0/excluded/0/prefix_len", json!(32)),
        held("{\n10.9.0.1 no_track\n}", "/vrrp/instances/0/excluded/0/track", json!(false)),
        held("{\n10.9.0.1 use_vmac\n}", "/vrrp/instances/0/excluded/0/use_vmac", json!(true)),
        held("{\n2001:db8::1/64 home\n}", flags, flag("home")),
        held("{\n2001:db8::1/64 -nodad\n}", flags, flag("dad")),
        held("{\n2001:db8::1/64 mngtmpaddr\n}", flags, flag("manage_temporary")),
        held("{\n2001:db8::1/64 noprefixroute\n}", flags, flag("no_prefix_route")),
        held("{\n2001:db8::1/64 autojoin\n}", flags, flag("auto_join")),
        held("{\n2001:db8::1/64 preferred_lft 7\n}", lifetime, json!(7)),
        held("{\n2001:db8::1\n}", lifetime, json!(0)),
        held("{\n2001:db8::1 preferred_lft forever\n}", lifetime, json!(null)).anyway(),
        held("{\n2001:db8::1/64\n}", lifetime, json!(null)).anyway(),
        held("{\n10.9.0.1 preferred_lft 7\n}", lifetime, json!(null)).anyway(),
    ]
}
