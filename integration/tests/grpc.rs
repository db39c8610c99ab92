//! `GRPC_CHECK` against a real gRPC server, in clear and over TLS: who serves is in the table, and everybody else is out with
//! a reason.

use std::fmt::Write as _;

use lab::wait::{self, seconds};
use lab::{Daemon, Lab, Result};

/// A health service on 5001, and over TLS on 5002; on 5003 a server without one. What it says of the service "moody" stands in
/// a file.
const SERVER: &str = "
import grpc, sys
from concurrent import futures
folder = sys.argv[1]
def check(request, context):
    name = request[2:].decode()
    if name == 'moody':
        return bytes([8, int(open(folder + '/mood').read())])
    if name not in ('', 'fine', 'sad'):
        context.abort(grpc.StatusCode.NOT_FOUND, 'unknown service')
    return bytes([8, 2 if name == 'sad' else 1])
method = grpc.unary_unary_rpc_method_handler(check)
health = grpc.method_handlers_generic_handler('grpc.health.v1.Health', {'Check': method})
def serve(port, handlers, credentials=None):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(handlers)
    address = '0.0.0.0:%d' % port
    bound = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    assert bound == port
    server.start()
    return server
read = lambda name: open(folder + '/' + name, 'rb').read()
pair = grpc.ssl_server_credentials([(read('key.pem'), read('cert.pem'))])
servers = [serve(5001, (health,)), serve(5002, (health,), pair), serve(5003, ())]
print('ready', flush=True)
servers[0].wait_for_termination()
";

/// The port that is asked, what stands in the check, and why the server is out; none: it is in.
const ROWS: &[(u16, &str, Option<&str>)] = &[
    (5001, "", None),
    (5001, "grpc_service fine", None),
    (5001, "grpc_authority shop.example", None),
    (5001, "grpc_service sad", Some("it says NOT_SERVING")),
    (5001, "grpc_service nobody", Some("the gRPC status is 5 (NOT_FOUND")),
    (5003, "", Some("the gRPC status is 12 (UNIMPLEMENTED")),
    (5002, "tls", None),
    (5002, "tls\ntls_verify\ntls_ca CA\ngrpc_authority shop.example\ngrpc_service fine", None),
    (
        5002,
        "tls\ntls_verify\ntls_ca CA\ngrpc_authority other.example",
        Some("the certificate is for another name"),
    ),
    (5002, "", Some("connection closed before the answer was complete")),
    (5001, "tls", Some("TLS: the server does not speak it")),
    (5004, "", Some("connection refused")),
];
/// The row whose server changes its mind.
const MOODY: usize = ROWS.len();

fn file(ca: &str) -> String {
    let mut text = String::new();
    let rows = ROWS.iter().map(|(port, lines, out)| (*port, *lines, out.is_none()));
    for (number, (port, lines, up)) in rows.chain([(5001, "grpc_service moody", true)]).enumerate() {
        let lines = lines.replace("CA", ca);
        // Who has to be in starts out, and the other way round: each has been judged.
        let alpha = if up { "alpha" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "virtual_server 192.168.0.10 {} {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\ndelay_loop 1\n\
             real_server 192.168.0.2 {port} {{\nGRPC_CHECK {{\nconnect_timeout 5\nretry 0\nwarmup 0\n{alpha}\n{lines}\n}}\n}}\n}}\n",
            1000 + number,
        );
    }
    text
}

fn is_in(table: &str, number: usize) -> bool {
    table.contains(&format!("-a -t 192.168.0.10:{} ", 1000 + number))
}

#[test]
fn a_grpc_server_is_in_while_it_says_that_it_serves() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let host = lab.host("s1")?;
    host.connect(&lan, "eth0", &["192.168.0.2/24"])?;
    let folder = host.folder().display().to_string();
    let [key, certificate] = ["key.pem", "cert.pem"].map(|name| format!("{folder}/{name}"));
    let make = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=shop.example -addext subjectAltName=DNS:shop.example";
    let mut args: Vec<_> = make.split(' ').collect();
    args.extend(["-keyout", &key, "-out", &certificate]);
    host.check("openssl", &args)?;
    let certificate = std::fs::read_to_string(&certificate).unwrap_or_default();
    let ca = director.write("ca.pem", &certificate)?.display().to_string();
    host.write("mood", "1")?;
    let server = host.start("server", "/usr/bin/python3", &["-c", SERVER, &folder])?;
    server.wait_for_log("ready", seconds(20))?;

    let stayd = director.start_daemon(Daemon::Stayd, &file(&ca))?;
    let wrong = |table: &String| {
        let rows = ROWS.iter().enumerate().filter(|(number, row)| is_in(table, *number) != row.2.is_none());
        rows.map(|(number, row)| format!("{number}: {row:?}")).collect::<Vec<_>>()
    };
    let look = || director.ipvs_table().map(|table| wrong(&table));
    let verdicts = wait::until("the verdicts", seconds(30), look, Vec::is_empty);
    assert!(verdicts.is_ok(), "{verdicts:?}\n{}", stayd.log()?);
    // The table changes before the log tells of it.
    for reason in ROWS.iter().filter_map(|row| row.2) {
        stayd.wait_for_log(reason, seconds(20))?;
    }
    // The libraries that carry the checks have nothing to say, also with every detail.
    assert!(!stayd.log()?.contains("frame=Settings"), "{}", stayd.log()?);
    for (mood, up) in [("1", true), ("2", false), ("1", true)] {
        host.write("mood", mood)?;
        let look = || director.ipvs_table().map(|table| is_in(&table, MOODY));
        wait::until("it follows the mood", seconds(20), look, |seen| *seen == up)?;
    }
    lab.close()
}
