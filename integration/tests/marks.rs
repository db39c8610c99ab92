//! What `nftables_ipvs` puts before IPVS: packets to the addresses of groups get firewall marks, by the tables that
//! keepalived 2.2.7 makes (measured). Which services then have these marks is in `ipvs_beside_keepalived`.

use lab::{Daemon, Host, Lab, Result};

/// Protocol, first and last address, first and last port, mark.
const RANGES: [&str; 8] = [
    "6/10.9.3.20/10.9.3.20/80/80/1000",
    "6/10.9.3.21/10.9.3.22/443/443/1000",
    "6/10.9.7.1/10.9.7.1/80/80/1004",
    "17/10.9.5.1/10.9.5.1/80/80/1001",
    "17/10.9.5.2/10.9.5.2/443/443/1001",
    "132/10.9.6.4/10.9.6.5/90/90/1002",
    "6/fd00::1/fd00::1/80/80/1003",
    "6/fd00::4/fd00::9/81/81/1003",
];

/// As keepalived's.
const TABLES: &str = "table ip keepalived_ipvs {
	map tcp_map {
		type ipv4_addr . inet_service : mark
		flags interval
		elements = { 10.9.3.20 . 80 : 0x000003e8,
			     10.9.3.21-10.9.3.22 . 443 : 0x000003e8,
			     10.9.7.1 . 80 : 0x000003ec }
	}

	map udp_map {
		type ipv4_addr . inet_service : mark
		flags interval
		elements = { 10.9.5.1 . 80 : 0x000003e9,
			     10.9.5.2 . 443 : 0x000003e9 }
	}

	map sctp_map {
		type ipv4_addr . inet_service : mark
		flags interval
		elements = { 10.9.6.4/31 . 90 : 0x000003ea }
	}

	chain in {
		type filter hook input priority filter - 1; policy accept;
		meta mark set ip daddr . tcp dport map @tcp_map return
		meta mark set ip daddr . udp dport map @udp_map return
		meta mark set ip daddr . sctp dport map @sctp_map return
	}
}
table ip6 keepalived_ipvs {
	map tcp_map {
		type ipv6_addr . inet_service : mark
		flags interval
		elements = { fd00::1 . 80 : 0x000003eb,
			     fd00::4-fd00::9 . 81 : 0x000003eb }
	}

	chain in {
		type filter hook input priority filter - 1; policy accept;
		meta mark set ip6 daddr . tcp dport map @tcp_map return
	}
}
";

/// Has packets be marked, step by step, by the code that the checker process uses.
fn mark(host: &Host, words: &[&str]) -> Result<String> {
    let program = Daemon::Stayd.path()?.with_file_name("examples/mark_rules").display().to_string();
    host.check(&program, &[&["keepalived_ipvs", "-1"], words].concat())
}

fn ruleset(host: &Host) -> Result<String> {
    host.check("nft", &["list", "ruleset"])
}

#[test]
fn the_tables_that_mark_packets_are_those_of_keepalived_and_go_without_a_trace() -> Result {
    let lab = Lab::native()?;
    let director = lab.host("d1")?;
    mark(&director, &RANGES)?;
    assert_eq!(ruleset(&director)?, TABLES);
    // What another process left behind is replaced, and what is there is changed.
    mark(&director, &[&["6/10.1.1.1/10.1.1.1/9/9/7", ","][..], &RANGES].concat())?;
    assert_eq!(ruleset(&director)?, TABLES);
    director.check("nft", &["add", "table", "ip", "foreign"])?;
    mark(&director, &[RANGES[0], ",", "none"])?;
    assert_eq!(ruleset(&director)?, "table ip foreign {\n}\n");
    lab.close()
}

#[test]
fn packets_get_the_mark_of_their_address_and_port_and_others_none() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let (director, client) = (lab.host("d1")?, lab.host("c1")?);
    director.connect(&lan, "eth0", &["192.168.0.20/24", "192.168.0.21/24"])?;
    client.connect(&lan, "eth0", &["192.168.0.50/24"])?;
    for host in [&director, &client] {
        host.sysctl("ipv6/conf/eth0/disable_ipv6", "0")?;
        host.sysctl("ipv6/conf/eth0/accept_dad", "0")?;
    }
    director.add_address("eth0", "fd00::20/64")?;
    client.add_address("eth0", "fd00::50/64")?;
    director.check(
        "nft",
        &["add table inet count; add chain inet count c { type filter hook input priority 0; }"],
    )?;
    for number in 0..4 {
        director.check(
            "nft",
            &[&format!("add rule inet count c meta l4proto {{ tcp, udp }} meta mark {number} counter")],
        )?;
    }
    mark(
        &director,
        &[
            "6/192.168.0.20/192.168.0.20/80/80/1",
            "6/192.168.0.21/192.168.0.30/0/79/2",
            "17/192.168.0.20/192.168.0.20/80/80/3",
            "6/fd00::20/fd00::20/443/443/3",
        ],
    )?;
    // One datagram each; a connection is refused at once, by its first packet.
    let send = |kind: &str, address: &str, port: u16| {
        let program = format!(
            "import socket\ns = socket.socket(socket.AF_INET6 if ':' in '{address}' else socket.AF_INET, \
             socket.SOCK_{kind})\ns.settimeout(20)\ntry:\n    s.connect(('{address}', {port}))\n    s.send(b'x')\nexcept \
             ConnectionRefusedError:\n    pass\n"
        );
        client.check("python3", &["-c", &program])
    };
    send("STREAM", "192.168.0.20", 80)?;
    send("DGRAM", "192.168.0.20", 80)?;
    send("STREAM", "fd00::20", 443)?;
    send("STREAM", "192.168.0.21", 79)?;
    send("STREAM", "192.168.0.21", 80)?;
    send("STREAM", "192.168.0.20", 81)?;
    send("DGRAM", "192.168.0.21", 79)?;
    let counted: Vec<_> = director
        .check("nft", &["list", "chain", "inet", "count", "c"])?
        .lines()
        .filter_map(|line| Some(line.split_once("packets ")?.1.split(' ').next()?.parse::<u32>().unwrap()))
        .collect();
    assert_eq!(counted, [3, 1, 1, 2], "unmarked, and by mark");
    lab.close()
}
