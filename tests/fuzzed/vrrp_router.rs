//! Arbitrary bytes as a life of a router: configurations, links, packets right and wrong, failures, sleep, restarts.
//!
//! **Whatever happens, it goes on**: no input panics, none makes more than so many actions, what is due is done when it
//! is ticked, and a router that is stopped and whose actions are answered ends.

mod specs;

use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;
use vrrp::{
    Action, Advert, AuthenticationData, Centiseconds, Done, Held, IfIndex, Input, InstanceId, InstanceSpec,
    LinkAddress, LinkView, Membership, Packet, Protocol, Router, RouterSpec, Send, TrackerState, UnixTime,
    Want,
};

use crate::choices::Choices;

/// Actions that one input may make. A start of the largest configuration here makes far fewer.
const MOST_ACTIONS: usize = 5_000;
/// Ticks in a row at one time after which nothing may be due any more.
const MOST_TICKS: usize = 4;
/// Rounds of answers and deadlines in which a stopped router has to end.
const MOST_ROUNDS: usize = 200;
/// Own adverts that are remembered, to be heard again.
const MOST_SENT: usize = 8;

/// Lives the life that the bytes choose.
///
/// # Panics
/// If something does not hold that holds for every life.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices::of(bytes);
    let mut life = Life::new();
    while let Some(()) = life.step(&mut choices) {}
    life.end();
}

struct Life {
    router: Router,
    now: Instant,
    spec: RouterSpec,
    /// Wants that have not been answered.
    wants: Vec<Want>,
    memberships: Vec<Membership>,
    senders: Vec<InstanceId>,
    sent: Vec<Send>,
}

impl Life {
    fn new() -> Self {
        Self {
            router: Router::new(),
            now: Instant::from_micros(1_000_000),
            spec: RouterSpec::default(),
            wants: Vec::new(),
            memberships: Vec::new(),
            senders: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// One thing more that happens; `None` when the choices are used up.
    fn step(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        match choices.byte()? % 20 {
            0 => self.configure(choices)?,
            1 => {
                let views = [link(choices, 2)?, link(choices, 3)?];
                let count = choices.next()? % 3;
                self.feed(Input::Links(views.into_iter().take(count).collect()));
            }
            2 | 3 => {
                let index = 2 + u32::from(choices.byte()? % 3);
                let view = link(choices, index)?;
                self.feed(Input::Link(view));
            }
            4 => {
                let index = IfIndex::new(2 + u32::from(choices.byte()? % 3))?;
                self.feed(Input::LinkGone(index));
            }
            5..=7 => {
                self.now = self.now.max(self.router.next_deadline().unwrap_or(self.now));
                self.tick();
            }
            8 => {
                self.now += Duration::from_millis(u64::from(choices.byte()?).pow(2));
                self.tick();
            }
            9 => self.now += Duration::from_millis(u64::from(choices.byte()?).pow(3)),
            10..=12 => self.packet(choices)?,
            13 => self.own_packet(choices)?,
            14 | 15 => self.answer(choices)?,
            16 => self.listening(choices)?,
            17 => self.track(choices)?,
            18 => self.surroundings(choices)?,
            _ => self.upheaval(choices)?,
        }
        Some(())
    }

    fn feed(&mut self, input: Input) {
        self.router.handle(self.now, input);
        let mut count = 0;
        while let Some(action) = self.router.next_action() {
            count += 1;
            assert!(count < MOST_ACTIONS, "one input makes more than {MOST_ACTIONS} actions");
            self.perform(action);
        }
        // What is kept of a router must be obtainable at any time.
        let (_, _) = (self.router.take_changed(), self.router.snapshots());
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Want(want) => {
                let newer =
                    self.wants.iter().all(|it| it.instance != want.instance || it.serial < want.serial);
                assert!(newer, "a want is not newer than those before it: {want:?}");
                self.wants.push(want);
            }
            Action::Send(send) => {
                assert!(!send.payload.is_empty(), "an advert without bytes: {send:?}");
                if !self.senders.contains(&send.instance) {
                    self.senders.push(send.instance);
                }
                self.sent.push(send);
                if self.sent.len() > MOST_SENT {
                    self.sent.remove(0);
                }
            }
            Action::Listen(membership) => self.memberships.push(membership),
            Action::Unlisten(membership) => self.memberships.retain(|it| *it != membership),
            Action::Announce(_) | Action::Notify(_) | Action::Emit(_) => {}
        }
    }

    /// Ticks until nothing is due, which must not take long.
    fn tick(&mut self) {
        for _ in 0..MOST_TICKS {
            self.feed(Input::Tick);
            if self.router.next_deadline().is_none_or(|at| at > self.now) {
                return;
            }
        }
        let at = self.router.next_deadline();
        panic!("ticked {MOST_TICKS} times at {:?}, and {at:?} is due", self.now);
    }

    /// One of the configurations, with some instances missing and others changed.
    fn configure(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        let specs = specs::all();
        let mut spec = specs.get(choices.next()? % specs.len())?.clone();
        let (missing, changed) = (choices.byte()?, choices.byte()?);
        let bit = |mask: u8, index: usize| mask & 1 << (index % 8) != 0;
        let mut index = 0;
        spec.instances.retain(|_| {
            index += 1;
            !bit(missing, index - 1)
        });
        for (index, instance) in spec.instances.iter_mut().enumerate() {
            if bit(changed, index) {
                change(choices, instance)?;
            }
        }
        self.spec = spec.clone();
        self.feed(Input::Configure(spec));
        Some(())
    }

    /// An advert that an instance here would accept, or nearly so.
    fn packet(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        let chosen = choices.next()?;
        let instance = self.spec.instances.get(chosen.checked_rem(self.spec.instances.len())?)?;
        let v6 = instance.family == vrrp::Family::V6;
        let sources: &[&str] =
            if v6 { &["fe80::5", "fe80::1", "2001:db8::5"] } else { &["10.0.0.5", "10.0.0.1", "10.0.0.250"] };
        let source = choices.one_of(sources)?.parse().ok()?;
        let destination: IpAddr = match &instance.transport {
            vrrp::Transport::Multicast { group, .. } => *group,
            vrrp::Transport::Unicast { .. } => (if v6 { "fe80::1" } else { "10.0.0.1" }).parse().ok()?,
        };
        let advert = Advert {
            version: instance.version,
            vrid: instance.vrid,
            priority: choices.byte()?,
            interval: instance.advert_interval,
            addresses: instance.addresses.iter().map(|held| held.address).collect(),
            authentication: AuthenticationData::of(&instance.authentication),
        };
        let mut payload = advert.to_bytes(source, destination);
        let mut packet = Packet {
            interface: IfIndex::new(2)?,
            source,
            destination,
            ttl: 255,
            id: 1,
            protocol: Protocol::Vrrp,
            payload: Vec::new(),
        };
        for _ in 0..choices.byte()? % 4 {
            match choices.byte()? % 6 {
                0 => {
                    let at = choices.next()?.checked_rem(payload.len()).unwrap_or(0);
                    if let Some(byte) = payload.get_mut(at) {
                        *byte = choices.byte()?;
                    }
                }
                1 => payload.truncate(choices.next()?),
                2 => payload.extend(choices.bytes(24)),
                3 => packet.ttl = choices.byte()?,
                4 => packet.interface = IfIndex::new(2 + u32::from(choices.byte()? % 3))?,
                _ => {
                    packet.protocol = Protocol::Ah;
                    payload.splice(0..0, choices.bytes(24));
                }
            }
        }
        packet.payload = payload;
        self.feed(Input::Packet(packet));
        Some(())
    }

    /// Something that the router sent, heard as it is or as from another host.
    fn own_packet(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        let chosen = choices.next()?;
        let send = self.sent.get(chosen.checked_rem(self.sent.len())?)?.clone();
        let mut packet = Packet {
            interface: send.interface,
            source: send.source,
            destination: send.destination,
            ttl: send.ttl,
            id: send.id,
            protocol: send.protocol,
            payload: send.payload,
        };
        let changes = choices.byte()?;
        if changes & 1 != 0 {
            packet.source = (if packet.source.is_ipv6() { "fe80::5" } else { "10.0.0.5" }).parse().ok()?;
        }
        if changes & 2 != 0 {
            let at = choices.next()?.checked_rem(packet.payload.len())?;
            *packet.payload.get_mut(at)? ^= choices.byte()?;
        }
        if changes & 4 != 0 {
            packet.payload.truncate(choices.next()?);
        }
        if changes & 8 != 0 {
            packet.payload.extend(choices.bytes(40));
        }
        self.feed(Input::Packet(packet));
        Some(())
    }

    /// The kernel's answer to a want: the oldest or any, once or twice, all done or some of it refused.
    fn answer(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        let (chosen, how) = (choices.next()?, choices.byte()?);
        let index = if how & 1 == 0 { 0 } else { chosen.checked_rem(self.wants.len())? };
        let want = self.wants.get(index)?.clone();
        if how & 2 == 0 {
            self.wants.remove(index);
        }
        let held = want.present.iter().chain(&want.absent);
        let refuses = how & 4 != 0;
        let failed: Vec<(Held, i32)> =
            held.filter(|_| refuses).step_by(1 + chosen % 3).map(|it| (it.clone(), 13)).collect();
        self.feed(Input::Done(Done::Applied { instance: want.instance, serial: want.serial, failed }));
        Some(())
    }

    fn listening(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        let how = choices.byte()?;
        let done = if how & 1 == 0 {
            let membership = choices.one_of(&self.memberships)?;
            Done::Listening { membership, result: if how & 2 == 0 { Ok(()) } else { Err(19) } }
        } else {
            Done::SendFailed { instance: choices.one_of(&self.senders)?, errno: i32::from(how) }
        };
        self.feed(Input::Done(done));
        Some(())
    }

    fn track(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        let own = self.spec.instances.iter().flat_map(|instance| &instance.tracks);
        let shared = self.spec.sync_groups.iter().flat_map(|group| &group.tracks);
        let trackers: Vec<_> = own.chain(shared).map(|track| &track.tracker).collect();
        let tracker = choices.one_of(&trackers)?.clone();
        let state = match choices.byte()? % 4 {
            0 => TrackerState::Unknown,
            1 => TrackerState::Up,
            2 => TrackerState::Down,
            _ => TrackerState::Value(choices.one_of(&[0, 1, -1, 200, -253, 254, i64::MAX, i64::MIN])?),
        };
        self.feed(Input::Track { tracker, state });
        Some(())
    }

    fn surroundings(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        let input = match choices.byte()? % 3 {
            0 => Input::Doubt,
            1 => {
                let time = choices.one_of(&[0, 1, 1_000_000, 1_700_000_000_000_000, u64::MAX])?;
                Input::WallClock(UnixTime(time))
            }
            _ => Input::Lost(self.wants.last().map(|want| want.present.clone()).unwrap_or_default()),
        };
        self.feed(input);
        Some(())
    }

    /// The process ends: asked to, without a word, or by a crash after which its successor goes on.
    fn upheaval(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        match choices.byte()? % 4 {
            0 => self.feed(Input::Stop),
            1 => self.feed(Input::Abandon),
            2 => {
                let snapshots = self.router.snapshots();
                *self = Self { now: self.now, spec: self.spec.clone(), ..Self::new() };
                self.feed(Input::Resume(snapshots));
            }
            _ => {
                let copy = self.router.clone();
                assert!(copy == self.router, "a copy of a router differs from it");
            }
        }
        Some(())
    }

    /// A stopped router ends once all is answered.
    fn end(&mut self) {
        self.feed(Input::Stop);
        for _ in 0..MOST_ROUNDS {
            for Want { instance, serial, .. } in std::mem::take(&mut self.wants) {
                self.feed(Input::Done(Done::Applied { instance, serial, failed: Vec::new() }));
            }
            if self.router.is_stopped() {
                return;
            }
            self.now = self.now.max(self.router.next_deadline().unwrap_or(self.now));
            self.tick();
        }
        panic!("stopped, answered and still there: {:?}", self.router.snapshots());
    }
}

/// Changes what a reload may change.
fn change(choices: &mut Choices<'_>, instance: &mut InstanceSpec) -> Option<()> {
    match choices.byte()? % 6 {
        0 => instance.priority = vrrp::Priority::new(choices.byte()?)?,
        1 => instance.advert_interval = Centiseconds::new(u16::from(choices.byte()?).max(1) * 16),
        2 => instance.nopreempt = !instance.nopreempt,
        3 => {
            instance.addresses.pop();
        }
        4 => instance.preempt_delay = Duration::from_millis(u64::from(choices.byte()?) * 10),
        _ => instance.addresses.reverse(),
    }
    Some(())
}

/// An interface in one of its states; 2 is eth0, 3 is eth1, 4 is an eth0 that was made anew.
fn link(choices: &mut Choices<'_>, index: u32) -> Option<LinkView> {
    let bits = choices.byte()?;
    let own = ["10.0.0.1/24", "fe80::1/64", "2001:db8::1/64"];
    let virtual_addresses = ["10.0.0.250/24", "10.0.0.251/32", "fe80::fa/64"];
    let addresses = own
        .iter()
        .take(usize::from(bits >> 2 & 3))
        .chain(virtual_addresses.iter().take(usize::from(bits >> 4 & 3)));
    let address = |text: &&str| {
        let (address, prefix_len) = text.split_once('/')?;
        let (address, prefix_len) = (address.parse().ok()?, prefix_len.parse().ok()?);
        Some(LinkAddress { address, prefix_len, usable: bits & 0x80 == 0 })
    };
    Some(LinkView {
        index: IfIndex::new(index)?,
        name: if index == 3 { "eth1" } else { "eth0" }.to_owned(),
        up: bits & 1 != 0,
        arp: bits & 2 == 0,
        mac: vec![2, 0, 0, 0, 0, bits >> 6],
        addresses: addresses.filter_map(address).collect(),
    })
}
