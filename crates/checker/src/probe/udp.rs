//! `UDP_CHECK`: is a datagram not refused, or answered as it should be?
//!
//! The first reply decides, right or wrong. The rules are keepalived's (2.2.7, measured): a reply that is shorter than the
//! pattern matches as far as it goes, so that `min_reply_length` says how much there has to be; lengths count only where
//! there is a pattern.

use std::ops::ControlFlow;

use super::connect::Kind;
use super::datagram;
use crate::outcome::{Failure, Outcome};
use crate::spec::{DEFAULT_PAYLOAD, ReplySpec, UdpProbe};

/// Sends the datagram, and waits for a reply if one is required, or else for a refusal.
pub(super) async fn probe(spec: &UdpProbe) -> Outcome {
    // One byte more than may come shows that it was more.
    let room = spec.reply.as_ref().map_or(1, |reply| usize::from(reply.most) + 1);
    let mut buffer = vec![0; room];
    let payload = spec.payload.as_deref().unwrap_or(DEFAULT_PAYLOAD);
    let judge = |_: Kind, reply: &[u8]| {
        ControlFlow::Break(match &spec.reply {
            Some(wanted) => verdict(wanted, reply),
            None => Outcome::Success,
        })
    };
    match datagram::ask(&spec.connection, Kind::Udp, payload, &mut buffer, judge).await {
        // Nobody has refused it.
        Outcome::Failure(Failure::TimedOut) if spec.reply.is_none() => Outcome::Success,
        outcome => outcome,
    }
}

fn verdict(wanted: &ReplySpec, reply: &[u8]) -> Outcome {
    if wanted.pattern.is_empty() {
        return Outcome::Success;
    }
    let length = u16::try_from(reply.len()).unwrap_or(u16::MAX);
    if length < wanted.least || reply.len() > usize::from(wanted.most) {
        return Outcome::Failure(Failure::ReplyLength(length));
    }
    let right = wanted.pattern.iter().zip(reply).all(|(wanted, byte)| byte & wanted.mask == wanted.value);
    if right { Outcome::Success } else { Outcome::Failure(Failure::WrongReply) }
}
