//! `net_namespace_ipvs`: IPVS is programmed in another network namespace than the one that the daemon runs in, as
//! keepalived does it.

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Result};

/// What stands in the file, and the namespace where the table then is.
const CASES: [(&str, &str); 3] = [
    ("net_namespace_ipvs balancer\n", "balancer"),
    ("net_namespace inner\nnet_namespace_ipvs balancer\n", "balancer"),
    ("net_namespace inner\n", "inner"),
];

const NAMESPACES: [&str; 2] = ["balancer", "inner"];

const SERVER: &str = "virtual_server 10.9.0.1 80 {\n  protocol TCP\n  lb_algo wlc\n  lb_kind NAT\n  real_server 192.168.1.1 80 \
                      {\n  }\n}\n";

const TABLE: &str = "-A -t 10.9.0.1:80 -s wlc\n-a -t 10.9.0.1:80 -r 192.168.1.1:80 -m -w 1\n";

/// The table of one namespace.
fn table(host: &Host, namespace: Option<&str>) -> Result<String> {
    match namespace {
        Some(name) => host.check("ip", &["netns", "exec", name, "ipvsadm", "-S", "-n"]),
        None => host.ipvs_table(),
    }
}

#[test]
fn the_table_is_in_the_namespace_that_the_file_names_and_goes_at_the_stop() -> Result {
    let lab = Lab::with_ipvs()?;
    let mut running = Vec::new();
    for (number, (settings, place)) in CASES.iter().enumerate() {
        for daemon in [Daemon::Keepalived, Daemon::Stayd] {
            let host = lab.director(&format!("{}{number}", daemon.name()))?;
            for name in NAMESPACES {
                host.check("ip", &["netns", "add", name])?;
                let up = ["netns", "exec", name, "ip", "link", "set", "lo", "up"];
                host.check("ip", &up)?;
                for route in ["192.168.1.0/24", "10.9.0.0/24"] {
                    host.check("ip", &["-n", name, "route", "add", route, "dev", "lo"])?;
                }
            }
            host.check("ip", &["route", "add", "192.168.1.0/24", "dev", "lo"])?;
            let process = host.start_daemon(daemon, &format!("{settings}{SERVER}"))?;
            running.push((host, process, Some(*place)));
        }
    }
    for (host, process, place) in running {
        let what = format!("{} in {place:?}", host.name());
        wait::until(&what, seconds(30), || table(&host, place), |table| table == TABLE)?;
        for other in
            [None, Some(NAMESPACES[0]), Some(NAMESPACES[1])].into_iter().filter(|other| *other != place)
        {
            assert_eq!(table(&host, other)?, "", "{what}: {other:?}");
        }
        process.stop(seconds(10))?;
        assert_eq!(table(&host, place)?, "", "{what}, stopped");
    }
    lab.close()
}

/// The daemon runs in a process namespace whose first process is in `balancer`, and itself in `inner`.
#[test]
fn without_a_name_the_table_is_in_the_namespace_of_process_1() -> Result {
    let lab = Lab::with_ipvs()?;
    for daemon in [Daemon::Keepalived, Daemon::Stayd] {
        let host = lab.director(daemon.name())?;
        for name in NAMESPACES {
            host.check("ip", &["netns", "add", name])?;
            host.check("ip", &["netns", "exec", name, "ip", "link", "set", "lo", "up"])?;
            for route in ["192.168.1.0/24", "10.9.0.0/24"] {
                host.check("ip", &["-n", name, "route", "add", route, "dev", "lo"])?;
            }
        }
        let file = host.write("file.conf", &format!("net_namespace_ipvs\n{SERVER}"))?.display().to_string();
        let program = daemon.path()?.display().to_string();
        let start = format!(
            "ip netns exec inner {program} -n -l -D -f {file} -p /run/n.pid -r /run/n-vrrp.pid -c /run/n-check.pid & wait"
        );
        let words = ["netns", "exec", "balancer", "unshare", "-p", "-f", "--mount-proc", "sh", "-c", &start];
        let process = host.start(daemon.name(), "ip", &words)?;
        let there = wait::until(
            daemon.name(),
            seconds(30),
            || table(&host, Some("balancer")),
            |table| table == TABLE,
        );
        if there.is_err() {
            println!("{}", process.log()?);
        }
        there?;
        assert_eq!(table(&host, Some("inner"))?, "");
        assert_eq!(table(&host, None)?, "");
        // The shell, which is process 1, and what it was replaced by before; then the daemon.
        let tree = process.tree()?;
        let parent = tree.get(2).map(u32::to_string).unwrap_or_default();
        host.check("kill", &["-TERM", &parent])?;
        process.wait_for_exit(seconds(20))?;
        assert_eq!(table(&host, Some("balancer"))?, "", "{}, stopped", daemon.name());
    }
    lab.close()
}
