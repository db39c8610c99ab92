//! keepalived's packets, byte for byte.
//!
//! `captures/` holds the distinct VRRP packets that keepalived 2.2.7 and 2.4.3 sent with the configurations below. Both
//! directions are tested: a router that has read the same configuration sends the same bytes as master (and as one that
//! stops), and takes each captured packet without a complaint.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authentication_header;

use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;
use config::{MemoryFiles, MemoryHost};
use vrrp::{
    Action, Done, IfIndex, Input, InstanceSpec, LinkAddress, LinkView, Packet, Protocol, Router, Send, What,
};

/// One captured packet.
struct Captured {
    by: String,
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    payload: Vec<u8>,
}

fn captured(text: &str) -> Vec<Captured> {
    let packets = text.lines().filter(|line| !line.starts_with('#'));
    packets
        .map(|line| {
            let [by, source, destination, ttl, hex] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line:?} is no captured packet")
            };
            let digits = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16));
            Captured {
                by: by.to_owned(),
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
                ttl: ttl.parse().unwrap(),
                payload: digits.collect::<Result<_, _>>().unwrap(),
            }
        })
        .collect()
}

/// Director a of the captures has priority 150, b 100. The text may use `OWN` and `PEER`.
fn spec(text: &str, source: IpAddr, destination: IpAddr, priority: u8) -> InstanceSpec {
    let text = text
        .replace("PRIORITY", &priority.to_string())
        .replace("OWN", &source.to_string())
        .replace("PEER", &destination.to_string());
    let files = MemoryFiles::one("test.conf", text);
    let host = MemoryHost::with_interfaces(["eth0"]);
    let mut loaded = config::load("test.conf", &files, &host, &config::Options::default());
    assert_eq!(loaded.diagnostics, [], "{}", loaded.render_all());
    assert_eq!(loaded.model.vrrp.instances.len(), 1);
    loaded.model.vrrp.instances.remove(0)
}

struct Scene {
    router: Router,
    now: Instant,
    sent: Vec<Send>,
    told: Vec<What>,
}

impl Scene {
    fn start(spec: InstanceSpec, address: IpAddr) -> Self {
        let link = LinkView {
            index: IfIndex::new(2).unwrap(),
            name: "eth0".into(),
            up: true,
            arp: true,
            mac: vec![2, 0, 0, 0, 0, 1],
            addresses: vec![LinkAddress { address, prefix_len: 16, usable: true }],
        };
        let mut scene =
            Self { router: Router::new(), now: Instant::from_micros(1), sent: vec![], told: vec![] };
        scene.feed(Input::Links(vec![link]));
        scene.feed(Input::Configure(vec![spec].into()));
        scene
    }

    fn feed(&mut self, input: Input) {
        self.router.handle(self.now, input);
        while let Some(action) = self.router.next_action() {
            match action {
                Action::Send(send) => self.sent.push(send),
                Action::Emit(event) => self.told.push(event.what),
                Action::Want(want) => {
                    let done = Done::Applied { instance: want.instance, serial: want.serial, failed: vec![] };
                    self.router.handle(self.now, Input::Done(done));
                }
                Action::Announce(_) | Action::Listen(_) | Action::Unlisten(_) | Action::Notify(_) => {}
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.router.next_deadline().filter(|at| *at <= end) {
            self.now = at;
            self.feed(Input::Tick);
        }
        self.now = end;
    }
}

fn check(configuration: &str, captures: &str) {
    let captures = captured(captures);
    assert_eq!(captures.len(), 8, "two versions, two directors, an advert and a release each");
    for packet in &captures {
        let priority =
            if packet.payload[2] == 0 { priority_of(&captures, packet) } else { packet.payload[2] };
        sends(configuration, packet, priority);
        takes(configuration, packet, priority);
    }
}

/// The priority of the director that sent this release.
fn priority_of(captures: &[Captured], release: &Captured) -> u8 {
    let advert = captures
        .iter()
        .find(|other| (&other.by, other.source) == (&release.by, release.source) && other.payload[2] != 0);
    advert.unwrap().payload[2]
}

/// A router in the place of the packet's sender sends the same packet.
fn sends(configuration: &str, packet: &Captured, priority: u8) {
    let spec = spec(configuration, packet.source, packet.destination, priority);
    let mut scene = Scene::start(spec, packet.source);
    scene.run(Duration::from_secs(5));
    if packet.payload[2] == 0 {
        scene.sent.clear();
        scene.feed(Input::Stop);
    }
    let sent = &scene.sent[0];
    assert_eq!(hex(&sent.payload), hex(&packet.payload), "{} from {}", packet.by, packet.source);
    assert_eq!((sent.source, sent.destination, sent.ttl), (packet.source, packet.destination, packet.ttl));
}

/// A router in the place of its receiver takes it without a complaint.
fn takes(configuration: &str, packet: &Captured, priority: u8) {
    let own = if packet.destination.is_multicast() { another(packet.source) } else { packet.destination };
    let spec = spec(configuration, own, packet.source, if priority == 150 { 100 } else { 50 });
    let mut scene = Scene::start(spec, own);
    scene.feed(Input::Packet(Packet {
        interface: IfIndex::new(2).unwrap(),
        source: packet.source,
        destination: packet.destination,
        ttl: packet.ttl,
        id: 1,
        protocol: Protocol::Vrrp,
        payload: packet.payload.clone(),
    }));
    assert_eq!(scene.told, [], "{} from {}", packet.by, packet.source);
    assert_eq!(scene.router.snapshots()[0].counters.advert_received, 1);
}

fn another(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => "10.77.0.99".parse().unwrap(),
        IpAddr::V6(_) => "fe80::99".parse().unwrap(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// A `vrrp_instance` as in the captures' configurations.
fn instance(version: u8, interval: &str, settings: &str, addresses: &str) -> String {
    format!(
        "vrrp_instance VI {{\n version {version}\n state BACKUP\n interface eth0\n virtual_router_id 51\n \
         priority PRIORITY\n advert_int {interval}\n {settings}\n virtual_ipaddress {{\n {addresses}\n }}\n}}\n"
    )
}

#[test]
fn version_2_with_two_addresses() {
    let configuration = instance(2, "1", "", "10.77.0.100/16\n10.77.0.101/16");
    check(&configuration, include_str!("captures/v2.txt"));
}

#[test]
fn version_2_with_a_password() {
    let settings = "authentication {\n auth_type PASS\n auth_pass s3cret42\n }";
    check(&instance(2, "1", settings, "10.77.0.100/16"), include_str!("captures/v2-pass.txt"));
}

#[test]
fn version_2_to_unicast_peers() {
    let settings = "unicast_src_ip OWN\n unicast_peer {\n PEER\n }";
    check(&instance(2, "1", settings, "10.77.0.100/16"), include_str!("captures/v2-unicast.txt"));
}

#[test]
fn version_2_with_an_excluded_address() {
    let settings = "virtual_ipaddress_excluded {\n 10.77.0.150/16\n }";
    check(&instance(2, "1", settings, "10.77.0.100/16"), include_str!("captures/v2-excluded.txt"));
}

#[test]
fn version_3_over_ipv4() {
    check(&instance(3, "0.5", "", "10.77.0.100/16"), include_str!("captures/v3-ipv4.txt"));
}

#[test]
fn version_3_over_ipv4_to_unicast_peers() {
    let settings = "unicast_src_ip OWN\n unicast_peer {\n PEER\n }";
    check(&instance(3, "0.5", settings, "10.77.0.100/16"), include_str!("captures/v3-unicast.txt"));
}

#[test]
fn version_3_over_ipv6() {
    check(&instance(3, "0.5", "", "fe80::5100/64\nfd77::100/64"), include_str!("captures/v3-ipv6.txt"));
}

#[test]
fn version_3_over_ipv6_to_unicast_peers() {
    let settings = "unicast_src_ip OWN\n unicast_peer {\n PEER\n }";
    let configuration = instance(3, "0.5", settings, "fe80::5100/64\nfd77::100/64");
    check(&configuration, include_str!("captures/v3-ipv6-unicast.txt"));
}

/// The interface of its own changes the frame around the packet, not the packet.
#[test]
fn version_2_from_an_interface_of_its_own() {
    check(&instance(2, "1", "", "10.77.0.100/16"), include_str!("captures/v2-vmac.txt"));
}

#[test]
fn version_3_over_ipv6_from_an_interface_of_its_own() {
    let configuration = instance(3, "0.5", "", "fe80::5100/64\nfd77::100/64");
    check(&configuration, include_str!("captures/v3-ipv6-vmac.txt"));
}
