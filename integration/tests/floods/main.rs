//! Servers that never stop talking, all checked at once and for as long as the story takes: **each is down with its reason, the
//! checker's memory is what it was before them, and who fails beside them is noticed.**

use std::fmt::Write as _;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result};
use nix::sys::signal::Signal;

/// The port of servers.py, the check, and why the server is down.
const FLOODS: &[(u16, &str, &str)] = &[
    (8001, "HTTP_GET {\nLINESurl {\npath /\nstatus_code 200\n}\n}", "a head longer than 4096 bytes"),
    (8002, "HTTP_GET {\nLINESurl {\npath /\nregex \"needle\"\n}\n}", "an answer without end"),
    (
        8003,
        "HTTP_GET {\nLINESurl {\npath /\ndigest 00000000000000000000000000000000\n}\n}",
        "an answer without end",
    ),
    (8004, "HTTP_GET {\nLINESurl {\npath /\nstatus_code 200\n}\n}", "an answer without end"),
    (8443, "SSL_GET {\nLINESurl {\npath /\nstatus_code 200\n}\n}", "a head longer than 4096 bytes"),
    (8444, "SSL_GET {\nLINESurl {\npath /\nregex \"needle\"\n}\n}", "an answer without end"),
    (8014, "SSL_GET {\nLINESurl {\npath /\nstatus_code 200\n}\n}", "TLS: "),
    (8005, "SMTP_CHECK {\nLINES}", "the answer is too long"),
    (8006, "SMTP_CHECK {\nLINES}", "the answer is too long"),
    (8007, "AMQP_CHECK {\nLINES}", "timed out"),
    (8008, "AMQP_CHECK {\nLINES}", "no answer of an AMQP broker"),
    (8009, "GRPC_CHECK {\nLINES}", "timed out"),
    (8010, "GRPC_CHECK {\nLINES}", "timed out"),
    (8011, "GRPC_CHECK {\nLINES}", "no answer of a gRPC server"),
    (8012, "GRPC_CHECK {\nLINES}", "the answer is too long"),
    (8013, "GRPC_CHECK {\nLINES}", "timed out"),
    (8014, "GRPC_CHECK {\nLINEStls\n}", "TLS: "),
    (8015, "AMQP_CHECK {\nLINES}", "the answer is too long"),
    (8016, "GRPC_CHECK {\nLINES}", "timed out"),
    (8053, "DNS_CHECK {\nLINES}", "timed out"),
    (8054, "UDP_CHECK {\nLINESrequire_reply 01\n}", "the reply is not the one that is required"),
    (8055, "UDP_CHECK {\nLINESrequire_reply 01\n}", "the reply has a length of 256 bytes"),
];

/// The port of a server that is fine, until it is gone.
const FINE: u16 = 7000;

/// A virtual server for each, the server that is fine last.
fn configuration(floods: bool) -> String {
    let mut text = String::new();
    let fine = (FINE, "TCP_CHECK {\nLINES}", "");
    let rows = FLOODS.iter().filter(|_| floods).chain([&fine]);
    for (number, (port, check, _)) in (0..).zip(rows) {
        let host = if *port == FINE { "192.168.0.2" } else { "127.0.0.1" };
        let lines = format!("connect_ip {host}\nconnect_port {port}\nconnect_timeout 2\nretry 0\nwarmup 0\n");
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "virtual_server 192.168.0.10 {} {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\ndelay_loop 1\n\
             real_server 192.168.1.{} {port} {{\n{}\n}}\n}}\n",
            1000 + number,
            number + 1,
            check.replace("LINES", &lines),
        );
    }
    text
}

/// The most memory that the checker has had, in KiB.
fn peak(director: &Host, stayd: &Process) -> Result<u64> {
    let mut peaks = Vec::new();
    for pid in stayd.tree()? {
        let status = director.check("cat", &[&format!("/proc/{pid}/status")])?;
        let line = |name: &str| {
            let found = status.lines().find_map(|line| line.strip_prefix(name));
            found.map(|rest| rest.trim().trim_end_matches(" kB").to_owned()).unwrap_or_default()
        };
        peaks.push(line("VmHWM:").parse().unwrap_or(0));
    }
    // The parent comes first, and the checker is its only child.
    Ok(peaks.last().copied().unwrap_or(0))
}

/// MB that the servers have sent.
fn sent(servers: &Process) -> Result<u64> {
    let log = servers.log()?;
    let last = log.lines().rfind(|line| line.starts_with("sent ")).unwrap_or_default();
    Ok(last.split_whitespace().filter_map(|word| word.split_once(':')?.1.parse::<u64>().ok()).sum())
}

#[test]
fn servers_without_end_cost_the_checker_no_memory_and_no_time() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    director.check("ip", &["route", "add", "192.168.1.0/24", "dev", "eth0"])?;
    let folder = director.folder().display().to_string();
    let [key, certificate] = ["key.pem", "cert.pem"].map(|name| format!("{folder}/{name}"));
    let make = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=web.example";
    let mut args: Vec<_> = make.split(' ').collect();
    args.extend(["-keyout", &key, "-out", &certificate]);
    director.check("openssl", &args)?;
    director.write("serving.py", include_str!("../python/serving.py"))?;
    let program = director.write("servers.py", include_str!("servers.py"))?.display().to_string();
    let servers = director.start("servers", "/usr/bin/python3", &["-u", &program, &folder])?;
    servers.wait_for_log("ready", seconds(30))?;
    let host = lab.host("s1")?;
    host.connect(&lan, "eth0", &["192.168.0.2/24"])?;
    let fine = host.listen(FINE)?;

    let stayd = director.start_daemon(Daemon::Stayd, &configuration(false))?;
    let live = |table: &String| table.lines().filter(|line| line.starts_with("-a ")).count();
    let table = |what: &str, servers: usize| {
        wait::until(what, seconds(90), || Ok(live(&director.ipvs_table()?)), |live| *live == servers)
    };
    stayd.wait_for_log("passed its check", seconds(30))?;
    let before = peak(&director, &stayd)?;
    director.write("stayd.conf", &configuration(true))?;
    stayd.signal(Signal::SIGHUP)?;
    stayd.wait_for_log("virtual server 192.168.0.10 1001 has its quorum", seconds(30))?;
    table("all who have no end to be out", 1)?;
    for (number, (port, check, reason)) in (0..).zip(FLOODS) {
        let down = format!(":{port} of 192.168.0.10 {} is down: ", 1000 + number);
        // The table changes before the log tells of it.
        stayd.wait_for_log(&down, seconds(90))?;
        let log = stayd.log()?;
        let told = log.lines().find_map(|line| line.split_once(&down)).map(|(_, reason)| reason);
        println!("{port}, {}: {}", check.split(' ').next().unwrap_or_default(), told.unwrap_or_default());
        assert!(told.is_some_and(|told| told.contains(reason)), "{port}: {reason}: {told:?}\n{log}");
    }
    // They are checked on: again and again as much.
    wait::until("half a gigabyte", seconds(90), || sent(&servers), |sent| *sent > 500)?;
    let after = peak(&director, &stayd)?;
    println!(
        "the checker's peak: {before} KiB without them, {after} KiB with them, after {} MB",
        sent(&servers)?
    );
    assert!(after < before + 24 * 1024, "{before} KiB before, {after} KiB after");
    drop(fine);
    table("who fails beside them to be noticed", 0)?;
    stayd.stop(seconds(20))?;
    lab.close()
}
