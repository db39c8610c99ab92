//! A scheduler in virtual time with a network that answers as told: real servers are ports of 10.0.1.x, a probe of a port
//! that nobody opened is refused at once.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use checker::{
    Action, CheckSpec, Connection, Event, Failure, Input, Outcome, ProbeSpec, RealServerSpec, RunId,
    Scheduler, SorryServerSpec, VirtualServerSpec, Why,
};
use clock::Instant;
use ipvs::{DestKey, DestSpec, Forwarding, Protocol, SchedulerFlags, ServiceKey, ServiceSpec};

pub const REFUSED: Outcome = Outcome::Failure(Failure::Refused);
pub const TIMED_OUT: Outcome = Outcome::Failure(Failure::TimedOut);

/// Milliseconds since the world began.
pub type Millis = u64;

pub struct World {
    pub scheduler: Scheduler,
    pub now: Instant,
    began: Instant,
    /// What a probe of this target finds, and how long it takes to.
    answers: BTreeMap<SocketAddr, (Outcome, Duration)>,
    in_flight: BTreeMap<(Instant, RunId), Outcome>,
    pub starts: Vec<(Millis, SocketAddr)>,
    pub cancels: Vec<Millis>,
    pub health: Vec<(Millis, DestKey, bool, Why)>,
    pub weights: Vec<(Millis, DestKey, u32)>,
    pub quorums: Vec<(Millis, bool, u64)>,
    pub drained: Vec<(Millis, DestKey, checker::DrainEnd)>,
    pub events: Vec<(Millis, Event)>,
}

impl World {
    pub fn new() -> Self {
        let began = Instant::from_micros(77_000_000);
        Self {
            scheduler: Scheduler::new(),
            now: began,
            began,
            answers: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            starts: Vec::new(),
            cancels: Vec::new(),
            health: Vec::new(),
            weights: Vec::new(),
            quorums: Vec::new(),
            drained: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A world whose scheduler starts with these virtual servers at time 0.
    pub fn with(servers: &[VirtualServerSpec]) -> Self {
        let mut world = Self::new();
        world.configure(servers);
        world
    }

    pub fn configure(&mut self, servers: &[VirtualServerSpec]) {
        self.input(Input::Configure { servers: servers.to_vec(), seed: 42 });
    }

    pub fn input(&mut self, input: Input) {
        self.scheduler.handle(self.now, input);
        self.drain();
    }

    pub fn open(&mut self, target: SocketAddr) {
        self.answer(target, Outcome::Success, Duration::ZERO);
    }

    pub fn close(&mut self, target: SocketAddr) {
        self.answer(target, REFUSED, Duration::ZERO);
    }

    pub fn answer(&mut self, target: SocketAddr, outcome: Outcome, takes: Duration) {
        self.answers.insert(target, (outcome, takes));
    }

    /// Lets time pass until so many milliseconds after the beginning, what is due then included.
    pub fn run_to(&mut self, millis: Millis) {
        let end = self.began + Duration::from_millis(millis);
        loop {
            let tick = self.scheduler.next_deadline();
            let result = self.in_flight.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = [tick, result].into_iter().flatten().min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if result == Some(next) {
                let ((_, run), outcome) = self.in_flight.pop_first().unwrap();
                self.input(Input::Result { run, outcome });
            } else {
                self.input(Input::Tick);
            }
        }
        self.now = end;
    }

    fn drain(&mut self) {
        let at = self.millis();
        while let Some(action) = self.scheduler.next_action() {
            match action {
                Action::Start { run, probe } => {
                    let connection = match probe {
                        ProbeSpec::Tcp(connection) | ProbeSpec::Ping(connection) => connection,
                        ProbeSpec::Smtp(smtp) => smtp.connection,
                        _ => panic!("not asked for: {probe:?}"),
                    };
                    let (outcome, takes) =
                        self.answers.get(&connection.target).copied().unwrap_or((REFUSED, Duration::ZERO));
                    self.in_flight.insert((self.now + takes, run), outcome);
                    self.starts.push((at, connection.target));
                }
                Action::Cancel { run } => {
                    self.in_flight.retain(|(_, other), _| *other != run);
                    self.cancels.push(at);
                }
                Action::Health { server, up, why, .. } => self.health.push((at, server, up, why)),
                Action::Weight { server, weight, .. } => self.weights.push((at, server, weight)),
                Action::Drained { dest, why, .. } => self.drained.push((at, dest, why)),
                Action::Quorum { up, weight, .. } => self.quorums.push((at, up, weight)),
                Action::Emit(event) => self.events.push((at, event)),
            }
        }
    }

    fn millis(&self) -> Millis {
        u64::try_from(self.now.saturating_since(self.began).as_millis()).unwrap()
    }

    /// The process dies and its successor goes on with its state; what was in flight is lost.
    pub fn crash_and_resume(&mut self) {
        let knowledge = postcard::to_allocvec(&self.scheduler.knowledge()).unwrap();
        let servers: Vec<_> = self.scheduler.virtual_servers().cloned().collect();
        let knowledge = postcard::from_bytes(&knowledge).unwrap();
        self.scheduler = Scheduler::resume(self.now, knowledge, servers).unwrap();
        self.in_flight.clear();
    }

    pub fn starts_of(&self, target: SocketAddr) -> Vec<Millis> {
        self.starts.iter().filter(|(_, other)| *other == target).map(|(at, _)| *at).collect()
    }

    /// When the server went up or down; its first entry is what it was when it was configured.
    pub fn health_of(&self, server: DestKey) -> Vec<(Millis, bool)> {
        self.health
            .iter()
            .filter(|(_, other, ..)| *other == server)
            .map(|(at, _, up, _)| (*at, *up))
            .collect()
    }

    pub fn is_up(&self, server: DestKey) -> bool {
        let health = self.scheduler.health().get(&VIP).unwrap();
        health.is_live(&server)
    }

    /// The destinations of the virtual server, `3=1` for the server 10.0.1.3 with weight 1.
    pub fn table(&self) -> String {
        let mut table = checker::desired(self.scheduler.virtual_servers(), self.scheduler.health());
        self.scheduler.drains().keep_in(&mut table);
        let dests = table.services[&VIP].dests.iter().map(|(key, dest)| {
            let IpAddr::V4(address) = key.address else { panic!("an IPv6 destination") };
            format!("{}={}", address.octets()[3], dest.weight)
        });
        dests.collect::<Vec<_>>().join(" ")
    }
}

pub const VIP: ServiceKey = vip(80);

/// The service of that port of 10.0.0.1.
pub const fn vip(port: u16) -> ServiceKey {
    ServiceKey::Address { protocol: Protocol::Tcp, address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), port }
}

pub const fn key(host: u8) -> DestKey {
    DestKey { address: IpAddr::V4(Ipv4Addr::new(10, 0, 1, host)), port: 80 }
}

pub const fn target(host: u8) -> SocketAddr {
    at_port(host, 80)
}

pub const fn at_port(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 1, host)), port)
}

/// To that target, from anywhere, within 5 s.
pub fn connection(target: SocketAddr) -> Connection {
    Connection::new(target, Duration::from_secs(5).into())
}

/// A check of that target without warm-up: delay_loop 4 s, retry 2, delay_before_retry 1.5 s.
pub fn check(target: SocketAddr) -> CheckSpec {
    CheckSpec {
        probe: ProbeSpec::Tcp(connection(target)),
        delay_loop: Duration::from_secs(4).into(),
        retry: 2,
        delay_before_retry: Duration::from_millis(1500).into(),
        warmup: Duration::ZERO.into(),
        alpha: false,
        log_all_failures: false,
        log_all_failures_written: false,
    }
}

pub fn dest(weight: u32) -> DestSpec {
    DestSpec { weight, forwarding: Forwarding::DirectRoute, upper_threshold: 0, lower_threshold: 0 }
}

/// A server of weight 1 with these checks.
pub fn server(host: u8, checks: Vec<CheckSpec>) -> RealServerSpec {
    RealServerSpec {
        key: key(host),
        snmp_name: None,
        dest: dest(1),
        inhibit_on_failure: false,
        alpha: false,
        drain_timeout: 0,
        checks,
        follows: vec![],
    }
}

/// A server of weight 1 whose port 80 is checked.
pub fn checked(host: u8) -> RealServerSpec {
    server(host, vec![check(target(host))])
}

/// A server with one alpha check.
pub fn alpha(host: u8) -> RealServerSpec {
    let check = CheckSpec { alpha: true, ..check(target(host)) };
    RealServerSpec { alpha: true, ..server(host, vec![check]) }
}

/// The virtual server 10.0.0.1:80 with these servers.
pub fn virtual_server(real_servers: Vec<RealServerSpec>) -> VirtualServerSpec {
    VirtualServerSpec {
        name: "10.0.0.1 80".into(),
        snmp_name: None,
        group: None,
        services: vec![VIP],
        service: ServiceSpec { scheduler: "wrr".into(), flags: SchedulerFlags::default(), persistence: None },
        quorum: 1,
        hysteresis: 0,
        alpha: false,
        omega: false,
        ha_suspend: false,
        sorry_server: None,
        real_servers,
    }
}

pub fn sorry(host: u8) -> SorryServerSpec {
    SorryServerSpec { key: key(host), dest: dest(1), inhibit: false }
}
