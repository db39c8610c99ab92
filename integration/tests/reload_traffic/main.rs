//! Two hundred reloads while connections are open and more are opened: servers come, go and get other weights.
//!
//! **No connection to a server that stays is cut, and no new one is refused.** Each reload is sent when the one before has
//! been carried out: the weight of a server that no client uses is its number, and the log says when that is in the table.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Result};
use nix::sys::signal::Signal;

/// Written beside the logs of each host: the kernel of the lab does not see every folder of this one.
const TRAFFIC: &str = include_str!("traffic.py");

const RELOADS: u32 = 200;
const VIP: &str = "192.168.0.10";
const PORT: u16 = 8080;
/// Long connections.
const LONG: usize = 20;
/// Servers that are never taken away.
const KEPT: [&str; 2] = ["s0", "s1"];
const SERVERS: usize = 6;

/// The servers and their weights, as a file has them.
type Servers = BTreeMap<usize, u32>;

fn address(server: usize) -> String {
    format!("192.168.0.{}", 100 + server)
}

/// Adds, removes or weighs one server, or several.
fn change(servers: &mut Servers, random: &mut fastrand::Rng) {
    for _ in 0..=random.u32(0..3) {
        let server = random.usize(0..SERVERS);
        let weight = random.u32(1..10);
        if server >= KEPT.len() && servers.contains_key(&server) && random.bool() {
            servers.remove(&server);
        } else {
            servers.insert(server, weight);
        }
    }
}

fn file(servers: &Servers, reload: u32) -> String {
    let mut text = "global_defs {\n  router_id d1\n}\n".to_owned();
    // Comes and goes as a whole.
    if reload % 3 == 1 {
        text += "virtual_server 192.168.0.11 80 {\n  protocol TCP\n  lb_algo rr\n  lb_kind DR\n  real_server 192.168.0.100 80 {\n  }\n}\n";
    }
    writeln!(
        text,
        "virtual_server {VIP} {PORT} {{\n  protocol TCP\n  lb_algo wrr\n  lb_kind DR\n  delay_loop 1"
    )
    .unwrap();
    for (server, weight) in servers {
        writeln!(
            text,
            "  real_server {} {PORT} {{\n    weight {weight}\n    TCP_CHECK {{\n      retry 3\n      connect_timeout 5\n    \
             }}\n  }}",
            address(*server)
        )
        .unwrap();
    }
    // The last that the file names, and so the last that is put into the table.
    write!(
        text,
        "}}\nvirtual_server 192.168.0.12 80 {{\n  protocol TCP\n  lb_algo rr\n  lb_kind DR\n  real_server 192.168.0.100 80 \
         {{\n    weight {}\n  }}\n}}\n",
        1000 + reload
    )
    .unwrap();
    text
}

/// The lines of the table that servers make.
fn expected(servers: &Servers) -> Vec<String> {
    let line = |(server, weight): (&usize, &u32)| {
        format!("-a -t {VIP}:{PORT} -r {}:{PORT} -g -w {weight}", address(*server))
    };
    servers.iter().map(line).collect()
}

fn is_as_expected(table: &str, servers: &Servers) -> bool {
    let mut lines: Vec<_> =
        table.lines().map(str::trim).filter(|line| line.starts_with(&format!("-a -t {VIP}:"))).collect();
    lines.sort_unstable();
    lines == expected(servers)
}

/// The real servers, each a host of its own.
fn start_servers(lab: &Lab, lan: &lab::Lan) -> Result<Vec<Host>> {
    let mut hosts = Vec::new();
    let mut processes = Vec::new();
    for server in 0..SERVERS {
        let host = lab.host(&format!("s{server}"))?;
        host.connect(lan, "eth0", &[&format!("{}/24", address(server))])?;
        host.serve_vip(Daemon::Keepalived, VIP)?;
        let program = host.write("traffic.py", TRAFFIC)?;
        processes.push(host.start(
            "server",
            "/usr/bin/python3",
            &["-u", program.to_str().unwrap(), "serve", host.name(), &PORT.to_string()],
        )?);
        hosts.push(host);
    }
    for process in processes {
        process.wait_for_log("ready", seconds(20))?;
    }
    Ok(hosts)
}

#[test]
fn two_hundred_reloads_cut_no_connection_to_a_server_that_stays_and_refuse_none() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    director.add_address("eth0", &format!("{VIP}/32"))?;
    let _servers = start_servers(&lab, &lan)?;
    let client = lab.host("client")?;
    client.connect(&lan, "eth0", &["192.168.0.50/24"])?;

    let mut servers: Servers = (0..SERVERS - 2).map(|server| (server, 1)).collect();
    let stayd = director.start_daemon(Daemon::Stayd, &file(&servers, 0))?;
    director.wait_for_ipvs("all servers", seconds(20), |table| is_as_expected(table, &servers))?;
    let stop = client.folder().join("stop");
    let program = client.write("traffic.py", TRAFFIC)?;
    let (port, count) = (PORT.to_string(), LONG.to_string());
    let words = [
        "-u",
        program.to_str().unwrap(),
        "client",
        VIP,
        &port,
        &count,
        stop.to_str().unwrap(),
        &KEPT.join(","),
    ];
    let traffic = client.start("traffic", "/usr/bin/python3", &words)?;
    traffic.wait_for_log("ready", seconds(30))?;

    let begin = std::time::Instant::now();
    let mut random = fastrand::Rng::with_seed(20_261_125);
    for reload in 1..=RELOADS {
        change(&mut servers, &mut random);
        director.write("stayd.conf", &file(&servers, reload))?;
        stayd.signal(Signal::SIGHUP)?;
        let carried_out = format!("-r 192.168.0.100:80 -g -w {}", 1000 + reload);
        stayd.wait_for_log(&carried_out, seconds(30))?;
        if reload % 20 == 0 {
            let table = director.ipvs_table()?;
            assert!(is_as_expected(&table, &servers), "after reload {reload}: {servers:?}\n{table}");
        }
    }
    let took = begin.elapsed();
    client.write("stop", "")?;
    wait::until("the end of the traffic", seconds(60), || traffic.log(), |log| log.contains("end: "))?;
    let log = traffic.log()?;
    let figure = |name: &str| -> usize {
        let words: Vec<_> = log.lines().last().unwrap().split_whitespace().collect();
        let at = words.iter().position(|word| *word == name).unwrap();
        words[at + 1].parse().unwrap()
    };
    println!("{RELOADS} reloads in {:.1} s: {}", took.as_secs_f64(), log.lines().last().unwrap());
    assert!(!log.contains("LOST") && !log.contains("REFUSED"), "{log}");
    assert_eq!(figure("long"), LONG, "{log}");
    assert!(figure("new") >= 50 && figure("asked") >= 5 * LONG, "too little happened: {log}");
    // Those that were on the way to a server just then, at most.
    assert!(figure("silent") * 10 < figure("new"), "{log}");
    assert!(!stayd.log()?.contains("after a surprise"));
    lab.close()
}
