//! A simulated host: its VRRP process, its interface, and the kernel that holds addresses for it.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clock::Instant;
use vrrp::{
    Action, Advert, Centiseconds, Done, Family, IfIndex, Input, InstanceSpec, LinkAddress, LinkView, Packet,
    Priority, Router, Send, StateName, Transition, Version, VirtualAddress, VirtualRouterId,
};

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 200));

/// What distinguishes the hosts of one network.
#[derive(Clone, Debug)]
pub struct Settings {
    pub priority: u8,
    pub version: Version,
    pub interval: Centiseconds,
    pub nopreempt: bool,
    pub preempt_delay: Duration,
}

impl Settings {
    pub fn spec(&self) -> InstanceSpec {
        let vrid = VirtualRouterId::new(7).unwrap();
        InstanceSpec {
            version: self.version,
            priority: Priority::new(self.priority).unwrap(),
            advert_interval: self.interval,
            nopreempt: self.nopreempt,
            preempt_delay: self.preempt_delay,
            addresses: vec![VirtualAddress::new(VIP, 32, "eth0")],
            ..InstanceSpec::new("V", "eth0", vrid, Family::V4)
        }
    }

    /// How long this host waits for a master with this interval.
    pub fn down_interval(&self, master_interval: Centiseconds) -> Duration {
        let priority = Priority::new(self.priority).unwrap();
        vrrp::time::master_down_interval(self.version, priority, master_interval, 3)
    }
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
    /// The kernel has the virtual address.
    pub holds: bool,
}

impl Host {
    pub fn new(number: u8, settings: Settings) -> Self {
        Self {
            number,
            settings,
            router: None,
            carrier: true,
            asleep_until: Instant::ZERO,
            inbox: VecDeque::new(),
            holds: false,
        }
    }

    pub fn address(&self) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, self.number + 1).into()
    }

    pub fn is_awake(&self, now: Instant) -> bool {
        self.router.is_some() && self.asleep_until <= now
    }

    pub fn state(&self) -> StateName {
        let snapshot = self.router.as_ref().and_then(|router| router.snapshots().pop());
        snapshot.map_or(StateName::Stop, |snapshot| snapshot.state)
    }

    pub fn is_master(&self) -> bool {
        self.state() == StateName::Master
    }

    pub fn start(&mut self, now: Instant) -> Deeds {
        self.router = Some(Router::new());
        self.inbox.clear();
        let mut deeds = self.feed(now, Input::Links(vec![self.link()]));
        deeds.merge(self.feed(now, Input::Configure(vec![self.settings.spec()].into())));
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
        self.holds = false;
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
        let held = self.holds.then_some(LinkAddress { address: VIP, prefix_len: 32, usable: true });
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
                    self.holds = !want.present.is_empty();
                    let done = Done::Applied { instance: want.instance, serial: want.serial, failed: vec![] };
                    router.handle(now, Input::Done(done));
                }
                Action::Announce(_) => deeds.announced_before_held |= !self.holds,
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
