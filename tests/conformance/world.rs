//! One router with two interfaces, and what happens to it.

use std::fmt::Write;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use clock::Instant;
use config::{MemoryFiles, MemoryHost};
use vrrp::{
    Action, Advert, AuthenticationData, Centiseconds, Done, Family, Held, IfIndex, Input, InstanceSpec,
    LinkAddress, LinkDelays, LinkView, Packet, Priority, Protocol, Router, RouterSpec, SyncGroupSpec, Track,
    TrackerId, TrackerKind, TrackerState, Transport, UnixTime, Version, VirtualRouterId,
};

use crate::render;
use crate::script::{self, Step};

/// When the configuration is read.
const START: Instant = Instant::from_micros(1_000_000_000);

struct World {
    router: Router,
    spec: RouterSpec,
    links: Vec<LinkView>,
    now: Instant,
    lines: Vec<(Instant, String)>,
    /// Settings that the reader of configurations does not hand over yet.
    settings: Vec<(String, Vec<String>)>,
    /// The kernel refuses to add this.
    refused: Option<IpAddr>,
}

/// Everything that the router does, as text.
pub fn run(folder: &Path, script: &str) -> String {
    let link = |number, name: &str, addresses: &[&str]| LinkView {
        index: IfIndex::new(number).unwrap(),
        name: name.to_owned(),
        up: true,
        arp: true,
        mac: vec![2, 0, 0, 0, 0, 20],
        addresses: addresses.iter().map(|text| on_link(text)).collect(),
    };
    let mut world = World {
        router: Router::new(),
        spec: RouterSpec::default(),
        links: vec![link(2, "eth0", &["10.0.0.20", "fe80::20"]), link(3, "eth1", &["10.1.0.20"])],
        now: START,
        lines: Vec::new(),
        settings: Vec::new(),
        refused: None,
    };
    world.feed(Input::WallClock(UnixTime(1_744_830_464_000_000)));
    let mut configured = false;
    for step in script::read(script) {
        // What comes before `start` prepares the host.
        if !configured && step.what == "start" {
            configured = true;
            world.feed(Input::Links(world.links.clone()));
            world.configure(&folder.join("keepalived.conf"));
            continue;
        }
        if configured {
            world.run_until(START + step.at);
        }
        world.step(folder, &step, configured);
    }
    assert!(configured, "{} never starts", folder.display());
    world.text()
}

/// `set WHAT WORDS...`
fn set(spec: &mut RouterSpec, what: &str, words: &[String]) {
    let seconds = |text: &String| Duration::from_secs_f64(text.parse().unwrap());
    match (what, words) {
        ("group", [name, members @ ..]) => {
            spec.sync_groups.push(SyncGroupSpec::new(name.clone(), members.to_vec()));
        }
        ("startup_delay", [delay]) => spec.startup_delay = seconds(delay),
        ("link_delays", [interface, down, up]) => {
            let delays = LinkDelays { down: seconds(down), up: seconds(up) };
            spec.link_delays.insert(interface.clone(), delays);
        }
        ("track", [kind, name, weight]) => {
            let kind = match kind.as_str() {
                "script" => TrackerKind::Script,
                "file" => TrackerKind::File,
                "process" => TrackerKind::Process,
                other => panic!("no tracker: {other}"),
            };
            let tracker = TrackerId::new(kind, name.clone());
            let track = Track { tracker, weight: weight.parse().unwrap(), reverse: false };
            spec.instances[0].tracks.push(track);
        }
        ("owner_ignore_adverts", []) => spec.instances[0].owner_ignore_adverts = true,
        ("timer_expired_backup", [priority]) => {
            spec.instances[0].timer_expired_backup = Priority::new(priority.parse().unwrap());
        }
        ("track_src_ip", []) => spec.instances[0].track_source = true,
        ("check_unicast_src", []) => {
            if let Transport::Unicast { check_source, .. } = &mut spec.instances[0].transport {
                *check_source = true;
            }
        }
        _ => panic!("no setting: {what} {words:?}"),
    }
}

fn on_link(text: &str) -> LinkAddress {
    let address: IpAddr = text.parse().unwrap();
    LinkAddress { address, prefix_len: if address.is_ipv4() { 24 } else { 64 }, usable: true }
}

impl World {
    fn configure(&mut self, file: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let files = MemoryFiles::one("test.conf", text);
        let host = MemoryHost::with_interfaces(["eth0", "eth1"]);
        let loaded = config::load("test.conf", &files, &host, &config::Options::default());
        assert_eq!(loaded.diagnostics, [], "{}: {}", file.display(), loaded.render_all());
        self.spec = loaded.model.vrrp;
        for (what, words) in &self.settings {
            set(&mut self.spec, what, words);
        }
        self.feed(Input::Configure(self.spec.clone()));
    }

    fn step(&mut self, folder: &Path, step: &Step, configured: bool) {
        match step.what.as_str() {
            "advert" => self.advert(step),
            "link" => self.link(step, configured),
            "gone" => {
                let index = self.index(step.word(0));
                self.links.retain(|link| link.index != index);
                self.feed(Input::LinkGone(index));
            }
            "track" => {
                let kind = match step.word(0) {
                    "script" => TrackerKind::Script,
                    "file" => TrackerKind::File,
                    "process" => TrackerKind::Process,
                    "bfd" => TrackerKind::Bfd,
                    other => panic!("no tracker: {other}"),
                };
                let state = match step.word(2) {
                    "up" => TrackerState::Up,
                    "down" => TrackerState::Down,
                    number => TrackerState::Value(number.parse().unwrap()),
                };
                self.feed(Input::Track { tracker: TrackerId::new(kind, step.word(1)), state });
            }
            "lost" => {
                let address: IpAddr = step.word(0).parse().unwrap();
                let held = self.spec.instances.iter().flat_map(InstanceSpec::held_addresses);
                let gone = held.filter(|held| held.address == address).cloned().map(Held::Address).collect();
                self.feed(Input::Lost(gone));
            }
            "set" => self.settings.push((step.word(0).to_owned(), step.words[1..].to_vec())),
            "refuse" => self.refused = Some(step.word(0).parse().unwrap()),
            "reload" => self.configure(&folder.join(step.word(0))),
            "stall" => {
                // Nothing runs, not even the clock of the driver.
                self.now = START + Duration::from_secs_f64(step.word(0).parse().unwrap());
            }
            "stop" => self.feed(Input::Stop),
            "end" => {}
            other => panic!("{other} is no happening"),
        }
    }

    fn index(&self, name: &str) -> IfIndex {
        self.links.iter().find(|link| link.name == name).unwrap().index
    }

    /// `link NAME up|down [addresses=A,B] [index=N]`
    fn link(&mut self, step: &Step, configured: bool) {
        let (name, up) = (step.word(0), step.word(1) == "up");
        let mut view = self.links.iter().find(|link| link.name == name).cloned().unwrap_or(LinkView {
            index: IfIndex::new(9).unwrap(),
            name: name.to_owned(),
            up,
            arp: true,
            mac: vec![2, 0, 0, 0, 0, 20],
            addresses: Vec::new(),
        });
        view.up = up;
        if let Some(addresses) = step.option("addresses") {
            view.addresses = addresses.split(',').filter(|text| !text.is_empty()).map(on_link).collect();
        }
        self.links.retain(|link| link.name != name);
        self.links.push(view.clone());
        if configured {
            self.feed(Input::Link(view));
        }
    }

    /// `advert SOURCE PRIORITY` and options that differ from what the instance itself would send: `vrid version interval`
    /// (hundredths) `addresses password to ttl on byte` (`PLACE:VALUE` in hexadecimal) `cut` (length).
    fn advert(&mut self, step: &Step) {
        let vrid = step.option("vrid").map(|vrid| VirtualRouterId::new(vrid.parse().unwrap()).unwrap());
        let source: IpAddr = step.word(0).parse().unwrap();
        let fits = |instance: &&InstanceSpec| {
            instance.family == Family::of(source) && vrid.is_none_or(|vrid| vrid == instance.vrid)
        };
        let spec = self.spec.instances.iter().find(fits).unwrap_or(&self.spec.instances[0]);
        let destination = match (&spec.transport, step.option("to")) {
            (_, Some(to)) => to.parse().unwrap(),
            (Transport::Multicast { group }, None) => *group,
            (Transport::Unicast { .. }, None) => "10.0.0.20".parse().unwrap(),
        };
        let listed = step.option("addresses").map(|list| {
            let texts = list.split(',').filter(|text| !text.is_empty());
            texts.map(|text| text.parse().unwrap()).collect::<Vec<_>>()
        });
        let ours = || spec.addresses.iter().map(|held| held.address).collect();
        let advert = Advert {
            version: match step.option("version") {
                Some("2") => Version::V2,
                Some("3") => Version::V3,
                _ => spec.version,
            },
            vrid: vrid.unwrap_or(spec.vrid),
            priority: step.word(1).parse().unwrap(),
            interval: step
                .option("interval")
                .map_or(spec.advert_interval, |text| Centiseconds::new(text.parse().unwrap())),
            addresses: listed.unwrap_or_else(ours),
            authentication: match step.option("password") {
                None => AuthenticationData::of(&spec.authentication),
                Some("") => AuthenticationData::None,
                Some(text) => {
                    let mut password = [0; 8];
                    password[..text.len()].copy_from_slice(text.as_bytes());
                    AuthenticationData::Password(password)
                }
            },
        };
        let mut payload = advert.to_bytes(source, destination);
        if let Some((place, value)) = step.option("byte").and_then(|byte| byte.split_once(':')) {
            payload[usize::from_str_radix(place, 16).unwrap()] = u8::from_str_radix(value, 16).unwrap();
        }
        if let Some(length) = step.option("cut") {
            payload.truncate(length.parse().unwrap());
        }
        let interface = self.index(step.option("on").unwrap_or("eth0"));
        let ttl = step.option("ttl").map_or(255, |ttl| ttl.parse().unwrap());
        let protocol = Protocol::Vrrp;
        self.feed(Input::Packet(Packet { interface, source, destination, ttl, id: 1, protocol, payload }));
    }

    fn feed(&mut self, input: Input) {
        self.router.handle(self.now, input);
        while let Some(action) = self.router.next_action() {
            let name = |index| {
                let link = self.links.iter().find(|link| link.index == index);
                link.map_or_else(|| index.to_string(), |link| link.name.clone())
            };
            self.lines.push((self.now, render::action(&action, name)));
            if let Action::Want(want) = action {
                let is_refused = |held: &&Held| matches!(held, Held::Address(address) if Some(address.address) == self.refused);
                let failed = want.present.iter().filter(is_refused).map(|held| (held.clone(), 1)).collect();
                let done = Done::Applied { instance: want.instance, serial: want.serial, failed };
                self.router.handle(self.now, Input::Done(done));
            }
        }
    }

    fn run_until(&mut self, end: Instant) {
        while let Some(at) = self.router.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.feed(Input::Tick);
        }
        self.now = self.now.max(end);
    }

    /// Equal lines that follow each other are one, with their number.
    fn text(self) -> String {
        let mut text = String::new();
        let mut lines = self.lines.iter().peekable();
        while let Some(line) = lines.next() {
            let mut count = 1;
            while lines.next_if_eq(&line).is_some() {
                count += 1;
            }
            let seconds = line.0.saturating_since(START).as_secs_f64();
            let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
            writeln!(text, "{seconds:.6} {}{times}", line.1).unwrap();
        }
        for snapshot in self.router.snapshots() {
            write!(text, "end: vrid {} {}", snapshot.key.vrid, snapshot.state).unwrap();
            let counters = format!("{:?}", snapshot.counters);
            let fields = counters.trim_start_matches("Counters { ").trim_end_matches(" }").split(", ");
            for field in fields.filter(|field| !field.ends_with(": 0")) {
                write!(text, ", {}", field.replace(':', "")).unwrap();
            }
            text.push('\n');
        }
        text
    }
}
