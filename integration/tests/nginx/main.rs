//! HTTP_GET, SSL_GET and genhash with a real web server: nginx, with and without TLS, beside keepalived.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result};

const ADDRESS: &str = "192.168.0.2";

/// A host with nginx and its pages.
fn start_nginx(lab: &Lab, lan: &Lan) -> Result<(Host, Process)> {
    let host = lab.host("web")?;
    host.connect(lan, "eth0", &[&format!("{ADDRESS}/24")])?;
    let folder = host.folder().display().to_string();
    let script = format!(
        "set -e; cd {folder}; mkdir pages; printf 'hello\\n' >pages/hello; : >pages/empty; head -c 1000000 /dev/zero | tr \
         '\\0' x >pages/big; printf '<!--#echo var=\"REQUEST_METHOD\" -->\\n' >pages/included
         openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=web.example 2>/dev/null
         openssl req -x509 -key key.pem -out old-cert.pem -days -1 -subj /CN=old.example 2>/dev/null ||
         openssl req -x509 -key key.pem -out old-cert.pem -days 1 -subj /CN=old.example 2>/dev/null"
    );
    host.check("sh", &["-c", &script])?;
    let file = host.write("nginx.conf", &include_str!("nginx.conf").replace("FOLDER", &folder))?;
    let process = host.start("nginx", "/usr/sbin/nginx", &["-c", file.to_str().unwrap()])?;
    let listening =
        |output: &String| [":80 ", ":443 ", ":1443 ", ":2443 "].iter().all(|port| output.contains(port));
    wait::until("nginx", seconds(20), || host.check("ss", &["-ltn"]), listening)?;
    Ok((host, process))
}

/// Paths, ports, whether by TLS, and other words of genhash.
const PAGES: &[(&str, u16, bool, &[&str])] = &[
    ("/hello", 80, false, &[]),
    ("/hello", 80, false, &["-P", "1.0c"]),
    ("/hello", 80, false, &["-P", "1.1"]),
    ("/empty", 80, false, &[]),
    ("/big", 80, false, &[]),
    ("/included", 80, false, &[]),
    ("/included", 80, false, &["-P", "1.1"]),
    ("/moved", 80, false, &[]),
    ("/none", 80, false, &[]),
    ("/hello", 80, false, &["-V", "other.example"]),
    ("/hello", 443, true, &[]),
    ("/hello", 443, true, &["-P", "1.1"]),
    ("/empty", 443, true, &[]),
    ("/big", 443, true, &[]),
    ("/error", 443, true, &[]),
    ("/hello", 443, true, &["-I", "-V", "other.example"]),
    ("/hello", 443, true, &["-V", "other.example"]),
    ("/hello", 1443, true, &[]),
    ("/hello", 2443, true, &[]),
];

#[test]
fn genhash_prints_what_keepalived_s_prints_for_pages_of_nginx() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let (web, nginx) = start_nginx(&lab, &lan)?;
    let stayd = Daemon::Stayd.path()?.display().to_string();
    for (path, port, tls, more) in PAGES {
        let port = port.to_string();
        let mut words = vec!["-s", ADDRESS, "-p", &port, "-u", path];
        words.extend(tls.then_some("-S"));
        words.extend(*more);
        let theirs = web.run("genhash", &words)?;
        let ours = web.run(&stayd, &[&["genhash"], &words[..]].concat())?;
        assert!(theirs.stdout.trim().len() == 32, "{words:?}: {theirs:?}");
        assert_eq!((&ours.stdout, &ours.exit), (&theirs.stdout, &theirs.exit), "{words:?}: {ours:?}");
    }
    // Where nobody answers there is no digest.
    for words in [["-s", ADDRESS, "-p", "81", "-u", "/hello"], ["-s", ADDRESS, "-p", "80", "-u", "/gone"]] {
        let theirs = web.run("genhash", &words)?;
        let ours = web.run(&stayd, &[&["genhash"], &words[..]].concat())?;
        let found = [&theirs, &ours].map(|output| output.stdout.trim().len() == 32);
        assert_eq!(found[1], found[0], "{words:?}: {theirs:?} {ours:?}");
    }
    nginx.stop(seconds(10))?;
    lab.close()
}

const HELLO: &str = "digest b1946ac92492d2347c6235b4d2611184";
const ANOTHER: &str = "digest 3740570a423feec44c2a759225a9fcf9";

/// The check, its port, its lines, what the page has to be, and keepalived's verdict.
const CASES: &[(&str, u16, &str, &str, bool)] = &[
    ("HTTP_GET", 80, "", HELLO, true),
    ("HTTP_GET", 80, "", ANOTHER, false),
    ("HTTP_GET", 80, "http_protocol 1.1", HELLO, true),
    ("HTTP_GET", 443, "", "", false),
    ("SSL_GET", 443, "", HELLO, true),
    ("SSL_GET", 443, "", ANOTHER, false),
    ("SSL_GET", 443, "http_protocol 1.1", HELLO, true),
    ("SSL_GET", 443, "enable_sni", HELLO, true),
    ("SSL_GET", 443, "tls_compliant", HELLO, true),
    ("SSL_GET", 443, "", "regex \"hel+o\"", true),
    ("SSL_GET", 443, "", "status_code 404", false),
    ("SSL_GET", 80, "", "", false),
    ("SSL_GET", 1443, "", HELLO, true),
    // nginx answers 400 to a client without certificate.
    ("SSL_GET", 2443, "", HELLO, false),
    ("SSL_GET", 2443, "", "status_code 400", true),
    ("SSL_GET", 444, "", "", false),
];

fn configuration() -> String {
    let mut text =
        "virtual_server 192.168.0.10 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\ndelay_loop 2\n".to_owned();
    for (number, (check, port, lines, page, up)) in CASES.iter().enumerate() {
        // Each right one has been judged: what has to be up starts as down.
        let alpha = if *up { "alpha\n" } else { "" };
        let server = 9000 + number;
        write!(
            text,
            "real_server {ADDRESS} {server} {{\n{alpha}{check} {{\nconnect_port {port}\nconnect_timeout 5\nwarmup 0\nretry \
             0\n{lines}\nurl {{\npath /hello\n{page}\n}}\n}}\n}}\n"
        )
        .unwrap();
    }
    text + "}\n"
}

/// The numbers of the cases whose servers are in the table.
fn up(host: &Host) -> Result<BTreeSet<usize>> {
    let table = host.ipvs_table()?;
    let ports = table.split_whitespace().filter_map(|word| word.strip_prefix("192.168.0.2:"));
    Ok(ports.filter_map(|port| port.parse::<usize>().ok()?.checked_sub(9000)).collect())
}

#[test]
fn checks_of_nginx_with_and_without_tls_have_keepalived_s_verdicts() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let (_web, nginx) = start_nginx(&lab, &lan)?;
    let expected: BTreeSet<_> = (0..CASES.len()).filter(|number| CASES[*number].4).collect();
    let mut running = Vec::new();
    for (daemon, address) in [(Daemon::Keepalived, 20), (Daemon::Stayd, 21)] {
        let director = lab.director(daemon.name())?;
        director.connect(&lan, "eth0", &[&format!("192.168.0.{address}/24")])?;
        let process = director.start_daemon(daemon, &configuration())?;
        running.push((daemon, director, process));
    }
    for (daemon, director, process) in running {
        let same = wait::until(daemon.name(), seconds(40), || up(&director), |up| *up == expected);
        if same.is_err() {
            assert_eq!(up(&director)?, expected, "{}", daemon.name());
        }
        process.stop(seconds(10))?;
    }
    nginx.stop(seconds(10))?;
    lab.close()
}
