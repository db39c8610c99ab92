//! What files mean: keepalived and stayd, one after the other on the same host with the same file, leave the same
//! addresses and the same IPVS table.
//!
//! The files are many small ones, each about one thing; what a file can say of one service or address is in the tables of
//! `director.rs` and `beside_keepalived.rs`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Result};
use serde_json::Value;

/// A configuration, and the files that it includes.
struct File {
    about: &'static str,
    text: &'static str,
    included: &'static [(&'static str, &'static str)],
}

const fn file(about: &'static str, text: &'static str) -> File {
    File { about, text, included: &[] }
}

const SERVICES: &[File] = &[
    file(
        "definitions, a sequence of real servers, a list of services",
        r"
$VIP=192.168.0.10
$SERVER= \
  real_server 192.168.0.${n} 80 { \
    weight ${n} \
  }
virtual_server ${VIP} 80 {
  protocol TCP
  lb_algo wrr
  lb_kind DR
  ~SEQ(n, 2, 4) $SERVER
}
$SERVICE= \
virtual_server ${VIP} ${PORT} { \
  protocol ${PROTOCOL} \
  lb_algo ${ALGO} \
  lb_kind NAT \
  real_server 192.168.0.2 9${PORT} { \
  } \
}
~LST({PORT, PROTOCOL, ALGO}, {81, TCP, lc}, {82, UDP, sed}, {83, SCTP, nq}) $SERVICE
",
    ),
    File {
        about: "inclusion amid a block, with a pattern and a definition; conditions",
        text: r"
$DIRECTORY=pool
virtual_server 192.168.0.10 80 {
  protocol TCP
  @d1 lb_algo lc
  @^d1 lb_algo rr
  @other lb_kind NAT
  lb_kind DR
  include ${DIRECTORY}-[ab].conf
  @^other include pool-c.conf
}
@other virtual_server 192.168.0.10 99 {
@other }
",
        included: &[
            ("pool-a.conf", "real_server 192.168.0.2 80 {\n weight 7\n}\n"),
            ("pool-b.conf", "include pool-d.conf\n"),
            ("pool-c.conf", "real_server 192.168.0.4 80 { weight 0\n}\n"),
            ("pool-d.conf", "real_server 192.168.0.3 80\n{\n}\n"),
        ],
    },
    file(
        "braces wherever they may stand, quotes, comments",
        "\tvirtual_server \"192.168.0.10\" 80{protocol TCP\r
lb_algo \"wlc\" # } not here\r
lb_kind TUN ! nor { here\r
real_server 192.168.0.2 80 { weight 3 } real_server 192.168.0.3 80
# a comment between
{
weight\t4 more words } }
virtual_server 192.168.0.10 81 { protocol UDP
  lb_algo dh
  lb_kind DR
  real_server 192.168.0.2 81 { }
}
",
    ),
    file(
        "firewall marks of both families, persistence as it is by default",
        r"
virtual_server fwmark 1 {
  lb_algo rr
  lb_kind DR
  persistence_timeout
  real_server 192.168.0.2 {
  }
}
virtual_server fwmark 2 {
  lb_algo wrr
  lb_kind TUN
  persistence_timeout 70
  persistence_granularity 255.255.0.0
  real_server 192.168.0.2 {
    weight 2
  }
}
virtual_server fwmark 3 {
  ip_family inet6
  lb_algo lc
  lb_kind DR
  persistence_timeout 80
  persistence_granularity 48
  real_server fd00::2 {
  }
}
virtual_server fwmark 4 {
  lb_algo rr
  lb_kind NAT
  ops
  real_server fd00::3 443 {
  }
}
",
    ),
    file(
        "groups of ranges, prefixes and marks, of either family",
        r"
virtual_server_group v4 {
  192.168.0.10-12 80
  192.168.0.16/30 81
  fwmark 11
}
virtual_server_group v6 {
  fd00::10-12 443
  fd00::20 443
}
virtual_server group v4 {
  protocol TCP
  lb_algo rr
  lb_kind NAT
  real_server 192.168.0.2 8080 {
    weight 2
  }
  real_server 192.168.0.3 8080 {
  }
}
virtual_server group v6 {
  protocol UDP
  lb_algo wlc
  lb_kind DR
  persistence_timeout 33
  real_server fd00::2 443 {
  }
}
",
    ),
    file(
        "flags of schedulers, and schedulers without",
        r"
virtual_server 192.168.0.10 80 {
  protocol TCP
  lb_algo sh
  sh-port
  lb_kind DR
  real_server 192.168.0.2 80 {
  }
}
virtual_server 192.168.0.10 81 {
  protocol TCP
  lb_algo mh
  mh-port
  mh-fallback
  lb_kind DR
  real_server 192.168.0.2 81 {
  }
}
virtual_server 192.168.0.10 82 {
  protocol TCP
  lb_algo sh
  sh-fallback
  lb_kind DR
  real_server 192.168.0.2 82 {
  }
}
virtual_server 192.168.0.10 83 {
  protocol TCP
  lb_algo fo
  flag-3
  lb_kind DR
  real_server 192.168.0.2 83 {
  }
}
virtual_server 192.168.0.10 84 {
  protocol TCP
  lb_algo ovf
  lb_kind DR
  real_server 192.168.0.2 84 {
  }
}
virtual_server 192.168.0.10 85 {
  protocol TCP
  lb_algo lblc
  lb_kind DR
  real_server 192.168.0.2 85 {
  }
}
",
    ),
    file(
        "methods, weights and thresholds of single real servers",
        r"
virtual_server 192.168.0.10 80 {
  protocol TCP
  lb_algo rr
  lb_kind NAT
  weight 5
  real_server 192.168.0.2 80 {
    lvs_method DR
  }
  real_server 192.168.0.3 81 {
    lvs_method NAT
    weight 65535
    uthreshold 10
  }
  real_server 192.168.0.4 80 {
    lvs_method TUN type gre csum
    uthreshold 20
    lthreshold 5
  }
  real_server 192.168.0.5 80 {
    lvs_method TUN type gue port 5555
  }
  real_server 192.168.0.6 80 {
    lvs_method TUN type ipip
    lthreshold 5
  }
}
",
    ),
    file(
        "what is put right, ignored or misspelt",
        r"
virtual_server 192.168.0.10 80 {
  delay_lop 6
  lb_algo RR
  lb_kind DR
  protocol TCP
  persistence_timeout abc
  real_server 192.168.0.2 8080 {
    weight -1
  }
  real_server 192.168.0.3 80 {
    weight 2
  }
  real_server 192.168.0.3 80 {
    weight 9
  }
  real_server 192.168.0.400 80 {
  }
  real_server fd00::2 80 {
  }
}
virtual_server 192.168.0.10 53 {
  real_server 192.168.0.2 53 {
  }
}
virtual_server 192.168.0.10 {
  protocol TCP
  lb_algo rr
  lb_kind DR
  real_server 192.168.0.2 {
  }
}
virtual_server 192.168.0.10 54 {
  protocol TCP
  lb_algo rr
  lb_kind DR
}
virtual_server group nowhere {
  protocol TCP
  lb_algo rr
  lb_kind DR
  real_server 192.168.0.2 80 {
  }
}
",
    ),
    file(
        "a sorry server that inhibits, of another method, while every check is still to come",
        r"
virtual_server 192.168.0.10 80 {
  protocol TCP
  lb_algo rr
  lb_kind DR
  alpha
  delay_loop 600
  warmup 600
  sorry_server 192.168.0.9 80
  sorry_server_lvs_method TUN
  real_server 192.168.0.2 80 {
    TCP_CHECK {
    }
  }
  real_server 192.168.0.3 80 {
    inhibit_on_failure
    TCP_CHECK {
    }
  }
}
virtual_server 192.168.0.10 81 {
  protocol TCP
  lb_algo rr
  lb_kind DR
  delay_loop 600
  warmup 600
  quorum 2
  hysteresis 1
  sorry_server 192.168.0.9 82
  sorry_server_inhibit
  real_server 192.168.0.2 81 {
    weight 3
    TCP_CHECK {
    }
  }
}
",
    ),
];

/// The table, its lines in order.
fn table(host: &Host) -> Result<Vec<String>> {
    let mut lines: Vec<_> = host.ipvs_table()?.lines().map(|line| line.trim().to_owned()).collect();
    // With thresholds, which the saved form leaves out.
    let listed = host.check("ipvsadm", &["-L", "-n", "--thresholds"])?;
    lines.extend(listed.lines().map(|line| line.trim().to_owned()));
    lines.sort_unstable();
    Ok(lines)
}

/// Reads something again and again until it has been the same for a second: what came last is there.
fn settled<T: PartialEq + Clone + std::fmt::Debug>(
    what: &str,
    read: impl Fn() -> Result<T>,
    enough: impl Fn(&T) -> bool,
) -> Result<T> {
    let last = std::cell::RefCell::new((lab::now(), None));
    let value = wait::until(
        what,
        seconds(20),
        || {
            let value = read()?;
            let mut last = last.borrow_mut();
            if last.1.as_ref() != Some(&value) {
                *last = (lab::now(), Some(value.clone()));
            }
            Ok((lab::now().saturating_since(last.0), value))
        },
        |(same, value)| enough(value) && *same >= seconds(1),
    )?;
    Ok(value.1)
}

#[test]
fn the_table_of_each_file_is_the_one_that_keepalived_makes() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    director.sysctl("ipv6/conf/eth0/disable_ipv6", "0")?;
    director.add_address("eth0", "fd00::20/64")?;
    let empty = table(&director)?;
    for file in SERVICES {
        for (name, text) in file.included {
            director.write(name, text)?;
        }
        let process = director.start_daemon(Daemon::Keepalived, file.text)?;
        let expected = settled("keepalived's table", || table(&director), |table| *table != empty)?;
        process.stop(seconds(10))?;
        wait::until("an empty table", seconds(5), || table(&director), |table| *table == empty)?;
        println!("{}:\n  {}", file.about, expected.join("\n  "));
        let process = director.start_daemon(Daemon::Stayd, file.text)?;
        let same =
            wait::until("the same table", seconds(10), || table(&director), |table| *table == expected);
        if same.is_err() {
            assert_eq!(table(&director)?, expected, "{}", file.about);
        }
        process.stop(seconds(10))?;
        assert_eq!(table(&director)?, empty, "stayd cleans up: {}", file.about);
    }
    lab.close()
}

/// The address with a peer, as `ip` and the file write it.
const PEER: &str = "192.168.0.10 peer 192.168.9.9";

const ADDRESSES: &[File] = &[
    file(
        "two instances, a sequence of addresses, labels, another interface",
        r"
vrrp_instance A {
  interface eth0
  virtual_router_id 1
  priority 255
  virtual_ipaddress {
    192.168.0.10/24 label eth0:a
    ~SEQ(n, 11, 13) 192.168.0.${n}/32
    192.168.1.10/24 dev eth1 label eth1:b
  }
}
vrrp_instance B {
  interface eth1
  virtual_router_id 1
  priority 255
  virtual_ipaddress { 192.168.1.11 }
}
",
    ),
    file(
        "excluded addresses, of the other family too",
        r"
vrrp_instance A {
  interface eth0
  virtual_router_id 1
  priority 255
  virtual_ipaddress {
    192.168.0.10/24
  }
  virtual_ipaddress_excluded {
    192.168.0.11/24 brd + scope link
    fd00::11/64
    fd00:1::11/64 dev eth1
    fd00::12/64
  }
}
",
    ),
    file(
        "an IPv6 router of version 3",
        r"
vrrp_instance A {
  interface eth0
  virtual_router_id 1
  priority 255
  advert_int 0.5
  version 3
  virtual_ipaddress {
    fe80::10
    fd00::10/64
    fd00::11/64
    fd00::12 dev eth1
  }
}
",
    ),
    File {
        about: "a definition of a whole block, definitions in lines, conditions, inclusion",
        text: r"
$VIPS= \
  virtual_ipaddress { \
    192.168.0.${LAST}/${LENGTH} dev ${IF} \
    include vips.conf \
  }
$LAST=10
$LENGTH=25
$IF=eth0
vrrp_instance ${_INSTANCE} {
  interface $IF
  virtual_router_id 1
  priority 255
  $VIPS
  @other virtual_ipaddress_excluded { 192.168.0.99 }
  @d1 virtual_ipaddress_excluded { 192.168.0.98 }
}
",
        included: &[("vips.conf", "192.168.0.11/24 scope host\n")],
    },
    file(
        "scopes by name and number, broadcasts, prefixes that differ",
        r"
vrrp_instance A
{
interface eth0 virtual_router_id 99
virtual_router_id 1 priority 255
priority 255
virtual_ipaddress
{
192.168.0.10/24 brd 192.168.0.127 scope site
192.168.0.10/26 brd - scope 7
192.168.0.10/32 scope global
192.168.2.10/31 brd +
}
}
",
    ),
    file(
        "addresses that are put right or passed over",
        r"
vrrp_instance A {
  interface eth0
  virtual_router_id 1
  priority 255
  virtual_ipaddress {
    192.168.0.10/24
    192.168.0.300
    192.168.0.11/33
    192.168.0.12 nonsense
    192.168.0.13/24 label a-label-that-is-too-long
    fd00::10
  }
}
",
    ),
    file(
        "peers, and flags of IPv6 addresses",
        r"
vrrp_instance A {
  interface eth0
  virtual_router_id 1
  priority 255
  virtual_ipaddress {
    192.168.0.10 peer 192.168.9.9
  }
  virtual_ipaddress_excluded {
    fd00::10/64 nodad
    fd00::11/64 noprefixroute
    fd00::12/64 mngtmpaddr
    fd00::13/64 -nodad home
  }
}
",
    ),
];

/// What `ip -j addr` says of addresses, in order, without numbers that run.
fn addresses(host: &Host) -> Result<Vec<String>> {
    let text = host.check("ip", &["-j", "-d", "addr", "show"])?;
    let links: Value = serde_json::from_str(&text).unwrap();
    let mut addresses = Vec::new();
    for link in links.as_array().unwrap() {
        for address in link["addr_info"].as_array().unwrap() {
            let mut address = address.as_object().unwrap().clone();
            address.remove("tentative");
            addresses.push(format!("{} {}", link["ifname"], Value::from(address)));
        }
    }
    addresses.sort_unstable();
    Ok(addresses)
}

/// keepalived 2.2.7 does not find an address with a peer again when it stops.
fn take_leftover(host: &Host, file: &File) -> Result {
    if file.text.contains(PEER) {
        let words = ["addr", "del", PEER, "dev", "eth0"];
        host.check("ip", &words.map(|word| word.split(' ')).into_iter().flatten().collect::<Vec<_>>())?;
    }
    Ok(())
}

#[test]
fn the_addresses_of_each_file_are_those_that_keepalived_sets() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let director = lab.host("d1")?;
    for (name, address) in [("eth0", "192.168.0.20/24"), ("eth1", "192.168.1.20/24")] {
        director.connect(&lan, name, &[address])?;
        director.sysctl(&format!("ipv6/conf/{name}/disable_ipv6"), "0")?;
        director.sysctl(&format!("ipv6/conf/{name}/accept_dad"), "0")?;
    }
    director.add_address("eth0", "fe80::20/64")?;
    director.add_address("eth0", "fd00::20/64")?;
    let before = settled("the host's own addresses", || addresses(&director), |_| true)?;
    for file in ADDRESSES {
        for (name, text) in file.included {
            director.write(name, text)?;
        }
        let process = director.start_daemon(Daemon::Keepalived, file.text)?;
        let expected = settled("keepalived's addresses", || addresses(&director), |now| *now != before)?;
        process.stop(seconds(5))?;
        take_leftover(&director, file)?;
        wait::until("no address", seconds(5), || addresses(&director), |now| *now == before)?;
        let added: Vec<_> = expected.iter().filter(|address| !before.contains(address)).collect();
        println!("{}: {added:#?}", file.about);
        let process = director.start_daemon(Daemon::Stayd, file.text)?;
        let same =
            wait::until("the same addresses", seconds(10), || addresses(&director), |now| *now == expected);
        if same.is_err() {
            assert_eq!(addresses(&director)?, expected, "{}", file.about);
        }
        process.stop(seconds(5))?;
        wait::until("no address", seconds(5), || addresses(&director), |now| *now == before)?;
    }
    lab.close()
}
