//! `genhash` beside keepalived's: the same words on the same server, the same status and the same standard output, which is what
//! scripts read.

use lab::wait::seconds;
use lab::{Daemon, Host, Lab, Result};

/// Where, which page, and how. `PLAIN` and `TLS` are the servers of servers.py.
const ASKED: &[&str] = &[
    "PLAIN -u /",
    "PLAIN -u / -v",
    "PLAIN -u /empty",
    "PLAIN -u /empty -v",
    "PLAIN -u /missing -v",
    "PLAIN -u /bytes -v",
    "PLAIN -u /chunks -v",
    "PLAIN -u /shorter -v",
    "PLAIN -u /longer",
    "PLAIN -u /longer -v",
    "PLAIN -u /asked -v",
    "PLAIN -u /asked -v -P 1.0",
    "PLAIN -u /asked -v -P 1.0c",
    "PLAIN -u /asked -v -P 1.1",
    "PLAIN -u /asked -v -V web.example",
    "PLAIN -u /asked -v -V web.example:81 -P 1.1",
    "-s ::1 -p 8080 -u /asked -v",
    "-s ::1 -p 8080 -u /asked -v -V web.example",
    "TLS -u /",
    "TLS -u / -v",
    "TLS -u /empty -v",
    "TLS -u /bytes -v",
    "TLS -u /longer -v",
    "TLS -u /asked -v -P 1.1",
    "TLS -u /named -v",
    "TLS -u /named -v -V web.example",
    "TLS -u /named -v -V web.example -I",
    "TLS -u /named -v -I",
    "-S -s ::1 -p 8443 -u /named -v -I -V web.example",
    // As words of any form.
    "--server 127.0.0.1 --port 8080 --url / --verbose",
    "--server=127.0.0.1 --port=8080 --url=/asked --use-virtualhost=web.example --protocol=1.1 --timeout=3 --verb",
    "-Sv -s127.0.0.1 -p8443 -u/named -I --use-virt web.example",
    "-v -v -s ::1 -s 127.0.0.1 -p 8080 -u /missing -u /",
    "PLAIN -u / -m 7",
    "PLAIN -u / words beside",
    // Nobody there.
    "-s 127.0.0.1 -p 7999 -u /",
    "-s 127.0.0.1 -p 7999 -u / -v",
    "-S -s ::1 -p 7999 -u / -v",
    // Words that are wrong or missing.
    "PLAIN",
    "-s 127.0.0.1 -u /",
    "-p 8080 -u /",
    "",
    "PLAIN -u / -x",
    "PLAIN -u",
    "PLAIN -u / -P",
    "PLAIN -u / -P 2",
    "PLAIN -u / -t x",
    "PLAIN -u / -m x",
    "-s 127.0.0.1 -p 0 -u /",
    "-s 127.0.0.1 -p 70000 -u /",
    "-s 127.0.0.1 -p 80x -u /",
    "-s localhost -p 8080 -u /",
    "-h",
    "--help",
];

/// Status and standard output, where a time is any.
fn ask(host: &Host, program: &str, before: &[&str], words: &str) -> Result<(String, String)> {
    let words = words.replace("PLAIN", "-s 127.0.0.1 -p 8080").replace("TLS", "-S -s 127.0.0.1 -p 8443");
    let args: Vec<_> = before.iter().copied().chain(words.split_whitespace()).collect();
    let output = host.run_for(program, &args, seconds(20))?;
    let timeless = |line: &str| match line.split_once("] = ") {
        Some((before, after)) if before.starts_with("Global response time for [") => {
            let (number, unit) = after.split_once(' ').unwrap_or_default();
            format!("{before}] = {} {unit}", if number.parse::<u64>().is_ok() { "N" } else { number })
        }
        _ => line.to_owned(),
    };
    let text: Vec<_> = output.stdout.split('\n').map(timeless).collect();
    Ok((format!("{:?}", output.exit), text.join("\n")))
}

#[test]
fn status_and_standard_output_are_those_of_keepalived_s_genhash() -> Result {
    let lab = Lab::native()?;
    let host = lab.host("h1")?;
    host.sysctl("ipv6/conf/lo/disable_ipv6", "0")?;
    let folder = host.folder().display().to_string();
    let [key, certificate] = ["key.pem", "cert.pem"].map(|name| format!("{folder}/{name}"));
    let make = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=web.example";
    let mut args: Vec<_> = make.split(' ').collect();
    args.extend(["-keyout", &key, "-out", &certificate]);
    host.check("openssl", &args)?;
    host.write("serving.py", include_str!("../python/serving.py"))?;
    let program = host.write("servers.py", include_str!("servers.py"))?.display().to_string();
    let servers = host.start("servers", "/usr/bin/python3", &["-u", &program, &folder])?;
    servers.wait_for_log("ready", seconds(30))?;
    let stayd = Daemon::Stayd.path()?.display().to_string();
    for words in ASKED {
        let theirs = ask(&host, "/usr/bin/genhash", &[], words)?;
        let ours = ask(&host, &stayd, &["-T"], words)?;
        assert_eq!(ours, theirs, "{words}");
        println!("{words}: {}, {} bytes", ours.0, ours.1.len());
    }
    lab.close()
}
