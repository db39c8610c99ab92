//! The configurations that the fuzzed router is given, as users write them: between them they have every setting that the
//! machine acts on.

use std::sync::LazyLock;

use config::{MemoryFiles, MemoryHost, Options};
use vrrp::RouterSpec;

const TEXTS: &[&str] = &[
    "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n priority 100\n virtual_ipaddress {\n 10.0.0.250/24\n }\n}\n",
    // Two families, versions and interfaces.
    "global_defs {\n vrrp_startup_delay 2\n vrrp_garp_interval 0.1\n vrrp_garp_lower_prio_repeat 2\n}
vrrp_instance A {\n interface eth0\n virtual_router_id 1\n version 3\n advert_int 0.1\n priority 255
 virtual_ipaddress {\n 10.0.0.250/24\n 10.0.0.251\n }\n virtual_ipaddress_excluded {\n 2001:db8::9\n }\n}
vrrp_instance B {\n interface eth0\n virtual_router_id 1\n version 3\n priority 150\n nopreempt
 virtual_ipaddress {\n fe80::fa/64\n 2001:db8::fa/64\n }\n garp_master_refresh 3\n}
vrrp_instance C {\n interface eth1\n virtual_router_id 2\n preempt_delay 3\n higher_prio_send_advert\n lower_prio_no_advert
 virtual_ipaddress {\n 10.0.0.252 dev eth0\n }\n}\n",
    // Authentication, unicast.
    "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n authentication {\n auth_type PASS\n auth_pass secret\n }
 virtual_ipaddress {\n 10.0.0.250/24\n }\n}
vrrp_instance B {\n interface eth0\n virtual_router_id 2\n authentication {\n auth_type AH\n auth_pass secret\n }
 virtual_ipaddress {\n 10.0.0.251/32\n }\n}
vrrp_instance C {\n interface eth0\n virtual_router_id 3\n version 3\n unicast_src_ip 10.0.0.1\n check_unicast_src
 unicast_peer {\n 10.0.0.5 min_ttl 10 max_ttl 255\n 10.0.0.6\n }\n virtual_ipaddress {\n 10.0.0.253\n }\n}
vrrp_instance D {\n interface eth0\n virtual_router_id 4\n version 3\n strict_mode\n
 auth_hmac {\n key 1 \"0123456789abcdef0123456789abcdef\"\n key 2 \"fedcba9876543210fedcba9876543210\"\n active_key 1\n }
 virtual_ipaddress {\n 10.0.0.254\n }\n}\n",
    // Groups, trackers, delays.
    "global_defs {\n enable_script_security\n script_user root\n}\ninterface_up_down_delays {\n eth0 1 2\n}\ngarp_group {\n interfaces {\n eth0\n eth1\n }\n garp_interval 0.2\n}
vrrp_script s {\n script \"/bin/true\"\n weight 10\n}\ntrack_file f {\n file /run/f\n weight 3\n}
vrrp_track_process p {\n process x\n}\nbfd_instance b {\n neighbor_ip 10.0.0.7\n}
vrrp_sync_group G {\n group {\n A\n B\n }\n track_script {\n s\n }\n sync_group_tracking_weight\n}
vrrp_instance A {\n interface eth0\n virtual_router_id 1\n state MASTER\n priority 200\n track_file {\n f\n }\n track_interface {\n eth1 weight -20\n }
 track_bfd {\n b\n }\n virtual_ipaddress {\n 10.0.0.250/24\n }\n}
vrrp_instance B {\n interface eth1\n virtual_router_id 2\n dont_track_primary\n track_process {\n p weight 5\n }
 virtual_ipaddress {\n 10.0.0.251/32\n }\n skip_check_adv_addr\n down_timer_adverts 5\n}\n",
    // Routes and rules, of instances and for ever.
    "static_ipaddress {\n 10.0.0.240/24 dev eth0\n}\nstatic_routes {\n 192.0.2.0/24 via 10.0.0.7 dev eth0\n}
vrrp_instance A {\n interface eth0\n virtual_router_id 1\n owner_ignore_adverts\n priority 255
 virtual_ipaddress {\n 10.0.0.250/24 no_track\n }
 virtual_routes {\n 198.51.100.0/24 via 10.0.0.9 dev eth0 metric 5\n blackhole 203.0.113.0/24 no_track\n }
 virtual_rules {\n from 10.0.0.0/24 table 100 priority 1000\n }\n}\n",
];

static SPECS: LazyLock<Vec<RouterSpec>> = LazyLock::new(|| TEXTS.iter().map(|text| read(text)).collect());

/// All of them.
pub fn all() -> &'static [RouterSpec] {
    &SPECS
}

fn read(text: &str) -> RouterSpec {
    let host = MemoryHost::with_interfaces(["eth0", "eth1"]).with_script("/bin/true");
    config::load("f", &MemoryFiles::one("f", text), &host, &Options::default()).model.vrrp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_is_read_whole() {
        let counts: Vec<_> = all().iter().map(|spec| spec.instances.len()).collect();
        assert_eq!(counts, [1, 3, 4, 2, 1]);
        let statuses = TEXTS.iter().map(|text| {
            let host = MemoryHost::with_interfaces(["eth0", "eth1"]).with_script("/bin/true");
            let loaded = config::load("f", &MemoryFiles::one("f", *text), &host, &Options::default());
            assert_eq!(loaded.start(), Ok(()), "{}", loaded.render_all());
            let serious = loaded.diagnostics.iter().filter(|it| it.effect != config::Effect::None);
            serious.map(|it| loaded.render(it)).collect::<String>()
        });
        assert_eq!(statuses.collect::<Vec<_>>().concat(), "");
    }
}
