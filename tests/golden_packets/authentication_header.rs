//! A conversation of two keepaliveds behind authentication headers, whose packets depend on all that came before: `a` is
//! master and stops, `b` takes over and goes on with the sequence numbers of `a`.

use std::time::Duration;

use vrrp::{IfIndex, Input, Packet, Protocol, StateName};

use crate::{Scene, hex, instance, spec};

struct Captured {
    packet: Packet,
    id: u16,
}

/// What this version said.
fn captured(version: &str) -> Vec<Captured> {
    let lines = include_str!("captures/v2-ah.txt").lines().filter(|line| line.starts_with(version));
    lines
        .map(|line| {
            let [_, source, destination, ttl, id, payload] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line:?} is no captured packet")
            };
            let id = id.parse().unwrap();
            let digits =
                (0..payload.len() / 2).map(|at| u8::from_str_radix(&payload[at * 2..at * 2 + 2], 16));
            let packet = Packet {
                interface: IfIndex::new(2).unwrap(),
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
                ttl: ttl.parse().unwrap(),
                id,
                protocol: Protocol::Ah,
                payload: digits.collect::<Result<_, _>>().unwrap(),
            };
            Captured { packet, id }
        })
        .collect()
}

fn director(address: &str, priority: u8) -> Scene {
    let settings = "authentication {\n auth_type AH\n auth_pass s3cret42\n }";
    let configuration = instance(2, "1", settings, "10.77.0.100/16");
    let address = address.parse().unwrap();
    Scene::start(spec(&configuration, address, address, priority), address)
}

/// The router has sent these packets, and nothing else.
fn sent(scene: &Scene, expected: &[Captured]) {
    let expected: Vec<_> = expected.iter().map(|one| (one.id, hex(&one.packet.payload))).collect();
    let sent: Vec<_> = scene.sent.iter().map(|send| (send.id, hex(&send.payload))).collect();
    assert_eq!(sent, expected);
    assert!(scene.sent.iter().all(|send| (send.protocol, send.ttl) == (Protocol::Ah, 255)));
}

fn conversation(version: &str) {
    let packets = captured(version);
    let (of_a, of_b) = packets.split_at(6);
    assert_eq!(of_b.len(), 9);

    let mut a = director("10.77.0.1", 150);
    a.run(Duration::from_millis(3_500 + 4_000));
    a.feed(Input::Stop);
    sent(&a, of_a);

    let mut b = director("10.77.0.2", 100);
    for one in of_a {
        b.run(Duration::from_secs(1));
        b.feed(Input::Packet(one.packet.clone()));
    }
    assert_eq!(b.told, [], "taken without a complaint");
    b.run(Duration::from_millis(700 + 7_000));
    assert_eq!(b.router.snapshots()[0].state, StateName::Master);
    b.feed(Input::Stop);
    sent(&b, of_b);
}

#[test]
fn a_conversation_of_keepalived_2_2_7_is_held_word_for_word() {
    conversation("keepalived-2.2.7");
}

#[test]
fn a_conversation_of_keepalived_2_4_3_is_held_word_for_word() {
    conversation("keepalived-2.4.3");
}
