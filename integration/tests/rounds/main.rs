//! How often each kind of check asks a server that is bad, from the start or later, and when it says that it is down:
//! beside keepalived 2.2.7.

use std::collections::BTreeMap;
use std::fmt::Write;

use lab::site::ExitView;
use lab::wait::seconds;
use lab::{Daemon, Error, Host, Lab, Process, Result};

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// See there.
const SERVERS: &str = include_str!("servers.py");

/// How long servers that are good at first stay so.
const GOOD: u32 = 6;
/// How long they are watched from the first question on.
const WATCH: u32 = 26;

/// A check goes on after 1 s within a row and after 4 s else, or after 2 s and 5 s where it has to wait for an answer; both
/// count from its end, so that a slow machine makes them longer only.
const BETWEEN: f64 = 3.5;

const KINDS: [(&str, &str); 7] = [
    ("TCP", "TCP_CHECK {"),
    ("HTTP", "HTTP_GET {\n      url {\n        path /\n        status_code 200\n      }"),
    ("SMTP", "SMTP_CHECK {"),
    ("DNS", "DNS_CHECK {\n      name a.example\n      type A"),
    ("UDP", "UDP_CHECK {"),
    ("MISC", "MISC_CHECK {\n      misc_path \"/run/ask PORT\""),
    ("PING", "PING_CHECK {"),
];

/// Says that it was run, and fails while the server is bad.
const COMMAND: &str = "#!/bin/sh\necho $1 > /run/asked\n[ ! -e /run/bad.$1 ]\n";

/// Each server: kind, port, for how long it is good.
fn servers() -> Vec<(&'static str, u32, u32)> {
    let kinds = KINDS.iter().enumerate();
    let all = kinds.flat_map(|(index, (kind, _))| {
        let port = 2001 + 2 * u32::try_from(index).unwrap_or_default();
        [(*kind, port, 0), (*kind, port + 1, GOOD)]
    });
    // Echo requests have no port, and all of loopback answers them or does not.
    all.filter(|(kind, _, good)| *kind != "PING" || *good == 0).collect()
}

fn configuration() -> String {
    let mut text =
        "global_defs {\n  script_user root\n  enable_script_security\n  lvs_notify_fifo /run/lvs\n}\n"
            .to_owned();
    for (kind, port, _) in servers() {
        let check = KINDS.iter().find(|(name, _)| *name == kind).map_or("", |(_, check)| check);
        let check = check.replace("PORT", &port.to_string());
        let times = "warmup 0\n      retry 2\n      delay_before_retry 1";
        let timeout = if kind == "MISC" { "misc_timeout 2" } else { "connect_timeout 1" };
        let _ = write!(
            text,
            "virtual_server 10.0.0.1 {port} {{\n  delay_loop 4\n  lvs_sched rr\n  lvs_method NAT\n  protocol TCP\n  \
             real_server 127.0.0.1 {port} {{\n    {check}\n      {times}\n      {timeout}\n    }}\n  }}\n}}\n"
        );
    }
    text
}

struct Side {
    daemon: Process,
    servers: Process,
}

fn start(host: &Host, daemon: Daemon) -> Result<Side> {
    host.check("ip", &["link", "set", "lo", "up"])?;
    host.sysctl("ipv4/icmp_echo_ignore_all", "1")?;
    let ask = host.write("ask", COMMAND)?.display().to_string();
    host.check("install", &["-m", "755", &ask, "/run/ask"])?;
    let lines: Vec<_> = servers().iter().map(|(kind, port, good)| format!("{port} {kind} {good}")).collect();
    let list = host.write("list", &(lines.join("\n") + "\n"))?.display().to_string();
    let program = host.write("servers.py", SERVERS)?.display().to_string();
    let servers = host.start("servers", "python3", &[&program, &list, &WATCH.to_string()])?;
    servers.wait_for_log("ready", seconds(30))?;
    Ok(Side { daemon: host.start_daemon(daemon, &configuration())?, servers })
}

/// For each kind, and for how long it was good: the failures until it was said to be down, and what follows each failure: `r`
/// for a retry, `p` for a period; as many as all have.
fn rounds(log: &str) -> BTreeMap<(String, String), (String, String)> {
    let results = log.lines().filter_map(|line| line.strip_prefix("result "));
    let result = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let (kind, good, failures) = (words.next()?, words.next()?, words.next()?);
        let pauses = words.filter_map(|word| word.parse::<f64>().ok());
        let letters: String = pauses.map(|pause| if pause < BETWEEN { 'r' } else { 'p' }).collect();
        let most = if letters.contains("rr") && letters.matches('r').count() > 2 { 6 } else { 4 };
        Some(((kind, good), (failures, letters.chars().take(most).collect())))
    };
    results.filter_map(result).collect()
}

#[test]
fn each_kind_of_check_asks_a_bad_server_in_the_rounds_of_keepalived() -> Result {
    let lab = Lab::with_ipvs()?;
    let mut sides = Vec::new();
    for daemon in BOTH {
        let host = lab.director(&format!("d-{}", &daemon.name()[..1]))?;
        sides.push((start(&host, daemon)?, host));
    }
    let mut all = Vec::new();
    for (side, _) in &sides {
        let exit = side.servers.wait_for_exit(seconds(120))?;
        assert_eq!(exit, ExitView::Code(0), "{}", side.servers.log()?);
        all.push(rounds(&side.servers.log()?));
        side.daemon.stop(seconds(20))?;
    }
    let [theirs, ours] = all.as_slice() else { return Err(Error::Story("two daemons".to_owned())) };
    for (server, seen) in theirs {
        println!("{server:?}: {seen:?}");
    }
    assert_eq!(theirs, ours);
    let of = |kind: &str, good: u32| {
        let (failures, letters) = &theirs[&(kind.to_owned(), good.to_string())];
        format!("{failures} {letters}")
    };
    assert_eq!([of("TCP", 0), of("TCP", GOOD)], ["1 prrprr", "3 rrprrp"]);
    assert_eq!([of("SMTP", 0), of("SMTP", GOOD)], ["3 rrprrp", "3 rrprrp"]);
    for kind in ["HTTP", "DNS", "UDP", "MISC"] {
        assert_eq!([of(kind, 0), of(kind, GOOD)], ["1 pppp", "3 rrpp"], "{kind}");
    }
    assert_eq!(of("PING", 0), "1 pppp");
    lab.close()
}
