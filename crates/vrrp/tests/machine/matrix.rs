//! Every state by every input: what the machine becomes and does. None is undefined, and a change of any is seen.

use std::fmt::Write;

use vrrp::{
    Action, Advert, AuthenticationData, Done, Event, Held, Input, InstanceId, InstanceSpec, InterfaceTrack,
    Packet, Priority, Protocol, RouterSpec, StateName, SyncGroupSpec, Track, TrackerId, TrackerKind,
    TrackerState, UnixTime, VirtualRouterId,
};

use crate::scene::{GROUP, OWN, PEER, Scene, VIP, index, link, ms, spec, v4, virtual_address};

fn script() -> TrackerId {
    TrackerId::new(TrackerKind::Script, "check")
}

/// Tracks a script and eth1, both without weight.
fn tracking() -> InstanceSpec {
    InstanceSpec {
        tracks: vec![Track { tracker: script(), weight: 0, reverse: false }],
        track_interfaces: vec![InterfaceTrack { interface: "eth1".into(), weight: 0, reverse: false }],
        ..spec()
    }
}

/// With a partner on eth0 that hears a better master.
fn grouped() -> RouterSpec {
    let partner = InstanceSpec {
        name: "OTHER".into(),
        vrid: VirtualRouterId::new(52).unwrap(),
        addresses: vec![virtual_address(v4(10, 0, 0, 101))],
        ..spec()
    };
    RouterSpec {
        instances: vec![tracking(), partner],
        sync_groups: vec![SyncGroupSpec::new("G", vec!["VI_1".into(), "OTHER".into()])],
        ..RouterSpec::default()
    }
}

fn started(spec: RouterSpec) -> Scene {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN]), link(3, "eth1", true, &[])]));
    scene.feed(Input::Configure(spec));
    scene
}

fn up(mut scene: Scene) -> Scene {
    scene.feed(Input::Track { tracker: script(), state: TrackerState::Up });
    scene
}

fn alone() -> RouterSpec {
    vec![tracking()].into()
}

/// A scene in each state, with whether it is in a group.
fn states() -> Vec<(&'static str, Scene, bool)> {
    let mut willing = up(started(grouped()));
    willing.run(ms(3_000));
    willing.packet(advert(200, |advert| advert.vrid = VirtualRouterId::new(52).unwrap()));
    willing.run(ms(1_000));
    let mut master = up(started(alone()));
    master.run(ms(3_700));
    let mut fault = up(started(alone()));
    fault.feed(Input::Link(link(2, "eth0", false, &[OWN])));
    let mut partner = up(started(grouped()));
    partner.feed(Input::Done(listening(Err(24))));
    let mut released = up(started(alone()));
    released.packet(advert(0, |_| {}));
    let mut stopped = Scene::start(spec());
    stopped.feed(Input::Stop);
    vec![
        ("nothing configured", Scene::before_start(), false),
        ("INIT, script awaited", started(alone()), false),
        ("FAULT", fault, false),
        ("FAULT, and the group's", partner, true),
        ("BACKUP", up(started(alone())), false),
        ("BACKUP, master released", released, false),
        ("BACKUP, willing", willing, true),
        ("MASTER", master, false),
        ("stopped", stopped, false),
    ]
}

fn listening(result: Result<(), i32>) -> Done {
    let membership = vrrp::Membership {
        interface: index(2),
        family: vrrp::Family::V4,
        group: Some(GROUP),
        protocol: Protocol::Vrrp,
    };
    Done::Listening { membership, result }
}

fn advert(priority: u8, alter: impl FnOnce(&mut Advert)) -> Packet {
    let mut advert = Advert {
        version: spec().version,
        vrid: spec().vrid,
        priority,
        interval: spec().advert_interval,
        addresses: vec![VIP],
        authentication: AuthenticationData::None,
    };
    alter(&mut advert);
    let payload = advert.to_bytes(PEER, GROUP);
    Packet {
        interface: index(2),
        source: PEER,
        destination: GROUP,
        ttl: 255,
        id: 1,
        protocol: Protocol::Vrrp,
        payload,
    }
}

fn inputs(grouped_with: bool) -> Vec<(&'static str, Input)> {
    let configuration = if grouped_with { grouped() } else { alone() };
    let mut preferred = configuration.clone();
    preferred.instances[0].priority = Priority::new(150).unwrap();
    let mut more = configuration.clone();
    more.instances[0].addresses.push(virtual_address(v4(10, 0, 0, 109)));
    let eth = |number, name, up, addresses: &[_]| Input::Link(link(number, name, up, addresses));
    let track = |state| Input::Track { tracker: script(), state };
    let vip = Held::Address(virtual_address(VIP));
    let applied = |serial, failed| Input::Done(Done::Applied { instance: InstanceId(0), serial, failed });
    vec![
        ("advert of higher priority", Input::Packet(advert(200, |_| {}))),
        ("advert of equal priority, higher address", Input::Packet(advert(100, |_| {}))),
        ("advert of lower priority", Input::Packet(advert(50, |_| {}))),
        ("advert of priority 0", Input::Packet(advert(0, |_| {}))),
        ("advert of ours", Input::Packet(Packet { source: OWN, ..advert(100, |_| {}) })),
        ("advert with TTL 1", Input::Packet(Packet { ttl: 1, ..advert(200, |_| {}) })),
        ("garbage", Input::Packet(Packet { payload: vec![0x21, 51, 7], ..advert(200, |_| {}) })),
        ("empty packet", Input::Packet(Packet { payload: vec![], ..advert(200, |_| {}) })),
        ("tick", Input::Tick),
        ("eth0 down", eth(2, "eth0", false, &[OWN])),
        ("eth0 up", eth(2, "eth0", true, &[OWN])),
        ("eth0 without address", eth(2, "eth0", true, &[])),
        ("eth0 with another number", eth(7, "eth0", true, &[OWN])),
        ("eth0 gone", Input::LinkGone(index(2))),
        ("eth1 down", eth(3, "eth1", false, &[])),
        ("no interfaces", Input::Links(vec![])),
        ("script up", track(TrackerState::Up)),
        ("script down", track(TrackerState::Down)),
        ("script unknown", track(TrackerState::Unknown)),
        ("wall clock", Input::WallClock(UnixTime(1))),
        ("the same configuration", Input::Configure(configuration)),
        ("another priority", Input::Configure(preferred)),
        ("one more address", Input::Configure(more)),
        ("empty configuration", Input::Configure(RouterSpec::default())),
        ("snapshots", Input::Resume(vec![])),
        ("old answer", applied(0, vec![])),
        ("VIP refused", applied(u64::MAX, vec![(vip.clone(), 1)])),
        ("advert not sent", Input::Done(Done::SendFailed { instance: InstanceId(0), errno: 101 })),
        ("cannot listen", Input::Done(listening(Err(24)))),
        ("listens", Input::Done(listening(Ok(())))),
        ("VIP removed by others", Input::Lost(vec![vip])),
        ("news were lost", Input::Doubt),
        ("stop", Input::Stop),
        ("abandon", Input::Abandon),
    ]
}

fn in_short(action: &Action) -> String {
    match action {
        Action::Send(send) => format!("send {}", send.payload[2]),
        Action::Want(want) => format!("want {}/{}", want.present.len(), want.absent.len()),
        Action::Announce(_) => "announce".into(),
        Action::Listen(_) => "listen".into(),
        Action::Unlisten(_) => "unlisten".into(),
        Action::Notify(transition) => format!("{} {}", transition.subject, transition.to),
        Action::Emit(Event { what, .. }) => {
            let whole = format!("{what:?}");
            format!("tell {}", whole.split([' ', '(']).next().unwrap_or_default())
        }
    }
}

#[test]
fn every_input_in_every_state() {
    let mut table = String::new();
    for (state, _, grouped) in states() {
        writeln!(table, "\n{state}").unwrap();
        for (name, input) in inputs(grouped) {
            // A fresh one for each input.
            let (_, mut scene, _) = states().into_iter().find(|(other, _, _)| *other == state).unwrap();
            let before = scene.all_states();
            scene.run(ms(50));
            scene.forget();
            scene.feed(input);
            let mut done: Vec<String> = Vec::new();
            for action in &scene.log {
                let short = in_short(action);
                if done.last() != Some(&short) {
                    done.push(short);
                }
            }
            let after = scene.all_states();
            let changed = if before == after { "=".to_owned() } else { join(&after) };
            writeln!(table, "  {name:42} {changed:15} {}", done.join(", ")).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

fn join(states: &[StateName]) -> String {
    let names: Vec<_> = states.iter().map(ToString::to_string).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" ") }
}

#[test]
fn the_states_of_the_matrix_are_what_they_are_called() {
    for (name, scene, _) in states() {
        let first = scene.all_states().first().map(ToString::to_string);
        assert!(first.is_none_or(|state| name.starts_with(&state)), "{name}: {:?}", scene.all_states());
    }
}
