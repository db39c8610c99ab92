//! What a director's kernel has as MASTER, as BACKUP and after the daemon's stop: beside keepalived's, line for line.
//!
//! Two hosts that are alike in everything but the daemon stand on LANs of their own, each with a peer that takes over
//! from it. **Where a line differs on purpose, it is named here and in docs/differences.md.**

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Result};

/// Commands that show the kernel's state; none prints what differs between hosts that are alike.
const LOOKS: [(&str, &str); 8] = [
    ("addresses", "ip -o addr show | sed 's/^[0-9]*: //; s/[0-9]*sec/SEC/g'"),
    ("links", "for kind in macvlan ipvlan; do ip -d -o link show type $kind; done | sed 's/^[0-9]*: //'"),
    // Which groups are joined where: a macvlan hears what the interface below it does not.
    (
        "groups",
        "ip -o maddress show | tr -s '[:blank:]' ' ' | sed 's/^[0-9]*: //' | grep -E 'inet6? (224.0.0.18|ff02::12)'; true",
    ),
    ("IPv4 routes", "ip route show table all"),
    ("IPv6 routes", "ip -6 route show table all"),
    ("rules", "ip rule; ip -6 rule"),
    ("packet filter", "nft list ruleset"),
    (
        "settings",
        "cd /proc/sys/net && grep -H . ipv4/conf/*/arp_ignore ipv4/conf/*/arp_filter ipv4/conf/*/rp_filter \
         ipv4/conf/*/accept_local ipv4/conf/*/promote_secondaries ipv6/conf/*/disable_ipv6 \
         ipv6/conf/*/addr_gen_mode ipv4/igmp_link_local_mcast_reports",
    ),
];

type State = Vec<(&'static str, Vec<String>)>;

fn look(host: &Host) -> Result<State> {
    LOOKS
        .iter()
        .map(|(what, command)| {
            let printed = host.check("sh", &["-c", command])?;
            Ok((*what, printed.lines().map(|line| line.trim_end().to_owned()).collect()))
        })
        .collect()
}

/// A host with two interfaces, and a peer on the first one's LAN.
fn director(lab: &Lab, name: &str) -> Result<(Host, Host)> {
    furnish(lab, lans(lab, name)?, lab.host(name)?)
}

fn lans(lab: &Lab, name: &str) -> Result<[Lan; 2]> {
    Ok([lab.lan(&format!("{name}a"))?, lab.lan(&format!("{name}b"))?])
}

fn furnish(lab: &Lab, [first, second]: [Lan; 2], host: Host) -> Result<(Host, Host)> {
    host.connect(&first, "eth0", &["10.1.0.1/24", "2001:db8:1::1/64", "fe80::1/64"])?;
    host.connect(&second, "eth1", &["10.2.0.1/24"])?;
    let peer = lab.host(&format!("{}p", host.name()))?;
    peer.connect(&first, "eth0", &["10.1.0.2/24", "fe80::2/64"])?;
    Ok((host, peer))
}

/// The file of the director: `globals` around, `body` in the instance.
fn file(globals: &str, body: &str) -> String {
    format!(
        "global_defs {{\n  router_id d\n}}\n{globals}\nvrrp_instance VI {{\n  state BACKUP\n  interface eth0\n  \
         virtual_router_id 51\n  priority 100\n  advert_int 1\n{body}\n}}\n"
    )
}

/// The file of a peer that takes over: the same addresses, without what the story is about.
fn peer_file(addresses: &str) -> String {
    format!(
        "vrrp_instance VI {{\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n  priority 200\n  \
         advert_int 1\n  virtual_ipaddress {{\n{addresses}\n  }}\n}}\n"
    )
}

/// Whether one of the lines of the addresses has this in it.
fn holds(state: &State, address: &str) -> bool {
    state[0].1.iter().any(|line| line.contains(&format!(" {address}/")))
}

/// Waits until both are as they shall be and alike. A difference is shown as what only one of them has.
fn same(what: &str, hosts: [&Host; 2], enough: impl Fn(&State) -> bool) -> Result {
    let differences = |one: &State, other: &State| {
        let lines = one.iter().zip(other).flat_map(|((what, one), (_, other))| {
            let only = move |here: &Vec<String>, there: &Vec<String>, who: &str| {
                let only = here.iter().filter(|line| !there.contains(line));
                only.map(|line| format!("{what}, only {who}: {line}")).collect::<Vec<_>>()
            };
            let order = (one != other).then(|| format!("{what} differ"));
            [only(one, other, "keepalived"), only(other, one, "stayd")].concat().into_iter().chain(order)
        });
        lines.collect::<Vec<_>>()
    };
    let look = || {
        let (one, other) = (look(hosts[0])?, look(hosts[1])?);
        Ok((enough(&one) && enough(&other), differences(&one, &other)))
    };
    wait::until(what, seconds(20), look, |(enough, differences)| *enough && differences.is_empty()).map(drop)
}

/// The story: MASTER, then BACKUP to a better peer, then stopped. `vip` is an address that only a master has.
fn story(globals: &str, body: &str, peer: &str, vip: &str) -> Result {
    let lab = Lab::native()?;
    play([&director(&lab, "k")?, &director(&lab, "s")?], globals, body, peer, vip)?;
    lab.close()
}

fn play(hosts: [&(Host, Host); 2], globals: &str, body: &str, peer: &str, vip: &str) -> Result {
    let [(theirs, their_peer), (ours, our_peer)] = hosts;
    for host in [theirs, ours] {
        wait::until(
            "addresses past duplicate detection",
            seconds(5),
            || look(host),
            |state| !state[0].1.iter().any(|line| line.contains("tentative")),
        )?;
    }
    let (before, before_ours) = (look(theirs)?, look(ours)?);
    assert_eq!(before, before_ours, "the two hosts are alike");
    let file = file(globals, body);
    let keepalived = theirs.start_daemon(Daemon::Keepalived, &file)?;
    let stayd = ours.start_daemon(Daemon::Stayd, &file)?;
    same("the same as MASTER", [theirs, ours], |state| holds(state, vip))?;
    let peers = [their_peer, our_peer].map(|host| host.start_daemon(Daemon::Keepalived, &peer_file(peer)));
    same("the same as BACKUP", [theirs, ours], |state| !holds(state, vip))?;
    for peer in peers {
        peer?.kill()?;
    }
    keepalived.stop(seconds(5))?;
    stayd.stop(seconds(5))?;
    assert_eq!(look(ours)?, before, "after its stop everything is as it was before its start");
    left_by_keepalived(&before, &look(theirs)?);
    Ok(())
}

/// What keepalived 2.2.7 leaves behind at its stop are settings that VMACs and ipvlans need, and nothing else.
fn left_by_keepalived(before: &State, after: &State) {
    for ((what, before), (_, after)) in before.iter().zip(after) {
        let left: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        println!("{what} left by keepalived: {left:?}");
        let known = |line: &&String| line.contains("/arp_ignore:") || line.contains("/arp_filter:");
        assert!(left.iter().all(known), "{what} left by keepalived: {left:?}");
        let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
        assert_eq!(gone.len(), left.len(), "{what} gone with keepalived: {gone:?}");
    }
}

#[test]
fn addresses_with_every_option() -> Result {
    let body = "
  virtual_ipaddress {
    10.1.0.100
    10.1.0.101/24
    10.1.0.102/24 dev eth1 scope link label eth1:v brd +
    10.1.0.103/24 brd 10.1.0.99
    10.1.0.105/24 home
    10.1.0.106/24 noprefixroute
    10.1.0.107/24 mngtmpaddr
    10.1.0.109/24 -nodad
  }
  virtual_ipaddress_excluded {
    2001:db8:1::100
    2001:db8:1::101/64
    2001:db8:1::102/64 preferred_lft 0
    2001:db8:1::103/64 preferred_lft 300
    2001:db8:1::105/64 home
    2001:db8:1::106/64 mngtmpaddr
    2001:db8:1::107/64 noprefixroute
    2001:db8:1::109 preferred_lft forever
    fe80::1:1/64 dev eth1
  }";
    let peer = (100..=109).filter(|last| ![104, 108].contains(last)).map(|last| format!("10.1.0.{last}\n"));
    story("", body, &peer.collect::<String>(), "10.1.0.100")
}

#[test]
fn routes_and_rules() -> Result {
    let body = "
  virtual_ipaddress {
    10.1.0.100/24
  }
  virtual_ipaddress_excluded {
    2001:db8:1::101/64
  }
  virtual_routes {
    192.0.2.0/24 via 10.1.0.2 dev eth0
    src 10.1.0.100 to 192.0.3.0/24 via 10.1.0.2
    192.0.4.0/24 dev eth1
    192.0.5.0/24 dev eth1 scope link metric 20 tos 0x10
    blackhole 192.0.6.0/24
    unreachable 192.0.7.0/24 no_track
    prohibit 192.0.8.0/24 table 100
    throw 192.0.9.0/24 table 100 protocol 99 no_track
    192.0.10.0/24 via 10.1.0.2 dev eth0 mtu 1400 advmss lock 1300 reordering 4 cwnd 10 ssthresh 20 rto_min 200 \
congctl cubic window 5000 hoplimit 30 initcwnd 12 initrwnd 14 features ecn quickack 1 fastopen_no_cookie 1
    192.0.11.0/24 nexthop via 10.1.0.2 dev eth0 weight 2 nexthop via 10.2.0.2 dev eth1 weight 3 onlink
    192.0.12.0/24 via 10.77.0.2 dev eth1 onlink realms 3/4
    default via 10.1.0.2 metric 500
    192.0.15.0/24 dev eth0 table 1000
    192.0.16.0/24 dev eth0 append
    192.0.17.0/24 dev eth0 add
    multicast 239.1.0.0/16 dev eth0
    2001:db8:2::/48 via 2001:db8:1::2 dev eth0
    2001:db8:3::/48 dev eth1 metric 77 pref high mtu 1300
    unreachable 2001:db8:4::/48
    2001:db8:5::/48 nexthop via fe80::2 dev eth0 nexthop via fe80::3 dev eth1 weight 5
    2001:db8:6::/48 from 2001:db8:9::/48 dev eth0
    2001:db8:7::/48 dev eth0 src 2001:db8:1::101
  }
  virtual_rules {
    from 10.5.0.0/16 table 100 preference 1000
    to 10.6.0.0/16 lookup 1000 priority 1001
    not from 10.7.0.0/16 blackhole preference 1003
    from all fwmark 0x10/0xff tos 0x10 table 100 preference 1004
    from 10.8.0.0/16 goto 2000 preference 1005
    nop preference 2000
    to 10.9.1.0/24 prohibit preference 2001
    unreachable preference 2002 from 10.9.2.0/24
    type blackhole from 10.9.3.0/24 preference 2003
    from 10.9.4.0/24 realms 5/6 table 100 preference 2004
    from 10.9.5.0/24 suppress_prefixlength 8 table main preference 2005
    from 10.9.6.0/24 suppress_ifgroup 3 table main preference 2006
    uidrange 100-200 table 100 preference 2007
    ipproto tcp sport 80-90 dport 100-200 table 100 preference 2008
    tunnel-id 77 table 100 preference 2009
    from 10.9.7.0/24 table 100
    iif eth0 oif eth1 table 100 preference 2010
    protocol 44 from 10.9.9.0/24 table 100 preference 2012 no_track
    from 2001:db8:8::/48 table 100 preference 1000
    to 2001:db8:8::/48 table 100
  }";
    story("", body, "10.1.0.100", "10.1.0.100")
}

#[test]
fn static_addresses_routes_and_rules() -> Result {
    let statics = "
static_ipaddress {
  10.1.0.200/24 dev eth0 label eth0:s
  10.2.0.200 dev eth1
  2001:db8:1::200/64 dev eth0
}
static_routes {
  198.51.100.0/24 via 10.1.0.2 dev eth0
  198.51.101.0/24 via 10.1.0.2 src 10.1.0.200
  blackhole 198.51.102.0/24
  2001:db8:20::/48 dev eth0
}
static_rules {
  from 10.20.0.0/16 table 100 preference 3000
  from 2001:db8:20::/48 table 100 preference 3000
}";
    story(statics, "  virtual_ipaddress {\n    10.1.0.100/24\n  }", "10.1.0.100", "10.1.0.100")
}

const V4: &str = "  virtual_ipaddress {\n    10.1.0.100/24\n    10.1.0.102/24 dev eth1\n  }";
const V4_PEER: &str = "10.1.0.100\n10.1.0.102";
const V6: &str = "  virtual_ipaddress {\n    fe80::100\n    2001:db8:1::100/64\n  }";
const V6_PEER: &str = "fe80::100\n2001:db8:1::100";

#[test]
fn promote_secondaries() -> Result {
    story("", &format!("  promote_secondaries\n{V4}"), V4_PEER, "10.1.0.100")
}

#[test]
fn disable_local_igmp() -> Result {
    story("global_defs {\n  disable_local_igmp\n}", V4, V4_PEER, "10.1.0.100")
}

#[test]
fn a_vmac_of_ipv4() -> Result {
    story("", &format!("  use_vmac\n{V4}"), V4_PEER, "10.1.0.100")
}

#[test]
fn a_vmac_of_ipv4_that_leaves_adverts_to_the_interface_below_and_one_of_a_single_address() -> Result {
    let addresses = V4.replace("dev eth1", "dev eth1 use_vmac");
    story("", &format!("  use_vmac\n  vmac_xmit_base\n{addresses}"), V4_PEER, "10.1.0.100")
}

#[test]
fn a_vmac_of_ipv6() -> Result {
    story("", &format!("  use_vmac\n{V6}"), V6_PEER, "fe80::100")
}

#[test]
fn a_vmac_of_ipv6_that_leaves_adverts_to_the_interface_below() -> Result {
    story("", &format!("  use_vmac\n  vmac_xmit_base\n{V6}"), V6_PEER, "fe80::100")
}

#[test]
fn a_vmac_of_ipv6_on_an_interface_with_several_link_local_addresses() -> Result {
    for source in ["", "  mcast_src_ip fe80::1\n"] {
        let lab = Lab::native()?;
        let hosts = [director(&lab, "k")?, director(&lab, "s")?];
        for (host, _) in &hosts {
            for address in ["fe80::7", "fe80::8"] {
                host.check("ip", &["addr", "add", &format!("{address}/64"), "dev", "eth0", "nodad"])?;
            }
        }
        play([&hosts[0], &hosts[1]], "", &format!("  use_vmac\n{source}{V6}"), V6_PEER, "fe80::100")?;
        lab.close()?;
    }
    Ok(())
}

#[test]
fn vmacs_of_single_addresses_of_the_other_family() -> Result {
    let body = "
  use_vmac
  use_vmac_addr
  virtual_ipaddress {
    10.1.0.100/24
  }
  virtual_ipaddress_excluded {
    2001:db8:1::101/64
    2001:db8:2::101/64 dev eth1
    10.2.0.101/24 dev eth1
    2001:db8:3::101/64 use_vmac
  }";
    story("", body, "10.1.0.100", "10.1.0.100")
}

#[test]
fn addresses_that_accept_nothing() -> Result {
    let excluded = "  virtual_ipaddress_excluded {\n    2001:db8:1::100/64\n    fe80::99 dev eth1\n  }";
    story("", &format!("  no_accept\n{V4}\n{excluded}"), V4_PEER, "10.1.0.100")
}

#[test]
fn addresses_of_a_vmac_that_accept_nothing() -> Result {
    story("", &format!("  no_accept\n  use_vmac\n  vmac_xmit_base\n{V6}"), V6_PEER, "fe80::100")
}

#[test]
fn vmacs_of_both_families_with_one_number_and_of_addresses_elsewhere() -> Result {
    let globals = "
vrrp_instance W4 {
  state BACKUP
  interface eth1
  virtual_router_id 52
  use_vmac
  virtual_ipaddress {
    10.2.0.52/24
  }
}
vrrp_instance V6 {
  state BACKUP
  interface eth0
  virtual_router_id 52
  use_vmac
  virtual_ipaddress {
    fe80::52
  }
}";
    let body = "  use_vmac_addr\n  virtual_ipaddress {\n    10.1.0.100/24\n    10.1.0.102/24 dev eth1\n  }";
    story(globals, body, V4_PEER, "10.1.0.100")
}

#[test]
fn ipvlans_of_both_families() -> Result {
    // Not every kernel has them; the lab's own has.
    let lab = Lab::with_ipvs()?;
    let lans = [lans(&lab, "k")?, lans(&lab, "s")?];
    let [theirs, ours] = lans;
    let hosts = [furnish(&lab, theirs, lab.director("k")?)?, furnish(&lab, ours, lab.director("s")?)?];
    let ipv6 =
        "vrrp_instance V6 {\n  state BACKUP\n  interface eth0\n  virtual_router_id 52\n  use_ipvlan vepa\n";
    let globals = format!("{ipv6}{V6}\n}}\n");
    let body = format!("  use_ipvlan private 10.1.0.7/24 ipv51\n{V4}");
    play([&hosts[0], &hosts[1]], &globals, &body, V4_PEER, "10.1.0.100")?;
    lab.close()
}

#[test]
fn what_somebody_removes_is_put_back() -> Result {
    let lab = Lab::native()?;
    let (host, _peer) = director(&lab, "s")?;
    let statics = "static_routes {\n  198.51.100.0/24 via 10.1.0.2 dev eth0\n}\n";
    let body = "  use_vmac\n  virtual_ipaddress {\n    10.1.0.100/24\n  }\n  virtual_routes {\n    192.0.2.0/24 via \
                10.1.0.2 dev eth0\n    192.0.3.0/24 via 10.2.0.2 dev eth1 no_track\n  }\n  virtual_rules {\n    from \
                10.5.0.0/16 table 100 preference 1000\n  }";
    let stayd = host.start_daemon(Daemon::Stayd, &file(statics, body))?;
    host.wait_for_address("10.1.0.100", seconds(10))?;
    let whole = look(&host)?;
    for removal in [
        "ip route del 192.0.2.0/24",
        "ip route del 198.51.100.0/24",
        "ip rule del preference 1000",
        "ip addr del 10.1.0.100/24 dev vrrp.51",
        // With it go its routes, of which the kernel does not tell.
        "ip link set eth1 down; ip link set eth1 up",
    ] {
        host.check("sh", &["-c", removal])?;
        wait::until(removal, seconds(10), || look(&host), |state| state == &whole)?;
    }
    // A VMAC that is deleted gets another number, and the instance is master again after a while.
    host.check("ip", &["link", "del", "vrrp.51"])?;
    wait::until("a new VMAC", seconds(15), || look(&host), |state| state == &whole)?;
    stayd.stop(seconds(5))?;
    lab.close()
}

#[test]
fn who_does_not_release_leaves_what_is_virtual_and_removes_what_is_static() -> Result {
    let lab = Lab::native()?;
    let (host, _peer) = director(&lab, "s")?;
    let statics = "static_routes {\n  198.51.100.0/24 via 10.1.0.2 dev eth0\n}\n";
    let body = "  virtual_ipaddress {\n    10.1.0.100/24\n  }\n  virtual_routes {\n    192.0.2.0/24 via 10.1.0.2 dev \
                eth0\n  }";
    let path = Daemon::Stayd.path()?.display().to_string();
    let conf = host.write("stayd.conf", &file(statics, body))?.display().to_string();
    let stayd = host.start("stayd", &path, &["-n", "-l", "-D", "-V", "-f", &conf])?;
    host.wait_for_address("10.1.0.100", seconds(10))?;
    stayd.stop(seconds(5))?;
    let routes = host.check("ip", &["route"])?;
    assert!(routes.contains("192.0.2.0/24") && !routes.contains("198.51.100.0/24"), "{routes}");
    assert!(host.holds("10.1.0.100")?);
    lab.close()
}
