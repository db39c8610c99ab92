//! A simulated host: its VRRP process, its interface, and the kernel that holds addresses for it.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clock::Instant;
use vrrp::{
    Action, Advert, Centiseconds, Done, Family, Held, IfIndex, Input, InstanceSpec, LinkAddress, LinkView,
    Packet, Priority, Router, RouterSpec, Send, StateName, SyncGroupSpec, Track, TrackerId, TrackerKind,
    TrackerState, Transition, Version, VirtualAddress, VirtualRouterId,
};

/// The address of a virtual router.
const fn vip(router: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, if router == 0 { 200 } else { 201 }))
}

/// What distinguishes the hosts of one network.
#[derive(Clone, Debug)]
pub struct Settings {
    pub priority: u8,
    /// Of each virtual router; there are one or two.
    pub versions: Vec<Version>,
    pub interval: Centiseconds,
    pub nopreempt: bool,
    pub preempt_delay: Duration,
    /// The virtual routers are in one sync group.
    pub grouped: bool,
    /// Weight of a script that all instances follow; none: there is no script.
    pub weight: Option<i16>,
}

impl Settings {
    pub fn spec(&self) -> RouterSpec {
        let instances: Vec<_> = (0..self.versions.len()).map(|router| self.instance(router)).collect();
        let members = instances.iter().map(|instance| instance.name.clone()).collect();
        let sync_groups = if self.grouped { vec![SyncGroupSpec::new("G", members)] } else { vec![] };
        RouterSpec { instances, sync_groups, ..RouterSpec::default() }
    }

    fn instance(&self, router: usize) -> InstanceSpec {
        let vrid = VirtualRouterId::new(vrid(router)).unwrap();
        let track = |weight| Track { tracker: script(), weight, reverse: false };
        InstanceSpec {
            version: self.versions[router],
            priority: Priority::new(self.priority).unwrap(),
            advert_interval: self.interval,
            nopreempt: self.nopreempt,
            preempt_delay: self.preempt_delay,
            addresses: vec![VirtualAddress::new(vip(router), 32, "eth0")],
            tracks: self.weight.map(track).into_iter().collect(),
            ..InstanceSpec::new(format!("V{router}"), "eth0", vrid, Family::V4)
        }
    }

    /// How long this host waits for a master with this interval.
    pub fn down_interval(&self, master_interval: Centiseconds) -> Duration {
        let priority = Priority::new(self.priority).unwrap();
        let of = |version| vrrp::time::master_down_interval(version, priority, master_interval, 3);
        self.versions.iter().map(|version| of(*version)).max().unwrap()
    }

    /// The least that an advert with this interval keeps this host from taking over `router`, whatever its script says.
    pub fn least_wait(&self, router: usize, master_interval: Centiseconds) -> Duration {
        let most = if self.weight.is_some_and(|weight| weight > 0) { 254 } else { self.priority };
        let priority = Priority::new(most).unwrap();
        vrrp::time::master_down_interval(self.versions[router], priority, master_interval, 3)
    }
}

/// Number of a virtual router on the wire.
pub const fn vrid(router: usize) -> u8 {
    if router == 0 { 7 } else { 8 }
}

fn script() -> TrackerId {
    TrackerId::new(TrackerKind::Script, "check")
}

/// What a host did in one step, for the laws to look at.
#[derive(Clone, Debug, Default)]
pub struct Deeds {
    pub handled: Vec<Packet>,
    pub sent: Vec<Send>,
    pub transitions: Vec<Transition>,
    pub announced_before_held: bool,
}

pub struct Host {
    pub number: u8,
    pub settings: Settings,
    pub router: Option<Router>,
    pub carrier: bool,
    /// The process does not run before this.
    pub asleep_until: Instant,
    pub inbox: VecDeque<Packet>,
    /// The kernel has the virtual address of this virtual router.
    pub holds: Vec<bool>,
    /// What the script says.
    pub healthy: bool,
}

impl Host {
    pub fn new(number: u8, settings: Settings) -> Self {
        Self {
            number,
            holds: vec![false; settings.versions.len()],
            healthy: true,
            settings,
            router: None,
            carrier: true,
            asleep_until: Instant::ZERO,
            inbox: VecDeque::new(),
        }
    }

    pub fn address(&self) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, self.number + 1).into()
    }

    pub fn is_awake(&self, now: Instant) -> bool {
        self.router.is_some() && self.asleep_until <= now
    }

    /// State of each instance.
    pub fn states(&self) -> Vec<StateName> {
        let snapshots = self.router.as_ref().map(Router::snapshots).unwrap_or_default();
        (0..self.settings.versions.len())
            .map(|router| {
                let snapshot = snapshots.iter().find(|snapshot| snapshot.key.vrid.get() == vrid(router));
                snapshot.map_or(StateName::Stop, |snapshot| snapshot.state)
            })
            .collect()
    }

    pub fn is_master(&self, router: usize) -> bool {
        self.states()[router] == StateName::Master
    }

    /// What the script makes of the configured priority.
    pub fn priority(&self) -> u8 {
        let weight = match self.settings.weight {
            Some(weight) if (weight > 0) == self.healthy => weight,
            _ => 0,
        };
        u8::try_from((i16::from(self.settings.priority) + weight).clamp(1, 254)).unwrap()
    }

    /// Other settings on a running router.
    pub fn reload(&mut self, now: Instant, settings: Settings) -> Deeds {
        self.settings = settings;
        self.feed(now, Input::Configure(self.settings.spec()))
    }

    /// The script has another result.
    pub fn set_health(&mut self, now: Instant, healthy: bool) -> Deeds {
        self.healthy = healthy;
        if self.is_awake(now) { self.feed(now, self.track()) } else { Deeds::default() }
    }

    fn track(&self) -> Input {
        let state = if self.healthy { TrackerState::Up } else { TrackerState::Down };
        Input::Track { tracker: script(), state }
    }

    pub fn start(&mut self, now: Instant) -> Deeds {
        self.router = Some(Router::new());
        self.inbox.clear();
        let mut deeds = self.feed(now, Input::Links(vec![self.link()]));
        deeds.merge(self.feed(now, Input::Configure(self.settings.spec())));
        deeds.merge(self.feed(now, self.track()));
        deeds
    }

    pub fn stop(&mut self, now: Instant) -> Deeds {
        let deeds = self.feed(now, Input::Stop);
        self.router = None;
        deeds
    }

    /// Power off: nothing is said, nothing is held.
    pub fn die(&mut self) {
        self.router = None;
        self.holds.fill(false);
        self.inbox.clear();
    }

    pub fn set_carrier(&mut self, now: Instant, carrier: bool) -> Deeds {
        self.carrier = carrier;
        if self.router.is_some() && self.is_awake(now) {
            self.feed(now, Input::Link(self.link()))
        } else {
            Deeds::default()
        }
    }

    /// What a driver does when it wakes up: sockets first, then the clock.
    pub fn wake(&mut self, now: Instant) -> Deeds {
        let mut deeds = self.feed(now, Input::Link(self.link()));
        deeds.merge(self.feed(now, self.track()));
        while let Some(packet) = self.inbox.pop_front() {
            deeds.handled.push(packet.clone());
            deeds.merge(self.feed(now, Input::Packet(packet)));
        }
        if self.next_deadline().is_some_and(|at| at <= now) {
            deeds.merge(self.feed(now, Input::Tick));
        }
        deeds
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.router.as_ref().and_then(Router::next_deadline)
    }

    fn link(&self) -> LinkView {
        let own = LinkAddress { address: self.address(), prefix_len: 24, usable: true };
        let held = self.holds.iter().enumerate().filter(|(_, holds)| **holds);
        let held = held.map(|(router, _)| LinkAddress { address: vip(router), prefix_len: 32, usable: true });
        LinkView {
            index: IfIndex::new(2).unwrap(),
            name: "eth0".into(),
            up: self.carrier,
            arp: true,
            mac: vec![2, 0, 0, 0, 0, self.number],
            addresses: [own].into_iter().chain(held).collect(),
        }
    }

    fn feed(&mut self, now: Instant, input: Input) -> Deeds {
        let mut deeds = Deeds::default();
        let Some(router) = &mut self.router else { return deeds };
        router.handle(now, input);
        while let Some(action) = router.next_action() {
            match action {
                Action::Send(send) => deeds.sent.push(send),
                Action::Want(want) => {
                    for (router, holds) in self.holds.iter_mut().enumerate() {
                        let concerned = |held: &Held| matches!(held, Held::Address(address) if address.address == vip(router));
                        *holds = (*holds && !want.absent.iter().any(concerned))
                            || want.present.iter().any(concerned);
                    }
                    let done = Done::Applied { instance: want.instance, serial: want.serial, failed: vec![] };
                    router.handle(now, Input::Done(done));
                }
                Action::Announce(announce) => {
                    let held = self
                        .holds
                        .iter()
                        .enumerate()
                        .any(|(router, holds)| *holds && announce.address == vip(router));
                    deeds.announced_before_held |= !held;
                }
                Action::Notify(transition) => deeds.transitions.push(transition),
                Action::Listen(_) | Action::Unlisten(_) | Action::Emit(_) => {}
            }
        }
        deeds
    }
}

impl Deeds {
    pub fn merge(&mut self, later: Self) {
        self.handled.extend(later.handled);
        self.sent.extend(later.sent);
        self.transitions.extend(later.transitions);
        self.announced_before_held |= later.announced_before_held;
    }
}

/// The advert in a packet that a simulated host sent.
pub fn advert(packet: &Packet) -> Advert {
    Advert::read(&packet.payload, packet.source, packet.destination).unwrap()
}
