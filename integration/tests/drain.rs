//! `drain_timeout`: a reload that takes a real server out of the file cuts none of its connections.

use lab::wait::seconds;
use lab::{Daemon, Host, Lab, Lan, Process, Result};
use nix::sys::signal::Signal;

const VIP: &str = "192.168.0.100";
const SERVERS: [(&str, &str); 2] = [("s1", "192.168.0.11"), ("s2", "192.168.0.12")];

/// Answers each line with its own name.
const SERVER: &str = "
import socketserver, sys
class Line(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(sys.argv[1].encode() + b'\\n')
            self.wfile.flush()
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
with Server(('', 80), Line) as server:
    print('ready', flush=True)
    server.serve_forever()
";

/// Holds one connection to each server, says who answers on each, again and again, and who answers a new one. When the file
/// `close` appears it closes the one to s1.
const CLIENT: &str = "
import os, socket, sys, time
vip, close = sys.argv[1:]
def connect():
    stream = socket.create_connection((vip, 80), 5)
    stream.settimeout(5)
    return stream
def ask(stream):
    stream.sendall(b'who\\n')
    return stream.recv(10).decode().strip()
held = {}
while len(held) < 2:
    stream = connect()
    held.setdefault(ask(stream), stream)
while True:
    for name, stream in list(held.items()):
        assert ask(stream) == name, name
    stream = connect()
    print('held', *sorted(held), 'new', ask(stream), flush=True)
    stream.close()
    if os.path.exists(close) and 's1' in held:
        held.pop('s1').close()
    time.sleep(0.1)
";

fn file(timeout: u32, servers: &[&str]) -> String {
    let server = |address: &&str| format!("  real_server {address} 80 {{\n    weight 1\n  }}\n");
    let servers = servers.iter().map(server).collect::<Vec<_>>().concat();
    format!(
        "virtual_server {VIP} 80 {{\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n  drain_timeout {timeout}\n{servers}}}\n"
    )
}

/// A LAN with both servers, and the director in front of them.
fn site(lab: &Lab) -> Result<(Lan, Host)> {
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24", &format!("{VIP}/24")])?;
    for (name, address) in SERVERS {
        let host = lab.host(name)?;
        host.connect(&lan, "eth0", &[&format!("{address}/24")])?;
        host.serve_vip(Daemon::Stayd, VIP)?;
        let server = host.start("server", "python3", &["-c", SERVER, name])?;
        server.wait_for_log("ready", seconds(20))?;
    }
    Ok((lan, director))
}

fn weight(table: &str, server: &str) -> Option<u32> {
    let line = table.lines().find(|line| line.contains(&format!("-r {server}:")))?;
    line.split_once("-w ")?.1.split(' ').next()?.parse().ok()
}

fn reload(director: &Host, process: &Process, text: &str) -> Result {
    director.write("stayd.conf", text)?;
    process.signal(Signal::SIGHUP).map(drop)
}

#[test]
fn a_server_that_a_reload_removes_keeps_its_connections_until_they_end_or_its_time_is_over() -> Result {
    let lab = Lab::with_ipvs()?;
    let (lan, director) = site(&lab)?;
    let both = [SERVERS[0].1, SERVERS[1].1];
    let stayd = director.start_daemon(Daemon::Stayd, &file(60, &both))?;
    let has = |first, second| {
        move |table: &String| (weight(table, both[0]), weight(table, both[1])) == (first, second)
    };
    let wait = |what: &str, first, second| {
        lab::wait::until(what, seconds(20), || director.ipvs_table(), has(first, second))
    };
    wait("both servers", Some(1), Some(1))?;
    let host = lab.host("c1")?;
    host.connect(&lan, "eth0", &["192.168.0.30/24"])?;
    let close = host.folder().join("close");
    let client = host.start("client", "python3", &["-c", CLIENT, VIP, &close.display().to_string()])?;
    client.wait_for_log("held s1 s2 new", seconds(20))?;
    // From here on: what the client says later.
    let later = |lines: usize, from: usize| {
        client.wait_until_log("news", seconds(20), |log| log.lines().count() >= from + lines)?;
        client.log()
    };

    reload(&director, &stayd, &file(60, &both[1..]))?;
    wait("s1 takes no new connections", Some(0), Some(1))?;
    let from = client.log()?.lines().count() + 1;
    let log = later(5, from)?;
    assert!(log.lines().skip(from).all(|line| line == "held s1 s2 new s2"), "{log}");

    // Named again: it serves as if nothing had been.
    reload(&director, &stayd, &file(60, &both))?;
    wait("s1 is back", Some(1), Some(1))?;
    let from = client.log()?.lines().count();
    client.wait_until_log("a new connection to s1", seconds(20), |log| {
        log.lines().skip(from).any(|line| line == "held s1 s2 new s1")
    })?;

    reload(&director, &stayd, &file(60, &both[1..]))?;
    wait("s1 takes no new connections", Some(0), Some(1))?;
    host.write("close", "")?;
    wait("s1 has drained", None, Some(1))?;
    stayd.wait_for_log("is drained: it has no connection left", seconds(5))?;

    // The connection to s2 does not end: after its time the server goes all the same.
    reload(&director, &stayd, &file(1, &both))?;
    wait("both", Some(1), Some(1))?;
    reload(&director, &stayd, &file(1, &both[..1]))?;
    wait("s2 has had its time", Some(1), None)?;
    stayd.wait_for_log("is drained no longer: its time is over", seconds(5))?;
    lab.close()
}

/// Connects once from each of its addresses, says who answers, and holds the connections if it is told to.
const EACH: &str = "
import socket, sys, time
vip, hold, *sources = sys.argv[1:]
held = []
for source in sources:
    stream = socket.socket()
    stream.settimeout(5)
    stream.bind((source, 0))
    try:
        stream.connect((vip, 80))
        stream.sendall(b'who\\n')
        print(source, stream.recv(10).decode().strip(), flush=True)
        held.append(stream)
    except OSError as error:
        print(source, 'nobody', flush=True)
print('done', flush=True)
time.sleep(3600 if hold == 'hold' else 0)
";

/// The addresses that were served by each server, or by nobody.
fn served_by(log: &str, server: &str) -> Vec<String> {
    let words = log.lines().filter_map(|line| line.split_once(' '));
    words.filter(|(_, name)| *name == server).map(|(source, _)| source.to_owned()).collect()
}

/// What becomes of new connections of clients that belong to a server that drains, by source hashing or by persistence: the
/// kernel refuses the former unless the scheduler may fall back, which it may meanwhile, and sends the latter back unless its
/// `expire_quiescent_template` is set. Told of `drain_timeout` in docs/reference.md.
#[test]
fn who_belongs_to_a_server_that_drains_is_served_by_another_or_with_persistence_still_by_it() -> Result {
    let lab = Lab::with_ipvs()?;
    let (lan, director) = site(&lab)?;
    let sources: Vec<_> = (30..46).map(|number| format!("192.168.0.{number}")).collect();
    let client = lab.host("c1")?;
    let with_prefix: Vec<_> = sources.iter().map(|source| format!("{source}/24")).collect();
    client.connect(&lan, "eth0", &with_prefix.iter().map(String::as_str).collect::<Vec<_>>())?;
    let words = |hold| {
        [&["-c", EACH, VIP, hold], &sources.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat()
    };
    let both = [SERVERS[0].1, SERVERS[1].1];
    let has = |first, second| {
        move |table: &String| (weight(table, both[0]), weight(table, both[1])) == (first, second)
    };
    let wait = |what: &str, first, second| {
        lab::wait::until(what, seconds(30), || director.ipvs_table(), has(first, second))
    };
    // Where the clients of the server that drains go meanwhile.
    for (number, (settings, sysctl, goes_to)) in [
        ("lb_algo sh", "0", "s2"),
        ("lb_algo sh\n  sh-fallback", "0", "s2"),
        ("lb_algo mh", "0", "s2"),
        ("lb_algo rr\n  persistence_timeout 300", "0", "s1"),
        ("lb_algo rr\n  persistence_timeout 300", "1", "s2"),
    ]
    .into_iter()
    .enumerate()
    {
        director.sysctl("ipv4/vs/expire_quiescent_template", sysctl)?;
        let file = |servers: &[&str]| file(300, servers).replace("lb_algo rr", settings);
        let stayd = director.start_daemon(Daemon::Stayd, &file(&both))?;
        wait("both servers", Some(1), Some(1))?;
        let holder = client.start(&format!("holder{number}"), "python3", &words("hold"))?;
        holder.wait_for_log("done", seconds(60))?;
        let before = served_by(&holder.log()?, "s1");
        assert!(!before.is_empty() && before.len() < sources.len(), "{}", holder.log()?);
        reload(&director, &stayd, &file(&both[1..]))?;
        wait("s1 drains", Some(0), Some(1))?;
        let log = client.run_for("python3", &words("once"), seconds(120))?.stdout;
        println!(
            "{settings} {sysctl}: of {} clients of s1 now {} by s1, {} by s2, {} by nobody",
            before.len(),
            before.iter().filter(|source| served_by(&log, "s1").contains(source)).count(),
            before.iter().filter(|source| served_by(&log, "s2").contains(source)).count(),
            before.iter().filter(|source| served_by(&log, "nobody").contains(source)).count(),
        );
        let now = served_by(&log, goes_to);
        assert!(before.iter().all(|source| now.contains(source)), "{settings}: {before:?}\n{log}");
        holder.kill()?;
        wait("s1 has drained", None, Some(1))?;
        let table = director.ipvs_table()?;
        assert_eq!(
            table.contains("flag-1") || table.contains("-fallback"),
            settings.contains("fallback"),
            "{table}"
        );
        stayd.stop(seconds(10))?;
    }
    lab.close()
}
