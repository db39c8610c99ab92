//! Servers on the loopback that live as long as a test.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod certificate;

use std::future::Future;
use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::time::Duration;

use checker::{Connection, HttpProbe, HttpVersion, Sni, TlsCheckSpec, UrlSpec};
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// Long enough for a busy machine; no test waits for it unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// For what times out.
pub const HURRY: Duration = Duration::from_millis(200);

pub struct Server {
    pub target: SocketAddr,
    _tasks: JoinSet<()>,
}

pub fn to(target: SocketAddr) -> Connection {
    Connection::new(target, PATIENCE.into())
}

/// Asks for the page /, without TLS.
pub fn page(connection: Connection) -> HttpProbe {
    let url = UrlSpec {
        path: "/".into(),
        host: None,
        status: vec![(200, 299)],
        digest: None,
        regex: None,
        tls_compliant: false,
    };
    HttpProbe {
        host: None,
        outer_host: None,
        connection,
        tls: false,
        tls_check: TlsCheckSpec::default(),
        version: HttpVersion::V1_0,
        sni: Sni::Omitted,
        fast_recovery: false,
        urls: vec![url],
    }
}

/// Serves each connection like this.
pub async fn serve<F>(mut connection: impl FnMut(TcpStream) -> F + Send + 'static) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection(stream));
        }
    });
    Server { target, _tasks: tasks }
}

/// Answers each datagram with these, of which those marked so come from another port.
pub async fn answer(
    address: &str,
    mut answers: impl FnMut(&[u8]) -> Vec<(Vec<u8>, Source)> + Send + 'static,
) -> Server {
    let socket = UdpSocket::bind((address, 0)).await.unwrap();
    let stranger = UdpSocket::bind((address, 0)).await.unwrap();
    let target = socket.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            for (bytes, source) in answers(&buffer[..length]) {
                let socket = if source == Source::Stranger { &stranger } else { &socket };
                socket.send_to(&bytes, from).await.unwrap();
            }
        }
    });
    Server { target, _tasks: tasks }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Server,
    Stranger,
}

/// A bound socket that does not listen: its port is refused, and nobody else gets it.
pub fn closed_port() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// A UDP port that nobody has, for a moment.
pub fn free_udp_port(address: &str) -> SocketAddr {
    StdUdpSocket::bind((address, 0)).unwrap().local_addr().unwrap()
}
