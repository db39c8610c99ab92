//! HTTP_GET beside keepalived: for each answer of a server and each check of it, the same verdict.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Result};

/// A server that answers by the number in the path; those above the last answer with silence.
const SERVER: &str = r"
import socket, sys, threading
answers = [line.rstrip('\n').encode().decode('unicode_escape').encode('latin-1') for line in open(sys.argv[1])]
def serve(stream):
    request = b''
    while b'\r\n\r\n' not in request:
        more = stream.recv(4096)
        if not more: return
        request += more
    stream.sendall(answers[int(request.split()[1][1:])])
    stream.close()
listener = socket.create_server(('127.0.0.1', 8080), backlog=100)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
";

/// An answer, the lines of the page that is checked, and keepalived's verdict.
const CASES: &[(&str, &str, bool)] = &[
    (r"HTTP/1.0 200 OK\r\n\r\nhello", "digest 5d41402abc4b2a76b9719d911017c592", true),
    (r"HTTP/1.0 200 OK\r\n\r\nhallo", "digest 5d41402abc4b2a76b9719d911017c592", false),
    (r"HTTP/1.0 200 OK\r\nContent-Length: 50\r\n\r\nhello", "digest 5d41402abc4b2a76b9719d911017c592", true),
    (r"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhello", "digest 46356afe55fa3cea9cbe73ad442cad47", true),
    (
        r"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "digest 79e9489e3bd3f0cb0158215341de046d",
        true,
    ),
    (r"HTTP/1.0 404 no\r\n\r\n", "", false),
    (r"HTTP/1.0 404 no\r\n\r\n", "status_code 500 400-410", true),
    (r"HTTP/1.0 302 no\r\nLocation: /0\r\n\r\n", "", false),
    (r"HTTP/1.0 200\r\n\r\n", "", false),
    (r"ICY 200 OK\r\n\r\n", "", true),
    (r"HTTP/1.0 200 OK\n\nhello", "", false),
    (r"HTTP/1.0 200 OK\r\n", "", false),
    (r"HTTP/1.0 200 OK\r\n\r\nhello world", "regex \"wor\"", true),
    (r"HTTP/1.0 200 OK\r\n\r\nhello world", "regex \"wor.*\"", false),
    (r"HTTP/1.0 200 OK\r\n\r\nhello world", "regex \"world$\"\nregex_no_match", true),
    (r"HTTP/1.0 200 OK\r\n\r\nhello world", "regex \"WOR\"\nregex_options caseless", true),
    (r"HTTP/1.0 500 no\r\n\r\nneedle", "regex \"needle\"", false),
];

fn configuration() -> String {
    let mut text = "virtual_server 192.168.0.10 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n".to_owned();
    for (number, (_, lines, _)) in CASES.iter().enumerate() {
        let port = 9000 + number;
        write!(
            text,
            "real_server 192.168.0.2 {port} {{\nHTTP_GET {{\nconnect_ip 127.0.0.1\nconnect_port 8080\nwarmup 0\n\
             retry 0\nurl {{\npath /{number}\n{lines}\n}}\n}}\n}}\n"
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
fn each_answer_has_keepalived_s_verdict() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let answers: Vec<_> = CASES.iter().map(|(answer, _, _)| *answer).collect();
    let answers = director.write("answers", &(answers.join("\n") + "\n"))?;
    let program = director.write("server.py", SERVER)?;
    let _server =
        director.start("server", "python3", &[program.to_str().unwrap(), answers.to_str().unwrap()])?;
    let listening = |output: &String| output.contains(":8080");
    wait::until("the server", seconds(20), || director.check("ss", &["-ltn"]), listening)?;
    let expected: BTreeSet<_> = (0..CASES.len()).filter(|number| CASES[*number].2).collect();
    for daemon in [Daemon::Keepalived, Daemon::Stayd] {
        let process = director.start_daemon(daemon, &configuration())?;
        let same = wait::until(daemon.name(), seconds(30), || up(&director), |up| *up == expected);
        if same.is_err() {
            assert_eq!(up(&director)?, expected, "{}", daemon.name());
        }
        process.stop(seconds(10))?;
    }
    lab.close()
}
