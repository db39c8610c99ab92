//! The routers of one LAN without delay, and all that can happen to them next.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use clock::Instant;
use vrrp::{
    Action, Done, Family, IfIndex, Input, InstanceSpec, LinkAddress, LinkView, Packet, Priority, Router,
    RouterSpec, Send, StateName, SyncGroupSpec, Version, VirtualAddress, VirtualRouterId,
};

/// What is explored, and how far.
#[derive(Clone, Debug)]
pub struct Setup {
    /// One router each.
    pub priorities: Vec<u8>,
    pub version: Version,
    pub nopreempt: bool,
    /// Two instances in a sync group instead of one.
    pub grouped: bool,
    /// Adverts that may be lost in one history.
    pub losses: u32,
    /// Crashes and cut links in one history.
    pub faults: u32,
    /// Steps of a history.
    pub depth: usize,
}

impl Setup {
    fn instances(&self) -> u8 {
        if self.grouped { 2 } else { 1 }
    }

    fn spec(&self, router: usize) -> RouterSpec {
        let instance = |number: u8| {
            let address = Ipv4Addr::new(10, 0, 0, 200 + number).into();
            let vrid = VirtualRouterId::new(7 + number).unwrap();
            InstanceSpec {
                version: self.version,
                priority: Priority::new(self.priorities[router]).unwrap(),
                nopreempt: self.nopreempt,
                addresses: vec![VirtualAddress::new(address, 32, "eth0")],
                ..InstanceSpec::new(format!("V{number}"), "eth0", vrid, Family::V4)
            }
        };
        let instances: Vec<_> = (0..self.instances()).map(instance).collect();
        let members = instances.iter().map(|instance| instance.name.clone()).collect();
        let sync_groups = if self.grouped { vec![SyncGroupSpec::new("G", members)] } else { vec![] };
        RouterSpec { instances, sync_groups, ..RouterSpec::default() }
    }
}

#[derive(Clone)]
struct Node {
    spec: RouterSpec,
    address: IpAddr,
    /// None: the process does not run.
    router: Option<Router>,
    link: bool,
}

/// A moment of one history.
#[derive(Clone)]
pub struct World {
    now: Instant,
    nodes: Vec<Node>,
    losses: u32,
    faults: u32,
    /// How it came here.
    pub history: Vec<String>,
}

impl World {
    /// All routers start at once.
    pub fn new(setup: &Setup) -> Self {
        let node = |number: usize| Node {
            spec: setup.spec(number),
            address: Ipv4Addr::new(10, 0, 0, u8::try_from(number + 1).unwrap()).into(),
            router: None,
            link: true,
        };
        let mut world = Self {
            now: Instant::from_micros(1_000_000_000),
            nodes: (0..setup.priorities.len()).map(node).collect(),
            losses: setup.losses,
            faults: setup.faults,
            history: Vec::new(),
        };
        for number in 0..world.nodes.len() {
            let sent = world.start(number);
            world.deliver_all(number, sent);
        }
        world
    }

    /// Equal for worlds that go on alike.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.now, self.losses, self.faults).hash(&mut hasher);
        for node in &self.nodes {
            (format!("{:?}", node.router), node.link).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Everything that may happen next.
    pub fn successors(&self) -> Vec<Self> {
        let mut next = Vec::new();
        for number in 0..self.nodes.len() {
            let node = &self.nodes[number];
            if self.faults > 0 && node.router.is_some() {
                next.push(self.clone().fault(format!("{number} crashes"), |world| {
                    world.nodes[number].router = None;
                    Vec::new()
                }));
                if node.link {
                    next.push(
                        self.clone()
                            .fault(format!("{number} loses its link"), |world| world.set_link(number, false)),
                    );
                }
            }
            if node.router.is_none() {
                let mut world = self.clone();
                world.history.push(format!("{number} starts"));
                let sent = world.start(number);
                next.extend(world.spread(number, sent));
            }
            if !node.link {
                let mut world = self.clone();
                world.history.push(format!("{number} has its link back"));
                let sent = world.set_link(number, true);
                next.extend(world.spread(number, sent));
            }
        }
        if let Some(at) = self.next_deadline() {
            for number in 0..self.nodes.len() {
                if self.deadline(number) == Some(at) {
                    let mut world = self.clone();
                    world.now = at.max(self.now);
                    world.history.push(format!("{at:?} {number} runs"));
                    let sent = world.feed(number, Input::Tick);
                    next.extend(world.spread(number, sent));
                }
            }
        }
        next
    }

    fn fault(mut self, what: String, happen: impl FnOnce(&mut Self) -> Vec<Send>) -> Self {
        self.faults -= 1;
        self.history.push(what);
        // A router whose link went down has nobody to tell.
        happen(&mut self);
        self
    }

    /// All ways in which what a router sent arrives or is lost, and what is said in answer.
    fn spread(self, from: usize, adverts: Vec<Send>) -> Vec<Self> {
        let mut open = vec![(self, adverts.into_iter().map(|send| (from, send)).collect::<VecDeque<_>>())];
        let mut done = Vec::new();
        while let Some((world, mut queue)) = open.pop() {
            let Some((from, send)) = queue.pop_front() else {
                done.push(world);
                continue;
            };
            // Each receiver gets it or not.
            let mut worlds = vec![(world, queue)];
            for to in 0..worlds[0].0.nodes.len() {
                worlds = worlds
                    .into_iter()
                    .flat_map(|(world, queue)| world.arrive(from, to, &send, queue))
                    .collect();
            }
            open.extend(worlds);
        }
        done
    }

    fn arrive(
        mut self,
        from: usize,
        to: usize,
        send: &Send,
        mut queue: VecDeque<(usize, Send)>,
    ) -> Vec<(Self, VecDeque<(usize, Send)>)> {
        if !self.reaches(from, to) {
            return vec![(self, queue)];
        }
        let mut ways = Vec::new();
        if self.losses > 0 {
            let mut lost = self.clone();
            lost.losses -= 1;
            lost.history.push(format!("  priority {} from {from} to {to} is lost", send.payload[2]));
            ways.push((lost, queue.clone()));
        }
        let answers = self.feed(to, Input::Packet(packet(send)));
        queue.extend(answers.into_iter().map(|send| (to, send)));
        ways.push((self, queue));
        ways
    }

    fn reaches(&self, from: usize, to: usize) -> bool {
        from != to && self.nodes[from].link && self.nodes[to].link && self.nodes[to].router.is_some()
    }

    /// From now on all works: there is one master in time, the right one, and it stays.
    pub fn agree(mut self, setup: &Setup) -> Result<(), String> {
        for number in 0..self.nodes.len() {
            let sent = self.set_link(number, true);
            self.deliver_all(number, sent);
            if self.nodes[number].router.is_none() {
                let sent = self.start(number);
                self.deliver_all(number, sent);
            }
        }
        let down = |priority: &u8| {
            let priority = Priority::new(*priority).unwrap();
            let interval = vrrp::Centiseconds::from_secs(1);
            vrrp::time::master_down_interval(setup.version, priority, interval, 3)
        };
        let bound = setup.priorities.iter().map(down).max().unwrap() + Duration::from_secs(1);
        self.run(bound);
        let masters = self.masters();
        let best = (0..self.nodes.len()).max_by_key(|number| (setup.priorities[*number], *number));
        for masters in &masters {
            let [master] = masters[..] else { return Err(format!("masters {masters:?} after {bound:?}")) };
            if !setup.nopreempt && setup.priorities[master] != setup.priorities[best.unwrap()] {
                return Err(format!("{master} is master, and {best:?} should be"));
            }
        }
        if masters.iter().any(|other| *other != masters[0]) {
            return Err(format!("masters {masters:?} of one sync group"));
        }
        self.run(bound);
        if self.masters() == masters {
            Ok(())
        } else {
            Err(format!("masters {masters:?}, and later {:?}", self.masters()))
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.next_deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            for number in 0..self.nodes.len() {
                if self.deadline(number).is_some_and(|at| at <= self.now) {
                    let sent = self.feed(number, Input::Tick);
                    self.deliver_all(number, sent);
                }
            }
        }
        self.now = end;
    }

    /// Masters of each virtual router.
    fn masters(&self) -> Vec<Vec<usize>> {
        let instances = self.nodes[0].spec.instances.len();
        let is_master = |number: usize, instance: usize| {
            let snapshots = self.nodes[number].router.as_ref().map(Router::snapshots).unwrap_or_default();
            snapshots.get(instance).is_some_and(|snapshot| snapshot.state == StateName::Master)
        };
        let of = |instance| (0..self.nodes.len()).filter(|number| is_master(*number, instance)).collect();
        (0..instances).map(of).collect()
    }

    fn deliver_all(&mut self, from: usize, sent: Vec<Send>) {
        let mut queue: VecDeque<_> = sent.into_iter().map(|send| (from, send)).collect();
        while let Some((from, send)) = queue.pop_front() {
            for to in 0..self.nodes.len() {
                if self.reaches(from, to) {
                    let answers = self.feed(to, Input::Packet(packet(&send)));
                    queue.extend(answers.into_iter().map(|send| (to, send)));
                }
            }
        }
    }

    fn deadline(&self, number: usize) -> Option<Instant> {
        self.nodes[number].router.as_ref().and_then(Router::next_deadline)
    }

    fn next_deadline(&self) -> Option<Instant> {
        (0..self.nodes.len()).filter_map(|number| self.deadline(number)).min()
    }

    fn start(&mut self, number: usize) -> Vec<Send> {
        let link = self.link(number);
        self.nodes[number].router = Some(Router::new());
        self.feed(number, Input::Links(vec![link]));
        let spec = self.nodes[number].spec.clone();
        self.feed(number, Input::Configure(spec))
    }

    fn set_link(&mut self, number: usize, up: bool) -> Vec<Send> {
        self.nodes[number].link = up;
        let link = self.link(number);
        self.feed(number, Input::Link(link))
    }

    fn link(&self, number: usize) -> LinkView {
        LinkView {
            index: IfIndex::new(2).unwrap(),
            name: "eth0".into(),
            up: self.nodes[number].link,
            arp: true,
            mac: vec![2, 0, 0, 0, 0, 1],
            addresses: vec![LinkAddress {
                address: self.nodes[number].address,
                prefix_len: 24,
                usable: true,
            }],
        }
    }

    fn feed(&mut self, number: usize, input: Input) -> Vec<Send> {
        let (now, mut adverts) = (self.now, Vec::new());
        let Some(router) = &mut self.nodes[number].router else { return adverts };
        router.handle(now, input);
        while let Some(action) = router.next_action() {
            match action {
                Action::Send(send) => adverts.push(send),
                Action::Want(want) => {
                    let done = Done::Applied { instance: want.instance, serial: want.serial, failed: vec![] };
                    router.handle(now, Input::Done(done));
                }
                Action::Announce(_)
                | Action::Listen(_)
                | Action::Unlisten(_)
                | Action::Notify(_)
                | Action::Emit(_) => {}
            }
        }
        adverts
    }
}

fn packet(send: &Send) -> Packet {
    Packet {
        interface: send.interface,
        source: send.source,
        destination: send.destination,
        ttl: send.ttl,
        id: send.id,
        protocol: send.protocol,
        payload: send.payload.clone(),
    }
}
