//! Malformed and mismatched adverts, the same to both daemons: `keepalived.stats` and the statistics of `keepalived.json`
//! count them alike.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result};
use serde_json::Value;

const SENDER: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 9);
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const VIP: [u8; 4] = [10, 7, 0, 1];
const OTHER: [u8; 4] = [10, 7, 0, 2];

/// An instance for each way to be, and one at the end that tells when all is heard.
const INSTANCES: &str = "
vrrp_instance PLAIN {
  interface eth0
  virtual_router_id 51
  priority 200
  virtual_ipaddress {
    10.7.0.1 dev eth0
  }
}
vrrp_instance PASS {
  interface eth0
  virtual_router_id 52
  priority 200
  authentication {
    auth_type PASS
    auth_pass secret
  }
  virtual_ipaddress {
    10.7.0.1 dev eth0
  }
}
vrrp_instance THREE {
  interface eth0
  virtual_router_id 53
  priority 200
  version 3
  virtual_ipaddress {
    10.7.0.1 dev eth0
  }
}
vrrp_instance OWNER {
  interface eth0
  virtual_router_id 54
  priority 255
  virtual_ipaddress {
    10.7.0.1 dev eth0
  }
}
vrrp_instance CHECKED {
  interface eth0
  virtual_router_id 55
  priority 200
  check_unicast_src
  virtual_ipaddress {
    10.7.0.1 dev eth0
  }
}
vrrp_instance LAST {
  interface eth0
  virtual_router_id 60
  priority 200
  virtual_ipaddress {
    10.7.0.1 dev eth0
  }
}
";

const INSTANCE_OF: [(&str, &str); 5] =
    [("51", "PLAIN"), ("52", "PASS"), ("53", "THREE"), ("54", "OWNER"), ("55", "CHECKED")];

/// An advert of a lower priority, well formed until it is changed.
#[derive(Clone)]
struct Advert {
    ttl: u8,
    version: u8,
    kind: u8,
    vrid: u8,
    priority: u8,
    /// How many addresses it says it has.
    count: Option<u8>,
    auth_type: u8,
    /// Seconds, or centiseconds.
    interval: u16,
    addresses: Vec<[u8; 4]>,
    auth_data: [u8; 8],
    spoilt_checksum: bool,
    /// What the packet is cut or filled to.
    length: Option<usize>,
}

impl Advert {
    fn of(vrid: u8) -> Self {
        let (auth_type, auth_data) = if vrid == 52 { (1, *b"secret\0\0") } else { (0, [0; 8]) };
        let (version, interval) = if vrid == 53 { (3, 100) } else { (2, 1) };
        Self {
            ttl: 255,
            version,
            kind: 1,
            vrid,
            priority: 50,
            count: None,
            auth_type,
            interval,
            addresses: vec![VIP],
            auth_data,
            spoilt_checksum: false,
            length: None,
        }
    }

    /// A number that some field of version 3 has elsewhere is the same field here.
    fn bytes(&self) -> Vec<u8> {
        let count = self.count.unwrap_or_else(|| u8::try_from(self.addresses.len()).unwrap());
        let [high, low] = self.interval.to_be_bytes();
        let third = if self.version == 3 { high } else { self.auth_type };
        let mut bytes =
            vec![self.version << 4 | self.kind, self.vrid, self.priority, count, third, low, 0, 0];
        bytes.extend(self.addresses.iter().flatten());
        if self.version == 2 {
            bytes.extend(self.auth_data);
        }
        if let Some(length) = self.length {
            bytes.resize(length, 0);
        }
        let mut summed = Vec::new();
        if self.version == 3 {
            let length = u8::try_from(bytes.len()).unwrap();
            summed = [&SENDER.octets()[..], &GROUP.octets(), &[0, 112, 0, length]].concat();
        }
        summed.extend(&bytes);
        let sum = checksum(&summed) ^ u16::from(self.spoilt_checksum);
        bytes[6..8].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

/// Of RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !u16::try_from(sum).unwrap()
}

/// What is wrong, and the packet.
fn packets() -> Vec<(String, Advert)> {
    let mut packets = Vec::new();
    for vrid in 51..=55 {
        let good = Advert::of(vrid);
        let other_version = if good.version == 3 { 2 } else { 3 };
        let all = [
            ("nothing", good.clone()),
            ("version", Advert { version: other_version, ..good.clone() }),
            ("version 7", Advert { version: 7, ..good.clone() }),
            ("type", Advert { kind: 2, ..good.clone() }),
            ("checksum", Advert { spoilt_checksum: true, ..good.clone() }),
            ("ttl", Advert { ttl: 254, ..good.clone() }),
            ("cut header", Advert { length: Some(8), ..good.clone() }),
            ("cut addresses", Advert { length: Some(10), ..good.clone() }),
            ("too long", Advert { length: Some(60), ..good.clone() }),
            ("count above addresses", Advert { count: Some(3), ..good.clone() }),
            ("no address", Advert { addresses: Vec::new(), ..good.clone() }),
            ("two addresses", Advert { addresses: vec![VIP, OTHER], ..good.clone() }),
            ("another address", Advert { addresses: vec![OTHER], ..good.clone() }),
            ("interval", Advert { interval: good.interval * 2, ..good.clone() }),
            ("unknown auth type", Advert { auth_type: 7, ..good.clone() }),
            ("AH", Advert { auth_type: 2, ..good.clone() }),
            ("other auth type", Advert { auth_type: good.auth_type ^ 1, ..good.clone() }),
            ("auth data", Advert { auth_data: *b"wrong\0\0\0", ..good.clone() }),
            ("priority 0", Advert { priority: 0, ..good.clone() }),
            ("interval and another address", Advert { interval: 5, addresses: vec![OTHER], ..good.clone() }),
        ];
        packets.extend(all.map(|(what, advert)| (format!("{vrid}: {what}"), advert)));
    }
    packets
}

struct Side {
    daemon: Daemon,
    host: Host,
    process: Process,
    folder: PathBuf,
    sender: Host,
}

impl Side {
    fn start(lab: &Lab, daemon: Daemon) -> Result<Self> {
        let short = &daemon.name()[..1];
        let lan = lab.lan(&format!("lan-{short}"))?;
        let (host, sender) = (lab.host(&format!("d-{short}"))?, lab.host(&format!("x-{short}"))?);
        host.connect(&lan, "eth0", &["192.168.0.2/24"])?;
        sender.connect(&lan, "eth0", &[&format!("{SENDER}/24")])?;
        let ready = ("/run/vrrp.pid", seconds(30));
        let (process, folder) = host.start_for_dumps(daemon, &["-nlGDP", "-f"], INSTANCES, ready)?;
        let side = Self { daemon, host, process, folder, sender };
        let masters = |text: &str| {
            text.matches("Became master: 1").count() == INSTANCES.matches("vrrp_instance").count()
        };
        wait::until("masters", seconds(30), || side.stats(), |text| masters(text))?;
        Ok(side)
    }

    fn send(&self, adverts: &[Advert]) -> Result {
        let program = include_str!("send.py");
        let address = SENDER.to_string();
        let hexadecimal =
            |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let words = adverts.iter().flat_map(|advert| [advert.ttl.to_string(), hexadecimal(advert.bytes())]);
        let words: Vec<_> = words.collect();
        let args = ["-c", program, &address].into_iter().chain(words.iter().map(String::as_str));
        self.sender.check("python3", &args.collect::<Vec<_>>()).map(drop)
    }

    /// What a signal brings; empty until a file is whole.
    fn dump(&self, signal: &str, name: &str) -> Result<String> {
        let path = self.folder.join(name);
        drop(fs::remove_file(&path));
        let what = format!("{name} of {}", self.daemon.name());
        // keepalived does nothing for a signal that comes before its processes are there.
        wait::for_some(&what, seconds(20), || {
            self.host.check("kill", &[signal, &self.process.pid().to_string()])?;
            let mut before = String::new();
            let whole = wait::for_some(&what, seconds(1), || {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let whole = !text.is_empty() && text == before;
                before.clone_from(&text);
                Ok(whole.then_some(text))
            });
            Ok(whole.ok())
        })
    }

    fn stats(&self) -> Result<String> {
        self.dump("-USR2", "keepalived.stats")
    }

    /// Which counters of `keepalived.stats` each packet moves.
    fn changes(&self, packets: &[(String, Advert)]) -> Result<Vec<String>> {
        let mut changes = Vec::new();
        let mut before = counters(&self.stats()?);
        for (number, (what, advert)) in (1..).zip(packets) {
            self.send(&[advert.clone(), Advert::of(60)])?;
            let heard = format!("LAST Received: {number}");
            let look = || Ok(counters(&self.stats()?));
            let after = wait::until(&heard, seconds(30), look, |after| after.contains(&heard))?;
            let moved = after.iter().filter(|line| !before.contains(line) && !line.starts_with("LAST "));
            let labels: Vec<_> = moved.filter_map(|line| Some(line.split_once(": ")?.0)).collect();
            changes.push(format!("{what}: {}", labels.join(", ")));
            before = after;
        }
        Ok(changes)
    }

    /// The statistics in `keepalived.json` are those of `keepalived.stats`.
    fn compare_json(&self) -> Result {
        let stats = counters(&self.stats()?);
        let json: Value = serde_json::from_str(&self.dump("-36", "keepalived.json")?).unwrap();
        let instances = json.as_array().unwrap();
        assert_eq!(instances.len(), 6);
        for instance in instances {
            let name = instance["data"]["iname"].as_str().unwrap();
            for (key, label) in KEYS {
                let line = format!("{name} {label}: {}", instance["stats"][key]);
                assert!(stats.contains(&line), "{}: {line} is not in {stats:?}", self.daemon.name());
            }
        }
        Ok(())
    }
}

/// The keys of the JSON, and the counters as [`counters`] names them.
const KEYS: [(&str, &str); 10] = [
    ("advert_rcvd", "Received"),
    ("packet_len_err", "Length"),
    ("advert_interval_err", "Advertisement Interval"),
    ("ip_ttl_err", "TTL"),
    ("invalid_type_rcvd", "Invalid Type"),
    ("addr_list_err", "Address List"),
    ("invalid_authtype", "Authentication Errors Invalid Type"),
    ("authtype_mismatch", "Type Mismatch"),
    ("auth_failure", "Failure"),
    ("pri_zero_rcvd", "Priority Zero Received"),
];

/// `INSTANCE LABEL: NUMBER` of all lines but those of adverts sent.
fn counters(text: &str) -> Vec<String> {
    let (mut instance, mut section, mut counters) = ("", "", Vec::new());
    for line in text.lines() {
        match line.trim_start().split_once(": ") {
            Some(("VRRP Instance", name)) => instance = name,
            Some(("Sent", _)) => {}
            Some(("Invalid Type" | "Received", _))
                if section != "Packet Errors" && section != "Advertisements" =>
            {
                counters.push(format!("{instance} {section} {}", line.trim_start()));
            }
            Some(_) => counters.push(format!("{instance} {}", line.trim_start())),
            None => section = line.trim().trim_end_matches(':'),
        }
    }
    counters
}

/// A line of 2.2.7 as ours is meant to be: an advert with another number of addresses is taken, and an interval of version 2
/// that differs is counted (docs/differences.md).
fn as_ours(line: &str) -> String {
    let instance = INSTANCE_OF.iter().find(|(vrid, _)| line.starts_with(vrid)).unwrap().1;
    if line.contains(": no address:") || line.contains(": two addresses:") {
        line.replace(&format!("{instance} Address"), &format!("{instance} Received, {instance} Address"))
    } else if line.contains(": interval") && instance != "THREE" {
        format!("{line}{instance} Advertisement Interval")
    } else {
        line.to_owned()
    }
}

#[test]
fn malformed_adverts_are_counted_as_by_keepalived() -> Result {
    let lab = Lab::native()?;
    let sides = [Side::start(&lab, Daemon::Keepalived)?, Side::start(&lab, Daemon::Stayd)?];
    let packets = packets();
    let [theirs, ours] = [sides[0].changes(&packets)?, sides[1].changes(&packets)?];
    let theirs: Vec<_> = theirs.into_iter().map(|line| as_ours(&line)).collect();
    assert!(theirs == ours, "{}", lab.diff(&theirs, &ours)?);
    assert_eq!(ours.iter().filter(|line| !line.ends_with(": ")).count(), 85, "{ours:?}");
    for side in &sides {
        side.compare_json()?;
    }
    lab.close()
}
