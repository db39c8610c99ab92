//! A simulated LAN in virtual time: hosts, packets under way, and everything that can go wrong with either.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;
use vrrp::{Centiseconds, IfIndex, Packet, Version};

use crate::host::{Deeds, Host, Settings};
use crate::laws::Laws;

/// How hostile the network is while it is hostile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Packets lost, of 100.
    pub loss: u8,
    /// Longest delay of a packet.
    pub delay: Duration,
    /// Packets doubled, of 100.
    pub duplication: u8,
    /// Mean time between two partitions, link flaps, late wake-ups, deaths or stops; zero: none.
    pub partitions: Duration,
    pub flaps: Duration,
    pub stalls: Duration,
    pub deaths: Duration,
    /// Likewise between two changed results of a script, and two reloads.
    pub results: Duration,
    pub reloads: Duration,
}

/// Delay of packets when the network is calm.
pub const CALM_DELAY: Duration = Duration::from_millis(1);

#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Happening {
    Arrival { to: usize, packet: Box<ByArrival> },
    Wake { host: usize },
    Partition,
    Flap,
    Stall,
    Death,
    Result,
    Reload,
    Back { host: usize },
    CarrierBack { host: usize },
    Heal,
}

/// Packets have no order of their own; the queue orders by time and number.
#[derive(PartialEq, Eq, Debug)]
struct ByArrival(Packet);

impl PartialOrd for ByArrival {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByArrival {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.payload.cmp(&other.0.payload)
    }
}

pub struct Network {
    pub now: Instant,
    pub hosts: Vec<Host>,
    pub laws: Laws,
    pub trace: Option<Vec<String>>,
    random: fastrand::Rng,
    weather: Weather,
    /// Which side of a partition each host is on.
    side: Vec<u8>,
    queue: BinaryHeap<Reverse<(Instant, u64, Happening)>>,
    number: u64,
}

impl Network {
    /// Hosts and weather drawn from the seed.
    pub fn new(seed: u64, trace: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = random.usize(2..=5);
        // A fleet on its way from version 2 to version 3 has a virtual router of each.
        let routers = random.usize(1..=2);
        let versions: Vec<_> =
            (0..routers).map(|_| if random.bool() { Version::V2 } else { Version::V3 }).collect();
        let any_v2 = versions.contains(&Version::V2);
        let one = Centiseconds::from_secs(1);
        let shared_interval = if any_v2 { one } else { random_interval(&mut random) };
        // Version 3 takes the master's interval, so the hosts need not agree.
        let mixed_intervals = !any_v2 && random.u8(0..4) == 0;
        let grouped = routers == 2 && random.bool();
        let weighted = random.u8(0..3);
        let equal_priorities = random.u8(0..4) == 0;
        let nopreempt = random.u8(0..4) == 0;
        let delays = random.u8(0..4) == 0;
        let hosts: Vec<_> = (0..count)
            .map(|number| {
                let settings = Settings {
                    priority: if equal_priorities { 100 } else { random.u8(1..=254) },
                    versions: versions.clone(),
                    interval: if mixed_intervals { random_interval(&mut random) } else { shared_interval },
                    nopreempt,
                    preempt_delay: Duration::from_secs(if delays { random.u64(0..4) } else { 0 }),
                    grouped,
                    weight: match weighted {
                        0 => None,
                        1 => Some(0),
                        _ => Some(random.i16(-100..=100)),
                    },
                };
                Host::new(u8::try_from(number).unwrap(), settings)
            })
            .collect();
        let sometimes = |random: &mut fastrand::Rng, secs: std::ops::Range<u64>| {
            if random.bool() { Duration::from_secs(random.u64(secs)) } else { Duration::ZERO }
        };
        let weather = Weather {
            loss: if random.bool() { random.u8(0..60) } else { 0 },
            delay: Duration::from_millis(if random.bool() { random.u64(0..300) } else { 1 }),
            duplication: if random.bool() { random.u8(0..50) } else { 0 },
            partitions: sometimes(&mut random, 2..10),
            flaps: sometimes(&mut random, 2..10),
            stalls: sometimes(&mut random, 2..10),
            deaths: sometimes(&mut random, 2..10),
            results: sometimes(&mut random, 1..10),
            reloads: sometimes(&mut random, 2..10),
        };
        let mut network = Self {
            now: Instant::from_micros(1_000_000_000),
            laws: Laws::new(hosts.len()),
            side: vec![0; hosts.len()],
            hosts,
            trace: trace.then(Vec::new),
            random,
            weather,
            queue: BinaryHeap::new(),
            number: 0,
        };
        network.note(|network| {
            let settings: Vec<_> = network.hosts.iter().map(|host| &host.settings).collect();
            format!("{settings:#?}\n{:#?}", network.weather)
        });
        network
    }

    /// Starts the hosts, each at its own time within a few seconds, and lets the weather rage for a while.
    pub fn storm(&mut self, time: Duration) {
        for host in 0..self.hosts.len() {
            let at = self.now + Duration::from_millis(self.random.u64(0..3_000));
            self.schedule(at, Happening::Back { host });
        }
        for (mean, happening) in [
            (self.weather.partitions, Happening::Partition),
            (self.weather.flaps, Happening::Flap),
            (self.weather.stalls, Happening::Stall),
            (self.weather.deaths, Happening::Death),
            (self.weather.results, Happening::Result),
            (self.weather.reloads, Happening::Reload),
        ] {
            if !mean.is_zero() {
                let at = self.soon(mean);
                self.schedule(at, happening);
            }
        }
        self.run_until(self.now + time);
    }

    /// The weather clears: everything works again. Packets under way still arrive, as late as they are.
    pub fn clear_up(&mut self) {
        self.note(|_| "the weather clears".into());
        self.weather = Weather { delay: CALM_DELAY, ..Weather::default() };
        self.queue.retain(|Reverse((_, _, happening))| {
            matches!(happening, Happening::Arrival { .. } | Happening::Wake { .. })
        });
        self.side.fill(0);
        for number in 0..self.hosts.len() {
            self.hosts[number].asleep_until = self.now;
            self.act(number, |host, now| host.set_carrier(now, true));
            self.act(number, |host, now| host.set_health(now, true));
            if self.hosts[number].router.is_none() {
                self.act(number, Host::start);
            }
            self.act(number, Host::wake);
        }
    }

    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    fn run_until(&mut self, end: Instant) {
        while let Some(Reverse((at, ..))) = self.queue.peek()
            && *at <= end
        {
            if let Some(Reverse((at, _, happening))) = self.queue.pop() {
                self.now = at;
                self.happen(happening);
            }
        }
        self.now = end;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrival { to, packet } => {
                let host = &mut self.hosts[to];
                if host.router.is_none() || !host.carrier {
                    return;
                }
                host.inbox.push_back(packet.0);
                if host.is_awake(self.now) {
                    self.act(to, Host::wake);
                }
            }
            Happening::Wake { host } => {
                let due = self.hosts[host].next_deadline().is_some_and(|at| at <= self.now);
                let waiting = !self.hosts[host].inbox.is_empty();
                if (due || waiting) && self.hosts[host].is_awake(self.now) {
                    self.act(host, Host::wake);
                }
            }
            Happening::Partition => {
                let sides: Vec<_> = self.hosts.iter().map(|_| self.random.u8(0..2)).collect();
                self.note(|_| format!("partition {sides:?}"));
                self.side = sides;
                let heal = self.soon(Duration::from_secs(4));
                self.schedule(heal, Happening::Heal);
                let again = self.soon(self.weather.partitions);
                self.schedule(again, Happening::Partition);
            }
            Happening::Heal => {
                self.note(|_| "healed".into());
                self.side.fill(0);
            }
            Happening::Flap => {
                let host = self.any_host();
                self.act(host, |host, now| host.set_carrier(now, false));
                let back = self.soon(Duration::from_secs(2));
                self.schedule(back, Happening::CarrierBack { host });
                let again = self.soon(self.weather.flaps);
                self.schedule(again, Happening::Flap);
            }
            Happening::CarrierBack { host } => self.act(host, |host, now| host.set_carrier(now, true)),
            Happening::Stall => {
                let host = self.any_host();
                let until = self.soon(Duration::from_secs(3));
                self.note(|_| format!("{host} stalls until {until:?}"));
                self.hosts[host].asleep_until = until;
                self.schedule(until, Happening::Wake { host });
                let again = self.soon(self.weather.stalls);
                self.schedule(again, Happening::Stall);
            }
            Happening::Death => {
                let host = self.any_host();
                if self.hosts[host].is_awake(self.now) && self.random.bool() {
                    self.act(host, Host::stop);
                } else {
                    self.hosts[host].die();
                    self.laws.died(host);
                }
                self.note(|network| format!("{host} is gone: {:?}", network.hosts[host].states()));
                let back = self.soon(Duration::from_secs(4));
                self.schedule(back, Happening::Back { host });
                let again = self.soon(self.weather.deaths);
                self.schedule(again, Happening::Death);
            }
            Happening::Result => {
                let host = self.any_host();
                let healthy = !self.hosts[host].healthy;
                self.note(|_| format!("{host}: the script says {healthy}"));
                self.act(host, |host, now| host.set_health(now, healthy));
                // A timer that the new priority shifted fires at another time than the laws know of.
                self.laws.died(host);
                let again = self.soon(self.weather.results);
                self.schedule(again, Happening::Result);
            }
            Happening::Reload => {
                let host = self.any_host();
                if self.hosts[host].is_awake(self.now) {
                    let mut settings = self.hosts[host].settings.clone();
                    settings.priority = self.random.u8(1..=254);
                    self.note(|_| format!("{host} reloads with priority {}", settings.priority));
                    self.act(host, |host, now| host.reload(now, settings));
                    self.laws.died(host);
                }
                let again = self.soon(self.weather.reloads);
                self.schedule(again, Happening::Reload);
            }
            Happening::Back { host } => {
                if self.hosts[host].router.is_none() {
                    self.act(host, Host::start);
                }
            }
        }
    }

    /// Lets a host act, carries what it sends, and checks the laws.
    fn act(&mut self, number: usize, act: impl FnOnce(&mut Host, Instant) -> Deeds) {
        let deeds = act(&mut self.hosts[number], self.now);
        for packet in &deeds.handled {
            self.note(|_| format!("{number} hears priority {} from {}", packet.payload[2], packet.source));
        }
        for transition in &deeds.transitions {
            self.note(|_| format!("{number}: {transition}"));
        }
        self.laws.check(self.now, &self.hosts[number], number, &deeds);
        for send in deeds.sent {
            self.carry(number, &send);
        }
        if let Some(at) = self.hosts[number].next_deadline() {
            let at = at.max(self.now).max(self.hosts[number].asleep_until);
            self.schedule(at, Happening::Wake { host: number });
        }
    }

    fn carry(&mut self, from: usize, send: &vrrp::Send) {
        self.note(|_| format!("{from} sends priority {}", send.payload[2]));
        if !self.hosts[from].carrier {
            return;
        }
        for to in 0..self.hosts.len() {
            let copies = if self.random.u8(0..100) < self.weather.duplication { 2 } else { 1 };
            for _ in 0..copies {
                let lost = self.random.u8(0..100) < self.weather.loss;
                let delay = self.random.u64(0..=u64::try_from(self.weather.delay.as_micros()).unwrap());
                if to == from || lost || self.side[to] != self.side[from] {
                    continue;
                }
                let packet = Packet {
                    interface: IfIndex::new(2).unwrap(),
                    source: send.source,
                    destination: send.destination,
                    ttl: send.ttl,
                    id: send.id,
                    protocol: send.protocol,
                    payload: send.payload.clone(),
                };
                let at = self.now + Duration::from_micros(delay);
                self.schedule(at, Happening::Arrival { to, packet: Box::new(ByArrival(packet)) });
            }
        }
    }

    fn schedule(&mut self, at: Instant, happening: Happening) {
        self.number += 1;
        self.queue.push(Reverse((at, self.number, happening)));
    }

    /// A random time, `mean` from now on average.
    fn soon(&mut self, mean: Duration) -> Instant {
        let most = u64::try_from(mean.as_micros()).unwrap() * 2;
        self.now + Duration::from_micros(self.random.u64(1..=most.max(1)))
    }

    fn any_host(&mut self) -> usize {
        self.random.usize(0..self.hosts.len())
    }

    fn note(&mut self, text: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let line = format!("{:?} {}", self.now, text(self));
            if let Some(trace) = &mut self.trace {
                trace.push(line);
            }
        }
    }

    /// Numbers of the hosts that act as master of each virtual router.
    pub fn masters(&self) -> Vec<Vec<usize>> {
        let routers = 0..self.hosts[0].settings.versions.len();
        let masters = |router| (0..self.hosts.len()).filter(move |host| self.hosts[*host].is_master(router));
        routers.map(|router| masters(router).collect()).collect()
    }

    /// The host that the protocol prefers: greatest priority, then greatest address.
    pub fn best(&self) -> usize {
        let rank = |number: &usize| -> (u8, IpAddr) {
            let host = &self.hosts[*number];
            (host.priority(), host.address())
        };
        (0..self.hosts.len()).max_by_key(rank).unwrap()
    }

    /// Longest that a calm network may take to agree: the longest down interval of any host for any master, the
    /// longest tolerance of a lower master, and the last packets under way.
    pub fn bound(&self) -> Duration {
        let longest = self.hosts.iter().map(|host| host.settings.interval).max().unwrap();
        let down = self.hosts.iter().map(|host| host.settings.down_interval(longest)).max().unwrap();
        let tolerance = self.hosts.iter().map(|host| host.settings.preempt_delay).max().unwrap();
        // Twice the down interval: a host that tolerates a lower master starts its timer anew with that master's last
        // tolerated advert.
        down * 2 + tolerance + longest.duration() + CALM_DELAY * 10
    }
}

fn random_interval(random: &mut fastrand::Rng) -> Centiseconds {
    Centiseconds::new(random.u16(5..=150))
}
