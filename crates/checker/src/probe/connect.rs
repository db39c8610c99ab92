//! Opening sockets and TCP connections as a check asks for them.
//!
//! **What the path or the server did is a failure; what this host could not do is unknown.** The line is keepalived's
//! (2.2.7, measured): an error of `socket`, of a socket option, of `bind`, and most errors that `connect` itself returns
//! are local; "unreachable" is a failure wherever it comes from, because forwarded packets take the same way; and every
//! error that arrives while waiting came from the network.
//!
//! A connection ends with a FIN as keepalived's does, except where `bind_port` fixes the source port: there a FIN would
//! leave the port in TIME_WAIT and the checks of the next minute without an answer, so that it ends with a RST.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::outcome::{Cause, Failure, LocalError, Outcome, Step};
use crate::spec::Connection;

/// What is spoken over a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Tcp,
    Udp,
    /// ICMP echoes, where `net.ipv4.ping_group_range` allows it.
    Ping,
    /// ICMP, with `CAP_NET_RAW`.
    RawPing,
}

/// The established connection, or how the probe ended. Without a deadline of its own.
pub(super) async fn connect(connection: &Connection) -> Result<TcpStream, Outcome> {
    let socket = open(connection, Kind::Tcp).map_err(Outcome::Unknown)?;
    if let Err(error) = socket.connect(&connection.target.into())
        && error.raw_os_error() != Some(Errno::EINPROGRESS as i32)
    {
        return Err(at_once(&error));
    }
    let waiting = |error: io::Error| Outcome::Unknown(local(Step::Wait, &error));
    // Registered only now: before `connect` the kernel reports a hang-up on the socket.
    let stream = TcpStream::from_std(socket.into()).map_err(waiting)?;
    let ended = stream.async_io(Interest::WRITABLE, || verdict(&stream)).await.map_err(waiting)?;
    ended.map_or(Ok(stream), |error| Err(later(&error)))
}

/// The error that ended the connection, `None` if it stands, `WouldBlock` if it is still in the making.
fn verdict(stream: &TcpStream) -> io::Result<Option<io::Error>> {
    if let Some(error) = stream.take_error()? {
        return Ok(Some(error));
    }
    match stream.peer_addr() {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        // Whatever else it says, the connection was established; it may be over again.
        _ => Ok(None),
    }
}

/// A socket that is ready to connect.
pub(super) fn open(connection: &Connection, kind: Kind) -> Result<Socket, LocalError> {
    let at = |step: Step| move |error: io::Error| local(step, &error);
    let source = connection.source();
    let domain = Domain::for_address(connection.target);
    // socket2 sets close-on-exec with SOCK_CLOEXEC.
    let icmp = if connection.target.is_ipv4() { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
    let (of_type, protocol) = match kind {
        Kind::Tcp => (Type::STREAM, Protocol::TCP),
        Kind::Udp => (Type::DGRAM, Protocol::UDP),
        Kind::Ping => (Type::DGRAM, icmp),
        Kind::RawPing => (Type::RAW, icmp),
    };
    let socket = Socket::new(domain, of_type.nonblocking(), Some(protocol)).map_err(at(Step::Open))?;
    if kind != Kind::Tcp {
        // Or a host that is not there shows only as silence.
        let asked = match connection.target {
            SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true),
            SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvErr, &true),
        };
        asked.map_err(io::Error::from).map_err(at(Step::Open))?;
    }
    if let Some(interface) = &source.interface {
        // Before `bind`, which takes the scope of a link-local address from it.
        socket.bind_device(Some(interface.as_bytes())).map_err(at(Step::BindInterface))?;
    }
    if source.fwmark != 0 {
        socket.set_mark(source.fwmark).map_err(at(Step::Mark))?;
    }
    if source.port != 0 && kind == Kind::Tcp {
        socket.set_linger(Some(Duration::ZERO)).map_err(at(Step::Open))?;
    }
    if source.address.is_some() || source.port != 0 {
        if source.port == 0 {
            // Or `bind` takes a port that no other probe from this address can use, whatever its target.
            setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)
                .map_err(io::Error::from)
                .map_err(at(Step::Open))?;
        }
        let address = source.address.unwrap_or(match connection.target {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        });
        let from = SocketAddr::new(address, source.port);
        socket.bind(&from.into()).map_err(at(Step::BindAddress))?;
    }
    Ok(socket)
}

/// What an error of `connect` itself means.
pub(super) fn at_once(error: &io::Error) -> Outcome {
    match errno(error) {
        Errno::ECONNREFUSED
        | Errno::ETIMEDOUT
        | Errno::ENETUNREACH
        | Errno::ENETDOWN
        | Errno::EHOSTUNREACH
        | Errno::EHOSTDOWN => later(error),
        _ => Outcome::Unknown(local(Step::Connect, error)),
    }
}

/// What an error that arrived later means.
pub(super) fn later(error: &io::Error) -> Outcome {
    Outcome::Failure(match errno(error) {
        Errno::ECONNREFUSED => Failure::Refused,
        Errno::ETIMEDOUT => Failure::TimedOut,
        Errno::ECONNRESET => Failure::Reset,
        Errno::ENETUNREACH | Errno::ENETDOWN => Failure::NetworkUnreachable,
        Errno::EHOSTUNREACH | Errno::EHOSTDOWN => Failure::HostUnreachable,
        // The kernel gave the connection up on our own side, for example because somebody ran `ss --kill`.
        Errno::ECONNABORTED => return Outcome::Unknown(local(Step::Wait, error)),
        other => Failure::Network(other as i32),
    })
}

/// What an error of this host means.
pub(super) fn local(step: Step, error: &io::Error) -> LocalError {
    let cause = match errno(error) {
        Errno::EMFILE | Errno::ENFILE => Cause::NoDescriptor,
        Errno::ENOMEM | Errno::ENOBUFS => Cause::NoMemory,
        Errno::EPERM | Errno::EACCES => Cause::NotPermitted,
        Errno::EADDRNOTAVAIL => Cause::NoAddress,
        Errno::EADDRINUSE => Cause::AddressInUse,
        Errno::ENODEV => Cause::NoInterface,
        _ => Cause::Other(error.raw_os_error().unwrap_or(0)),
    };
    LocalError { step, cause }
}

/// `UnknownErrno` for an error that is not the system's.
pub(super) fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Source;

    fn to(target: &str) -> Connection {
        Connection::new(target.parse().unwrap(), Duration::from_secs(5).into())
    }

    fn error(errno: Errno) -> io::Error {
        io::Error::from(errno)
    }

    #[test]
    fn the_socket_is_set_as_the_check_asks_and_never_blocks() {
        let socket = open(
            &to("127.0.0.1:9").from(Source { interface: Some("lo".into()), ..Source::default() }),
            Kind::Tcp,
        )
        .unwrap();
        assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
        assert!(socket.nonblocking().unwrap());
        assert_eq!(socket.linger().unwrap(), None);
        assert_eq!(socket.local_addr().unwrap().as_socket().map(|it| it.port()), Some(0));
    }

    #[test]
    fn a_source_address_does_not_take_a_port_before_the_target_is_known() {
        let source_address = Some("127.0.0.9".parse().unwrap());
        let socket =
            open(&to("127.0.0.1:9").from(Source { address: source_address, ..Source::default() }), Kind::Tcp)
                .unwrap();
        assert_eq!(socket.local_addr().unwrap().as_socket(), Some("127.0.0.9:0".parse().unwrap()));
    }

    #[test]
    fn the_mark_is_set_or_the_probe_says_that_it_may_not() {
        let opened = open(&to("127.0.0.1:9").from(Source { fwmark: 7, ..Source::default() }), Kind::Tcp);
        match opened {
            Ok(socket) => assert_eq!(socket.mark().unwrap(), 7),
            Err(refused) => {
                assert_eq!(refused, LocalError { step: Step::Mark, cause: Cause::NotPermitted });
            }
        }
    }

    #[test]
    fn errors_of_connect_itself_are_local_unless_the_path_is_to_blame() {
        for (errno, failure) in [
            (Errno::ENETUNREACH, Failure::NetworkUnreachable),
            (Errno::EHOSTUNREACH, Failure::HostUnreachable),
            (Errno::ECONNREFUSED, Failure::Refused),
        ] {
            assert_eq!(at_once(&error(errno)), Outcome::Failure(failure));
        }
        // A `prohibit` route, a `blackhole` route, no free source port: as keepalived, measured.
        for (errno, cause) in [
            (Errno::EACCES, Cause::NotPermitted),
            (Errno::EINVAL, Cause::Other(22)),
            (Errno::EADDRNOTAVAIL, Cause::NoAddress),
        ] {
            let outcome = Outcome::Unknown(LocalError { step: Step::Connect, cause });
            assert_eq!(at_once(&error(errno)), outcome);
        }
    }

    #[test]
    fn errors_that_arrive_while_waiting_come_from_the_network() {
        for (errno, failure) in [
            (Errno::ECONNRESET, Failure::Reset),
            (Errno::ETIMEDOUT, Failure::TimedOut),
            (Errno::ENETDOWN, Failure::NetworkUnreachable),
            (Errno::EHOSTDOWN, Failure::HostUnreachable),
            (Errno::EACCES, Failure::Network(13)),
        ] {
            assert_eq!(later(&error(errno)), Outcome::Failure(failure));
        }
        let outcome = Outcome::Unknown(LocalError {
            step: Step::Wait,
            cause: Cause::Other(Errno::ECONNABORTED as i32),
        });
        assert_eq!(later(&error(Errno::ECONNABORTED)), outcome);
    }

    #[test]
    fn an_error_without_a_number_is_not_taken_for_another() {
        let nameless = io::Error::other("no reactor");
        assert_eq!(local(Step::Wait, &nameless), LocalError { step: Step::Wait, cause: Cause::Other(0) });
    }
}
