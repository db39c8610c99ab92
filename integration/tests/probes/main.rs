//! Checks that talk: servers good and bad, asked by keepalived and then by stayd on the same host, with the same verdicts
//! in the same IPVS table. Where the two differ on purpose the row says so, and `crates/checker/MEASURED.md` says why.
//!
//! A server that has to be up starts as down (`alpha`), and one that has to be down starts as up: each row that is right
//! has been judged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Result};

/// What a daemon says of a server: its weight, or that it is not there.
type Verdict = Option<u32>;
const UP: Verdict = Some(10);
const DOWN: Verdict = None;

struct Row {
    check: &'static str,
    /// Name in servers.py, or one of the real servers, or nobody.
    server: &'static str,
    keepalived: Verdict,
    stayd: Verdict,
}

const fn both(check: &'static str, server: &'static str, verdict: Verdict) -> Row {
    Row { check, server, keepalived: verdict, stayd: verdict }
}

const fn stricter(check: &'static str, server: &'static str) -> Row {
    Row { check, server, keepalived: UP, stayd: DOWN }
}

const SMTP: &str = "SMTP_CHECK {\nLINES}";
const DNS: &str = "DNS_CHECK {\nLINES}";
const UDP: &str = "UDP_CHECK {\nLINES}";
const UDP_REPLY: &str = "UDP_CHECK {\nLINESrequire_reply\n}";
const UDP_PONG: &str = "UDP_CHECK {\nLINESrequire_reply 7x6f6e67\n}";
const UDP_LONG: &str = "UDP_CHECK {\nLINESrequire_reply 706f\nmin_reply_length 4\nmax_reply_length 400\n}";
const PING: &str = "PING_CHECK {\nLINES}";
const PING_V6: &str = "PING_CHECK {\nLINESconnect_ip V6\n}";

const ROWS: &[Row] = &[
    both(SMTP, "opensmtpd", UP),
    both(SMTP, "aiosmtpd", UP),
    both("SMTP_CHECK {\nLINEShelo_name checker.example\n}", "aiosmtpd", UP),
    both(SMTP, "smtp", UP),
    both(SMTP, "smtp-bare-ends", UP),
    both(SMTP, "smtp-421", DOWN),
    both(SMTP, "smtp-helo-500", DOWN),
    both(SMTP, "smtp-bye-500", UP),
    both(SMTP, "smtp-slow", UP),
    both(SMTP, "smtp-long-line", DOWN),
    both(SMTP, "smtp-letters", DOWN),
    both(SMTP, "smtp-half-closes", DOWN),
    both(SMTP, "tcp-silent", DOWN),
    both(SMTP, "tcp-closes", DOWN),
    both(SMTP, "tcp-resets", DOWN),
    both(SMTP, "tcp-floods", DOWN),
    both(SMTP, "closed", DOWN),
    both(SMTP, "nobody", DOWN),
    Row { check: SMTP, server: "smtp-several-lines", keepalived: DOWN, stayd: UP },
    Row { check: SMTP, server: "smtp-bare-code", keepalived: DOWN, stayd: UP },
    both("DNS_CHECK {\nLINEStype A\nname here.example\n}", "dnsmasq", UP),
    both("DNS_CHECK {\nLINEStype A\nname nowhere.test\n}", "dnsmasq", DOWN),
    both(DNS, "dns", UP),
    both(DNS, "dns-nxdomain", DOWN),
    both(DNS, "dns-servfail-then-good", DOWN),
    both(DNS, "dns-truncated", UP),
    both(DNS, "dns-wrong-id", DOWN),
    both(DNS, "dns-wrong-id-then-good", UP),
    both(DNS, "dns-not-an-answer", DOWN),
    both(DNS, "dns-other-source", DOWN),
    both(DNS, "dns-other-question", UP),
    both(DNS, "dns-no-question", UP),
    both(DNS, "dns-loop", UP),
    both(DNS, "dns-huge", UP),
    both(DNS, "dns-half-a-header", DOWN),
    both(DNS, "dns-refused", DOWN),
    both(DNS, "dns-no-such-code", DOWN),
    both(DNS, "dns-again-and-again", UP),
    both(DNS, "dns-wrong-id-again-and-again", DOWN),
    both(DNS, "udp-empty", DOWN),
    both(DNS, "udp-silent", DOWN),
    both(DNS, "closed", DOWN),
    both(DNS, "nobody", DOWN),
    both(DNS, "unreachable", DOWN),
    both(DNS, "prohibited", DOWN),
    both(UDP, "udp-silent", UP),
    both(UDP, "udp-pong", UP),
    both(UDP, "udp-empty", UP),
    both(UDP, "closed", DOWN),
    both(UDP, "unreachable", DOWN),
    both(UDP, "prohibited", DOWN),
    both(UDP_REPLY, "closed", DOWN),
    both(UDP_REPLY, "unreachable", DOWN),
    both(UDP_REPLY, "udp-empty", UP),
    both(UDP_REPLY, "udp-silent", DOWN),
    both(UDP_REPLY, "udp-pong", UP),
    both(UDP_REPLY, "udp-other-source", DOWN),
    both(UDP_PONG, "udp-pong", UP),
    both(UDP_PONG, "udp-ping-then-pong", DOWN),
    both(UDP_PONG, "udp-again-and-again", UP),
    both(UDP_PONG, "udp-empty", UP),
    both(UDP_PONG, "udp-short", UP),
    both(UDP_PONG, "udp-long", DOWN),
    both(UDP_LONG, "udp-long", UP),
    both(UDP_LONG, "udp-short", DOWN),
    both(UDP_LONG, "udp-huge", DOWN),
    both(PING, "ping", UP),
    both(PING, "ping-silent", DOWN),
    both(PING, "ping-other-id", DOWN),
    stricter(PING, "ping-other-number"),
    stricter(PING, "ping-other-data"),
    stricter(PING, "ping-other-source"),
    stricter(PING, "ping-truncated"),
    stricter(PING, "ping-longer"),
    both(PING, "ping-wrong-sum", DOWN),
    stricter(PING, "ping-other-code"),
    both(PING, "ping-wrong-then-good", UP),
    both(PING_V6, "ping", UP),
    both(PING_V6, "ping-silent", DOWN),
    both(PING_V6, "ping-other-id", DOWN),
    stricter(PING_V6, "ping-other-number"),
    stricter(PING_V6, "ping-other-data"),
    stricter(PING_V6, "ping-other-source"),
    stricter(PING_V6, "ping-truncated"),
    stricter(PING_V6, "ping-longer"),
    stricter(PING_V6, "ping-other-code"),
    both(PING_V6, "ping-wrong-then-good", UP),
    both(PING, "nobody", DOWN),
    both(PING, "unreachable", DOWN),
    both(PING, "prohibited", DOWN),
    both("MISC_CHECK {\nLINESmisc_path \"/usr/bin/test -e /\"\n}", "nobody", UP),
    both("MISC_CHECK {\nLINESmisc_path \"/usr/bin/test -e /none\"\n}", "nobody", DOWN),
    both("MISC_CHECK {\nLINESmisc_path \"/usr/bin/test -w /etc/passwd\"\nuser nobody\n}", "nobody", DOWN),
    both("MISC_CHECK {\nLINESmisc_path \"/usr/bin/grep -q x /none\"\n}", "nobody", DOWN),
    both("MISC_CHECK {\nLINESmisc_path \"/usr/bin/grep -q x /none\"\nmisc_dynamic\n}", "nobody", Some(0)),
    both("MISC_CHECK {\nLINESmisc_path \"/usr/bin/env /none\"\nmisc_dynamic\n}", "nobody", Some(125)),
    both("MISC_CHECK {\nLINESmisc_path \"/usr/bin/test -e /none\"\nmisc_dynamic\n}", "nobody", DOWN),
    both("MISC_CHECK {\nLINESmisc_path \"/usr/bin/sleep 100\"\nmisc_timeout 1\n}", "nobody", DOWN),
];

/// The address of the server of a row: all are on one host, but for those that nobody has, or that nobody can reach.
fn address(number: usize) -> String {
    match ROWS[number].server {
        "nobody" => "192.168.0.250".to_owned(),
        "unreachable" => format!("192.168.2.{number}"),
        "prohibited" => format!("192.168.3.{number}"),
        _ => format!("192.168.1.{number}"),
    }
}

/// The same for checks over IPv6.
fn address_v6(number: usize) -> String {
    format!("fd00::1:{number}")
}

fn verdict(row: &Row, daemon: Daemon) -> Verdict {
    if daemon == Daemon::Stayd { row.stayd } else { row.keepalived }
}

/// A virtual server for each row; its port is the row's number and a thousand.
fn configuration(daemon: Daemon) -> String {
    let mut text = "global_defs {\n  script_user root\n  enable_script_security\n}\n".to_owned();
    for (number, row) in ROWS.iter().enumerate() {
        let lines = if verdict(row, daemon).is_some() { "alpha\n" } else { "" };
        let check = row.check.replace("LINES", lines).replace("V6", &address_v6(number));
        let port = if row.check.starts_with("SMTP") { 25 } else { 53 };
        write!(
            text,
            "virtual_server 192.168.0.10 {} {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\ndelay_loop 2\nwarmup 1\n\
             connect_timeout 2\nretry 1\ndelay_before_retry 1\nreal_server {} {port} {{\nweight 10\n{check}\n}}\n}}\n",
            1000 + number,
            address(number),
        )
        .unwrap();
    }
    text
}

/// What the table says of each row.
fn verdicts(director: &Host) -> Result<Vec<Verdict>> {
    let table = director.ipvs_table()?;
    Ok((0..ROWS.len())
        .map(|number| {
            let service = format!("-a -t 192.168.0.10:{} ", 1000 + number);
            let line = table.lines().find(|line| line.starts_with(&service))?;
            line.rsplit_once("-w ")?.1.trim().parse().ok()
        })
        .collect())
}

fn wrong(found: &[Verdict], daemon: Daemon) -> Vec<String> {
    let rows = ROWS.iter().zip(found).filter(|(row, found)| verdict(row, daemon) != **found);
    rows.map(|(row, found)| format!("{} of {}: {found:?}", row.check.replace('\n', " "), row.server))
        .collect()
}

#[test]
fn servers_good_and_bad_get_the_same_verdicts_as_from_keepalived() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/23", "fd00::20/64"])?;
    director.check("ip", &["route", "add", "192.168.2.0/23", "via", "192.168.0.2"])?;
    let servers = lab.host("servers")?;
    let mut own = vec!["192.168.0.2/23".to_owned(), "fd00::2/64".to_owned()];
    for (number, row) in ROWS.iter().enumerate() {
        match row.check {
            PING_V6 => own.push(format!("{}/64", address_v6(number))),
            _ if address(number).starts_with("192.168.1.") => own.push(format!("{}/23", address(number))),
            _ => {}
        }
    }
    let own: Vec<_> = own.iter().map(String::as_str).collect();
    servers.connect(&lan, "eth0", &own)?;
    // It is the router on the way to nobody, and says so as often as it is asked.
    for (name, value) in
        [("ipv4/icmp_ratelimit", "0"), ("ipv4/icmp_echo_ignore_all", "1"), ("ipv6/icmp/echo_ignore_all", "1")]
    {
        servers.sysctl(name, value)?;
    }
    servers
        .check("nft", &["add table ip t; add chain ip t f { type filter hook prerouting priority 0; }"])?;
    for (network, why) in [("192.168.2.0/24", "host-unreachable"), ("192.168.3.0/24", "admin-prohibited")] {
        servers.check("nft", &[&format!("add rule ip t f ip daddr {network} reject with icmp {why}")])?;
    }
    let started = start_servers(&servers)?;

    for daemon in [Daemon::Keepalived, Daemon::Stayd] {
        let process = director.start_daemon(daemon, &configuration(daemon))?;
        let right = wait::until(
            &format!("{daemon:?}'s verdicts"),
            seconds(60),
            || Ok(wrong(&verdicts(&director)?, daemon)),
            Vec::is_empty,
        );
        if right.is_err() {
            println!("{}", process.log()?);
        }
        right?;
        println!("{daemon:?}: {} verdicts as expected", ROWS.len());
        if daemon == Daemon::Stayd {
            // The table changes before the log tells of it.
            for reason in [
                "the greeting has the SMTP code 421",
                "the answer to HELO has the SMTP code 500",
                "the answer is too long",
                "connection reset",
                "the DNS response code is 3 (NXDOMAIN)",
                "the reply is not the one that is required",
                "the reply has a length of 2 bytes",
                "the script took too long",
                "the script ended with status 1",
            ] {
                process.wait_for_log(reason, seconds(20))?;
            }
        }
        process.stop(seconds(20))?;
    }
    drop(started);
    lab.close()
}

/// Debian's servers, and the others.
fn start_servers(host: &Host) -> Result<Vec<lab::Process>> {
    let mut processes = Vec::new();
    // The kernel of the lab does not see every folder of this one.
    host.write("serving.py", include_str!("../python/serving.py"))?;
    let program = host.write("servers.py", include_str!("servers.py"))?;
    let mut others = vec!["-u".to_owned(), program.display().to_string()];
    for (number, row) in ROWS.iter().enumerate() {
        let address = address(number);
        match row.server {
            "aiosmtpd" => {
                let listen = format!("{address}:25");
                let name = format!("smtp-{number}");
                let args = ["/usr/bin/aiosmtpd", "-n", "-l", &listen, "-c", "aiosmtpd.handlers.Sink"];
                processes.push(host.start(&name, "/usr/bin/python3", &args)?);
            }
            "opensmtpd" => {
                let text = format!(
                    "listen on {address} port 25\naction \"drop\" mda \"/bin/cat\"\nmatch from any for local action \"drop\"\n"
                );
                let file = host.write("smtpd.conf", &text)?;
                // Its socket and its queue are its own.
                let script = format!(
                    "mount -t tmpfs run /run && mkdir -p /var/spool/smtpd && mount -t tmpfs -o mode=711 spool /var/spool/smtpd && \
                     exec /usr/sbin/smtpd -d -f {}",
                    file.display()
                );
                let process = host.start("opensmtpd", "unshare", &["-m", "sh", "-c", &script])?;
                let listening = |output: &String| output.contains(&format!("{address}:25 "));
                wait::until("opensmtpd", seconds(30), || host.check("ss", &["-ltn"]), listening)?;
                processes.push(process);
            }
            "dnsmasq" => {
                let listen = format!("--listen-address={address}");
                let args = [
                    "--keep-in-foreground",
                    "--conf-file=/dev/null",
                    "--no-resolv",
                    "--no-hosts",
                    "--bind-interfaces",
                    "--except-interface=lo",
                    "--user=root",
                    "--pid-file=",
                    "--local=/test/",
                    "--address=/here.example/192.0.2.1",
                    &listen,
                ];
                processes.push(host.start(&format!("dns-{number}"), "/usr/sbin/dnsmasq", &args)?);
            }
            behaviour if row.check == PING_V6 => others.extend([behaviour.to_owned(), address_v6(number)]),
            behaviour => others.extend([behaviour.to_owned(), address]),
        }
    }
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    let process = host.start("servers", "/usr/bin/python3", &others)?;
    process.wait_for_log("ready", seconds(20))?;
    processes.push(process);
    Ok(processes)
}
