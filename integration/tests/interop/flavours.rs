//! keepalived and stayd as each other's master and backup: versions, authentication, families, unicast, VMACs.

use lab::{Daemon, Host, Result};

use crate::stage::{CASTS, Cast, Expected, Family, PRIORITIES, SLACK, Stage, complaints, with_casts};

const VMAC_V4: &str = "00:00:5e:00:01:33";
const VMAC_V6: &str = "00:00:5e:00:02:33";

/// The address of a director.
fn address(family: Family, director: usize) -> String {
    let prefix = if family == Family::V4 { "192.168.0." } else { "fd00::" };
    format!("{prefix}{}", 20 + director)
}

/// A director's file. `OWN` and `PEER` in the settings are its address and the other's.
fn text(family: Family, director: usize, settings: &str) -> String {
    let others = match family {
        Family::V4 => "192.168.0.11/24",
        Family::V6 => "fd00::11/64",
    };
    // The first address of IPv6 must be link-local (RFC 9568 section 5.2.9).
    let first = if family == Family::V6 { "fe80::10\n" } else { "" };
    let settings =
        settings.replace("OWN", &address(family, director)).replace("PEER", &address(family, 1 - director));
    let (priority, vip) = (PRIORITIES[director], family.vip());
    format!(
        "vrrp_instance VI {{\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n  priority {priority}\n  \
         advert_int 1\n{settings}\n  virtual_ipaddress {{\n{first}{vip}\n{others}\n  }}\n}}\n"
    )
}

fn start(stage: &Stage, cast: Cast, director: usize, settings: &str) -> Result<lab::Process> {
    stage.directors[director].start_daemon(cast[director], &text(stage.family, director, settings))
}

/// The story of one flavour; `vmac` is where the client finds the virtual address if that is no director's own.
fn flavour(family: Family, settings: &str, vmac: Option<&str>) -> Result {
    // Two directors with one hardware address could be deaf to each other, whoever they are.
    let twins = vmac.is_some().then_some([Daemon::Stayd, Daemon::Stayd]);
    let casts: Vec<_> = CASTS.into_iter().chain(twins).collect();
    with_casts(&casts, family, |stage, cast: Cast| {
        let own = [stage.mac(0)?, stage.mac(1)?];
        if settings.contains("unicast_peer") {
            // Or adverts to a dead peer, whose hardware address nobody knows, would not be seen.
            for (director, peer) in [(0, 1), (1, 0)] {
                let address = address(family, peer);
                let entry =
                    ["neigh", "replace", &address, "lladdr", &own[peer], "dev", "eth0", "nud", "permanent"];
                stage.directors[director].check("ip", &entry)?;
            }
        }
        let macs = vmac.map_or(own, |vmac| [vmac.to_owned(), vmac.to_owned()]);
        let expected = Expected { macs, asks: [false; 2], late: SLACK };
        let logs = stage.over_and_back(|director| start(stage, cast, director, settings), &expected)?;
        for log in &logs {
            assert_eq!(complaints(log), [""; 0], "{cast:?}");
        }
        Ok(())
    })
}

#[test]
fn version_2_with_a_password() -> Result {
    let settings = "  authentication {\n    auth_type PASS\n    auth_pass root123\n  }";
    flavour(Family::V4, settings, None)
}

#[test]
fn version_2_with_an_authentication_header() -> Result {
    let settings = "  authentication {\n    auth_type AH\n    auth_pass root123\n  }";
    flavour(Family::V4, settings, None)
}

#[test]
fn version_3_over_ipv4() -> Result {
    flavour(Family::V4, "  version 3", None)
}

#[test]
fn version_3_over_ipv6() -> Result {
    flavour(Family::V6, "  version 3", None)
}

const UNICAST: &str = "  unicast_src_ip OWN\n  unicast_peer {\n    PEER\n  }";

#[test]
fn unicast_over_ipv4() -> Result {
    flavour(Family::V4, &format!("  version 3\n{UNICAST}"), None)
}

#[test]
fn unicast_over_ipv6() -> Result {
    flavour(Family::V6, UNICAST, None)
}

#[test]
fn vmac_of_ipv4() -> Result {
    flavour(Family::V4, "  use_vmac", Some(VMAC_V4))
}

#[test]
fn vmac_of_ipv6() -> Result {
    flavour(Family::V6, "  use_vmac", Some(VMAC_V6))
}

#[test]
fn vmac_of_ipv4_with_unicast_from_the_interface_below() -> Result {
    let settings = format!("  use_vmac\n  vmac_xmit_base\n{UNICAST}");
    flavour(Family::V4, &settings, Some(VMAC_V4))
}

#[test]
fn a_wrong_password_is_told_by_both_and_leaves_two_masters() -> Result {
    with_casts(&CASTS, Family::V4, |stage, cast: Cast| {
        let password = |word| format!("  authentication {{\n    auth_type PASS\n    auth_pass {word}\n  }}");
        let processes = [start(stage, cast, 0, &password("one"))?, start(stage, cast, 1, &password("two"))?];
        for (director, process) in stage.directors.iter().zip(&processes) {
            director.wait_for_address(stage.family.vip(), crate::stage::LIMIT)?;
            process.wait_until_log("a complaint", crate::stage::LIMIT, |log| !complaints(log).is_empty())?;
            println!("{}: {:?}", Host::name(director), complaints(&process.log()?));
        }
        Ok(())
    })
}
