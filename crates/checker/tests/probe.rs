//! TCP_CHECK against real sockets, all of them on the loopback.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use checker::probe::{Resources, probe};
use checker::{Cause, Connection, Failure, LocalError, Outcome, ProbeSpec, Source, Step};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

/// Long enough for a busy machine; no test waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn to(target: SocketAddr) -> Connection {
    Connection::new(target, PATIENCE.into())
}

async fn ask(connection: Connection) -> Outcome {
    probe(&ProbeSpec::Tcp(connection), &Resources::linked(None)).await
}

async fn listener(address: &str) -> TcpListener {
    TcpListener::bind((address.parse::<IpAddr>().unwrap(), 0)).await.unwrap()
}

/// A bound socket that does not listen: its port is refused, and nobody else gets it.
fn closed_port(address: &str) -> (Socket, SocketAddr) {
    bound(address)
}

fn bound(address: &str) -> (Socket, SocketAddr) {
    let wanted = SocketAddr::new(address.parse().unwrap(), 0);
    let socket = Socket::new(Domain::for_address(wanted), Type::STREAM, None).unwrap();
    socket.bind(&wanted.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// A listener whose queue is full: the kernel answers no further SYN. Both must be kept.
fn silent_port() -> (Socket, SocketAddr, Vec<Socket>) {
    let (socket, address) = bound("127.0.0.1");
    socket.listen(0).unwrap();
    let waiting = (0..4)
        .map(|_| {
            let client = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).unwrap();
            let _in_progress = client.connect(&address.into());
            client
        })
        .collect();
    (socket, address, waiting)
}

fn unknown(step: Step, cause: Cause) -> Outcome {
    Outcome::Unknown(LocalError { step, cause })
}

#[tokio::test]
async fn an_open_port_is_a_success_over_ipv4_and_ipv6() {
    for address in ["127.0.0.1", "::1"] {
        let listener = listener(address).await;
        assert_eq!(ask(to(listener.local_addr().unwrap())).await, Outcome::Success, "{address}");
    }
}

#[tokio::test]
async fn a_closed_port_is_refused_over_ipv4_and_ipv6() {
    for address in ["127.0.0.1", "::1"] {
        let (_socket, target) = closed_port(address);
        assert_eq!(ask(to(target)).await, Outcome::Failure(Failure::Refused), "{address}");
    }
}

#[tokio::test]
async fn a_port_that_does_not_answer_times_out_by_the_deadline_of_the_probe() {
    let (_socket, target, _waiting) = silent_port();
    let began = std::time::Instant::now();
    let timeout = Duration::from_millis(300);
    assert_eq!(
        ask(Connection { timeout: timeout.into(), ..to(target) }).await,
        Outcome::Failure(Failure::TimedOut)
    );
    assert!(began.elapsed() >= timeout);
}

#[tokio::test]
async fn a_network_without_a_route_is_a_failure() {
    // The kernel never connects to a broadcast address.
    let target = "127.255.255.255:80".parse().unwrap();
    assert_eq!(ask(to(target)).await, Outcome::Failure(Failure::NetworkUnreachable));
}

#[tokio::test]
async fn the_probe_comes_from_the_source_address() {
    for (address, source) in [("127.0.0.1", "127.0.0.77"), ("::1", "::1")] {
        let listener = listener(address).await;
        let source_address = Some(source.parse().unwrap());
        let target = listener.local_addr().unwrap();
        assert_eq!(
            ask(to(target).from(Source { address: source_address, ..Source::default() })).await,
            Outcome::Success
        );
        let (_stream, from) = listener.accept().await.unwrap();
        assert_eq!(Some(from.ip()), source_address);
    }
}

#[tokio::test]
async fn a_fixed_source_port_serves_one_probe_after_the_other() {
    // keepalived finds its own port in TIME_WAIT the second time, and for a minute after.
    for address in ["127.0.0.1", "::1"] {
        let listener = listener(address).await;
        let (socket, free) = bound(address);
        drop(socket);
        for _ in 0..3 {
            let connection =
                to(listener.local_addr().unwrap()).from(Source { port: free.port(), ..Source::default() });
            assert_eq!(ask(connection).await, Outcome::Success);
            let (_stream, from) = listener.accept().await.unwrap();
            assert_eq!(from.port(), free.port());
        }
    }
}

#[tokio::test]
async fn the_probe_leaves_by_the_interface() {
    let listener = listener("127.0.0.1").await;
    let interface = Some("lo".to_owned());
    let target = listener.local_addr().unwrap();
    assert_eq!(ask(to(target).from(Source { interface, ..Source::default() })).await, Outcome::Success);
}

#[tokio::test]
async fn a_source_address_that_is_not_here_is_a_local_error() {
    let listener = listener("127.0.0.1").await;
    // TEST-NET-1: no host has it.
    let source_address = Some("192.0.2.1".parse().unwrap());
    let connection =
        to(listener.local_addr().unwrap()).from(Source { address: source_address, ..Source::default() });
    assert_eq!(ask(connection).await, unknown(Step::BindAddress, Cause::NoAddress));
}

#[tokio::test]
async fn a_source_port_in_use_is_a_local_error() {
    let listener = listener("127.0.0.1").await;
    let target = listener.local_addr().unwrap();
    let source_address = Some(target.ip());
    let connection =
        to(target).from(Source { address: source_address, port: target.port(), ..Source::default() });
    assert_eq!(ask(connection).await, unknown(Step::BindAddress, Cause::AddressInUse));
}

#[tokio::test]
async fn an_interface_that_is_not_here_is_a_local_error() {
    let listener = listener("127.0.0.1").await;
    let interface = Some("stayd-none".to_owned());
    let connection = to(listener.local_addr().unwrap()).from(Source { interface, ..Source::default() });
    assert_eq!(ask(connection).await, unknown(Step::BindInterface, Cause::NoInterface));
}

#[tokio::test]
async fn a_link_local_target_without_an_interface_is_a_local_error() {
    let target = "[fe80::1]:80".parse().unwrap();
    assert_eq!(ask(to(target)).await, unknown(Step::Connect, Cause::Other(22)));
}

#[tokio::test]
async fn a_dropped_probe_closes_its_socket() {
    let (_socket, target, _waiting) = silent_port();
    let (socket, free) = bound("127.0.0.1");
    drop(socket);
    let source = Some(free.ip());
    let connection = to(target).from(Source { address: source, port: free.port(), ..Source::default() });
    let port_is_free = || std::net::TcpListener::bind(free).is_ok();
    let mut asking = Box::pin(ask(connection));
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut asking).await.is_err());
    assert!(!port_is_free());
    drop(asking);
    assert!(port_is_free());
}

#[tokio::test]
async fn probes_of_silent_ports_do_not_delay_one_another() {
    let (_socket, silent, _waiting) = silent_port();
    let listener = listener("127.0.0.1").await;
    let hanging: Vec<_> = (0..50).map(|_| tokio::spawn(ask(to(silent)))).collect();
    assert_eq!(ask(to(listener.local_addr().unwrap())).await, Outcome::Success);
    assert!(hanging.iter().all(|probe| !probe.is_finished()));
    for probe in hanging {
        probe.abort();
    }
}
