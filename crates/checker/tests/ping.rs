//! PING_CHECK over the loopback.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod servers;

use checker::probe::{Resources, probe};
use checker::{Cause, Failure, LocalError, Outcome, ProbeSpec, Source, Step};
use servers::to;

/// Where this user may have no socket for echoes at all, the probe says so, and that is all that can be seen.
const FORBIDDEN: Outcome = Outcome::Unknown(LocalError { step: Step::Open, cause: Cause::NotPermitted });

async fn ask(target: &str) -> Outcome {
    let connection = to(format!("{target}:0").parse().unwrap()).from(Source { port: 9, ..Source::default() });
    probe(&ProbeSpec::Ping(connection), &Resources::linked(None)).await
}

#[tokio::test]
async fn a_host_that_is_there_answers_over_ipv4_and_ipv6_or_nobody_may_ask() {
    for target in ["127.0.0.1", "[::1]"] {
        let outcome = ask(target).await;
        assert!([Outcome::Success, FORBIDDEN].contains(&outcome), "{target}: {outcome:?}");
    }
}

#[tokio::test]
async fn many_at_once_each_get_their_own_answer_or_nobody_may_ask() {
    let probes: Vec<_> = (0..100).map(|_| tokio::spawn(ask("127.0.0.1"))).collect();
    for probe in probes {
        let outcome = probe.await.unwrap();
        assert!([Outcome::Success, FORBIDDEN].contains(&outcome), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_address_without_a_route_is_a_failure_or_nobody_may_ask() {
    // The kernel sends no echo to a broadcast address.
    let outcome = ask("255.255.255.255").await;
    let failures = [Failure::Network(13), Failure::NetworkUnreachable];
    assert!(failures.map(Outcome::Failure).contains(&outcome) || outcome == FORBIDDEN, "{outcome:?}");
}
