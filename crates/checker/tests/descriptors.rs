//! A probe without a file descriptor. Alone in its program, because the limit is that of the whole process.

use std::net::TcpListener;
use std::time::Duration;

use checker::probe::{Resources, probe};
use checker::{Cause, Connection, LocalError, Outcome, ProbeSpec, Step};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

#[tokio::test]
async fn a_host_without_descriptors_cannot_ask_and_can_again_when_it_has_some() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let spec =
        ProbeSpec::Tcp(Connection::new(listener.local_addr().unwrap(), Duration::from_secs(30).into()));
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 0, hard).unwrap();
    let without = probe(&spec, &Resources::linked(None)).await;
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    assert_eq!(without, Outcome::Unknown(LocalError { step: Step::Open, cause: Cause::NoDescriptor }));
    assert_eq!(probe(&spec, &Resources::linked(None)).await, Outcome::Success);
}
