//! One router on one LAN, in virtual time, with everything that it did since it was last asked.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clock::Instant;
use vrrp::{
    Action, Advert, AuthenticationData, Done, Family, Held, IfIndex, Input, InstanceSpec, LinkAddress,
    LinkView, Packet, Protocol, Router, RouterSpec, Send, StateName, Subject, Transition, VirtualAddress,
    VirtualRouterId, Want, What, Why,
};

pub const OWN: IpAddr = v4(10, 0, 0, 20);
pub const LOWER_ADDRESS: IpAddr = v4(10, 0, 0, 10);
pub const PEER: IpAddr = v4(10, 0, 0, 21);
pub const VIP: IpAddr = v4(10, 0, 0, 100);
pub const GROUP: IpAddr = v4(224, 0, 0, 18);

pub const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn virtual_address(address: IpAddr) -> VirtualAddress {
    VirtualAddress::new(address, 32, "eth0")
}

/// The same, as something held.
pub fn held(address: IpAddr) -> Held {
    virtual_address(address).into()
}

/// Priority 100, one second, version 2, one address on eth0.
pub fn spec() -> InstanceSpec {
    let vrid = VirtualRouterId::new(51).unwrap();
    InstanceSpec {
        addresses: vec![virtual_address(VIP)],
        ..InstanceSpec::new("VI_1", "eth0", vrid, Family::V4)
    }
}

pub fn index(number: u32) -> IfIndex {
    IfIndex::new(number).unwrap()
}

pub fn link(number: u32, name: &str, up: bool, addresses: &[IpAddr]) -> LinkView {
    let on_link = |address: &IpAddr| LinkAddress {
        address: *address,
        prefix_len: if *address == VIP { 32 } else { 24 },
        usable: true,
    };
    LinkView {
        index: index(number),
        name: name.into(),
        up,
        arp: true,
        mac: vec![2, 0, 0, 0, 0, 20],
        addresses: addresses.iter().map(on_link).collect(),
    }
}

pub struct Scene {
    pub router: Router,
    configured: InstanceSpec,
    pub now: Instant,
    pub states: Vec<(StateName, Why)>,
    pub told: Vec<What>,
    pub log: Vec<Action>,
    /// Errors that the kernel will answer to wants.
    pub refuse: Vec<(Held, i32)>,
    /// How many inputs could have gone the short way of the same advert again.
    pub short: usize,
}

impl Scene {
    /// A router with this instance, started at second 100 on an eth0 that is up.
    pub fn start(spec: InstanceSpec) -> Self {
        Self::start_at(OWN, spec)
    }

    /// The same, with this address on eth0.
    pub fn start_at(address: IpAddr, spec: InstanceSpec) -> Self {
        let mut scene = Self::before_start();
        scene.feed(Input::Links(vec![link(2, "eth0", true, &[address])]));
        scene.feed(Input::Configure(vec![spec].into()));
        scene
    }

    /// A router with several instances on eth0, which is up.
    pub fn start_all(spec: RouterSpec) -> Self {
        let mut scene = Self::before_start();
        scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN])]));
        scene.feed(Input::Configure(spec));
        scene
    }

    /// Changes of state as they were notified: name and new state, a group with a `*`.
    pub fn notified(&self) -> Vec<String> {
        let transitions = self.log.iter().filter_map(|action| match action {
            Action::Notify(transition) => Some(transition),
            _ => None,
        });
        transitions
            .map(|transition| match &transition.subject {
                Subject::Instance(name) => format!("{name} {}", transition.to),
                Subject::Group(name) => format!("*{name} {}", transition.to),
            })
            .collect()
    }

    /// States of all instances.
    pub fn all_states(&self) -> Vec<StateName> {
        self.router.snapshots().iter().map(|snapshot| snapshot.state).collect()
    }

    pub fn before_start() -> Self {
        Self {
            router: Router::new(),
            configured: spec(),
            now: Instant::from_micros(100_000_000),
            states: vec![],
            told: vec![],
            log: vec![],
            refuse: vec![],
            short: 0,
        }
    }

    /// A router that has become master after hearing nothing; the log is empty.
    pub fn master(spec: InstanceSpec) -> Self {
        let mut scene = Self::start(spec);
        scene.run(ms(4_000));
        assert_eq!(scene.state(), StateName::Master);
        scene.forget();
        scene
    }

    pub fn forget(&mut self) {
        self.log.clear();
        self.states.clear();
        self.told.clear();
    }

    pub fn feed(&mut self, input: Input) {
        if let Input::Configure(RouterSpec { instances: specs, .. }) = &input
            && let Some(first) = specs.first()
        {
            self.configured = first.clone();
        }
        let short = self.short_way(&input);
        self.router.handle(self.now, input);
        if let Some((router, sent)) = short {
            let mut long = self.router.clone();
            assert_eq!(long.next_action(), sent.map(Action::Send));
            assert_eq!(long, router, "the short way leads elsewhere");
            self.short += 1;
        }
        self.perform();
    }

    /// Where the short way leads, if it is open: the router, and what it sends.
    fn short_way(&self, input: &Input) -> Option<(Router, Option<Send>)> {
        let mut router = self.router.clone();
        match input {
            Input::Packet(packet) => router.hear_again(self.now, &packet.view()).then_some((router, None)),
            Input::Tick => {
                let sent = router.advertise_again(self.now)?.clone();
                // A tick lets all of them act; one more may be due.
                let done = router.next_deadline().is_none_or(|at| at > self.now);
                done.then_some((router, Some(sent)))
            }
            _ => None,
        }
    }

    fn perform(&mut self) {
        while let Some(action) = self.router.next_action() {
            self.log.push(action.clone());
            match action {
                Action::Want(want) => self.answer(&want),
                Action::Notify(Transition { subject: Subject::Instance(_), to, why, .. }) => {
                    self.states.push((to, why));
                }
                Action::Emit(event) => self.told.push(event.what),
                Action::Notify(_)
                | Action::Send(_)
                | Action::Announce(_)
                | Action::Listen(_)
                | Action::Unlisten(_) => {}
            }
        }
    }

    fn answer(&mut self, want: &Want) {
        let concerned = want.present.iter().chain(&want.absent);
        let failed = self.refuse.iter().filter(|(refused, _)| concerned.clone().any(|one| one == refused));
        let failed = failed.cloned().collect();
        let done = Done::Applied { instance: want.instance, serial: want.serial, failed };
        self.router.handle(self.now, Input::Done(done));
    }

    /// Lets time pass; the router is ticked at each of its deadlines.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.router.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.feed(Input::Tick);
        }
        self.now = end;
    }

    /// Lets time pass in which the process does not run.
    pub fn sleep(&mut self, time: Duration) {
        self.now += time;
    }

    pub fn hear(&mut self, source: IpAddr, priority: u8) {
        self.hear_altered(source, priority, |_| {});
    }

    pub fn hear_altered(&mut self, source: IpAddr, priority: u8, alter: impl FnOnce(&mut Advert)) {
        let spec = self.configured.clone();
        let mut advert = Advert {
            version: spec.version,
            vrid: spec.vrid,
            priority,
            interval: spec.advert_interval,
            addresses: spec.addresses.iter().map(|held| held.address).collect(),
            authentication: AuthenticationData::of(&spec.authentication),
        };
        alter(&mut advert);
        let payload = advert.to_bytes(source, GROUP);
        self.packet(Packet {
            interface: index(2),
            source,
            destination: GROUP,
            ttl: 255,
            id: 1,
            protocol: Protocol::Vrrp,
            payload,
        });
    }

    pub fn packet(&mut self, packet: Packet) {
        self.feed(Input::Packet(packet));
    }

    pub fn state(&self) -> StateName {
        self.router.snapshots()[0].state
    }

    pub fn counters(&self) -> vrrp::Counters {
        self.router.snapshots()[0].counters
    }

    /// The adverts sent, as they arrive at the other routers.
    pub fn packets(&self) -> Vec<Packet> {
        let sends = self.log.iter().filter_map(|action| match action {
            Action::Send(send) => Some(send.clone()),
            _ => None,
        });
        let arrived = sends.map(|send| Packet {
            interface: send.interface,
            source: send.source,
            destination: send.destination,
            ttl: send.ttl,
            id: send.id,
            protocol: send.protocol,
            payload: send.payload,
        });
        arrived.collect()
    }

    /// Time until the next deadline.
    pub fn waits(&self) -> Duration {
        self.router.next_deadline().unwrap().saturating_since(self.now)
    }

    /// Priorities of the adverts sent.
    pub fn adverts(&self) -> Vec<u8> {
        let sends = self.log.iter().filter_map(|action| match action {
            Action::Send(send) => Some(send),
            _ => None,
        });
        sends
            .map(|send| Advert::read(&send.payload, send.source, send.destination).unwrap().priority)
            .collect()
    }

    pub fn announced(&self) -> Vec<IpAddr> {
        let announced = self.log.iter().filter_map(|action| match action {
            Action::Announce(announce) => Some(announce.address),
            _ => None,
        });
        announced.collect()
    }

    pub fn wants(&self) -> Vec<&Want> {
        let wants = self.log.iter().filter_map(|action| match action {
            Action::Want(want) => Some(want),
            _ => None,
        });
        wants.collect()
    }
}
