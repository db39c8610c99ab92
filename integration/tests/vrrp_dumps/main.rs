//! The dumps of VRRP line for line beside keepalived's, as MASTER and as BACKUP: every part of `keepalived.data`,
//! `keepalived_bfd.data` and `keepalived.json`, for configurations with about everything that shows there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result};
use serde_json::Value;

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// What is the time, a number that the kernel gave, a pointer, or a password that 2.2.7 still shows; the label stays.
///
/// The down timer is 1 µs in keepalived until it has first been armed. Of the settings of the kernel keepalived 2.2.7 shows
/// what it has set itself as what it found. It sees no processes in a network namespace other than the first.
const VARIES: [&str; 24] = [
    "Last transition =",
    "Read timeout =",
    "Master down timer =",
    "Password =",
    "GARP next time",
    "GNA next time",
    "fd_in ",
    "fd_out ",
    "fd_in =",
    "index =",
    "MAC =",
    "IPv6 address =",
    "Using src_ip = fe80",
    "Multicast address ff02",
    "Original arp_ignore",
    "Original arp_filter",
    "Original promote_secondaries",
    "rp_filter",
    "IPv6 forwarding. Last checked",
    "Not IPv6 forwarding. Last checked",
    "Current processes =",
    "thread_in =",
    "thread_out ",
    "local discriminator =",
];

struct Side {
    daemon: Daemon,
    host: Host,
    process: Process,
    folder: PathBuf,
    /// Who keeps it from being master.
    _peer: Option<(Host, Process)>,
}

impl Side {
    fn start(lab: &Lab, daemon: Daemon, text: &str, peer: Option<&str>) -> Result<Self> {
        let short = &daemon.name()[..1];
        let (lan, other) = (lab.lan(&format!("lan-{short}"))?, lab.lan(&format!("oth-{short}"))?);
        let host = lab.host(&format!("d-{short}"))?;
        host.connect(&lan, "eth0", &["192.168.0.2/24", "fe80::2/64", "fd00::2/64"])?;
        host.connect(&other, "eth1", &["192.168.1.2/24", "192.168.1.7/32", "fe80::12/64"])?;
        fs::write(host.folder().join("weight"), "5\n").unwrap();
        let peer = peer.map(|text| {
            let peer = lab.host(&format!("p-{short}"))?;
            peer.connect(&lan, "eth0", &["192.168.0.3/24", "fe80::3/64"])?;
            let process = peer.start_daemon(Daemon::Keepalived, text)?;
            // The first of its addresses: it is the master of everything then.
            peer.wait_for_address("192.168.0.10", seconds(30))?;
            Ok((peer, process))
        });
        let peer = peer.transpose()?;
        let ready = ("/run/vrrp.pid", seconds(30));
        let (process, folder) = host.start_for_dumps(daemon, &["-nlGP", "-f"], text, ready)?;
        Ok(Self { daemon, host, process, folder, _peer: peer })
    }

    /// Asks for a dump until it says what is waited for.
    fn dump(&self, signal: &str, name: &str, enough: impl Fn(&str) -> bool) -> Result<String> {
        let path = self.folder.join(name);
        let look = || {
            drop(fs::remove_file(&path));
            self.host.check("kill", &[signal, &self.process.pid().to_string()])?;
            let mut before = String::new();
            // keepalived's files appear before they are written, and not at all if a process was not there yet.
            let whole = wait::for_some(name, seconds(5), || {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let whole = !text.is_empty() && text == before;
                before.clone_from(&text);
                Ok(whole.then_some(text))
            });
            Ok(whole.unwrap_or_default())
        };
        let what = format!("{name} of {} as it is to be", self.daemon.name());
        wait::until(&what, seconds(60), look, |text| enough(text))
    }

    /// The dump once the instances are in these states and every script has run.
    fn data(&self, states: &[(&str, &str)]) -> Result<Vec<String>> {
        let enough = |text: &str| {
            let is = |(name, state): &(&str, &str)| {
                let instance = text.split_once(&format!(" VRRP Instance = {name}\n")).map(|(_, lines)| lines);
                let mut lines = instance.unwrap_or_default().lines();
                // Who the master is belongs to it.
                let complete = |line: Option<&str>| {
                    *state != "BACKUP"
                        || line.is_some_and(|line| {
                            line == "   Master router = 192.168.0.3" || line == "   Master router = fe80::3"
                        })
                };
                let shown = lines.find(|line| line.starts_with("   State = "));
                shown == Some(&format!("   State = {state}")) && complete(lines.next())
            };
            states.iter().all(is) && !text.contains("Init state = INIT") && !text.contains("State = running")
        };
        let text = self.dump("-USR1", "keepalived.data", enough)?;
        Ok(self.comparable(&text))
    }

    fn comparable(&self, text: &str) -> Vec<String> {
        let folder = self.host.folder().display().to_string();
        let mask = |line: &str| {
            let start = line.len() - line.trim_start().len();
            let label = VARIES.iter().find(|label| line[start..].starts_with(**label));
            label
                .map_or_else(|| line.replace(&folder, "FOLDER"), |label| format!("{}{label}", &line[..start]))
        };
        // libnftnl is not used here. Which link-local addresses there are, the kernel says.
        let known = |line: &&str| !line.contains("libnftnl version");
        text.lines().filter(known).map(mask).collect()
    }

    fn json(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.dump("-36", "keepalived.json", |_| true)?).unwrap())
    }
}

/// Keys, their order and values, but for what counts or tells the time.
fn compare(path: &str, theirs: &Value, ours: &Value) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>(), "{path}");
            theirs.iter().for_each(|(key, value)| compare(&format!("{path}.{key}"), value, &ours[key]));
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            assert_eq!(theirs.len(), ours.len(), "{path}");
            let pairs = theirs.iter().zip(ours).enumerate();
            pairs.for_each(|(at, (theirs, ours))| compare(&format!("{path}[{at}]"), theirs, ours));
        }
        _ => {
            let varies = ["last_transition", "auth_data", "advert_rcvd", "advert_sent"];
            if varies.iter().any(|key| path.ends_with(key)) {
                assert_eq!(theirs.is_number(), ours.is_number(), "{path}");
            } else {
                assert_eq!(theirs, ours, "{path}");
            }
        }
    }
}

/// Both daemons with one configuration, until the instances are in these states. Returns keepalived's dump.
fn side_by_side(text: &str, peer: Option<&str>, states: &[(&str, &str)]) -> Result<Vec<String>> {
    let lab = Lab::native()?;
    let sides =
        BOTH.into_iter().map(|daemon| Side::start(&lab, daemon, text, peer)).collect::<Result<Vec<_>>>()?;
    let dumps = sides.iter().map(|side| side.data(states)).collect::<Result<Vec<_>>>()?;
    assert!(dumps[0] == dumps[1], "{}", lab.diff(&dumps[0], &dumps[1])?);
    let json = sides.iter().map(Side::json).collect::<Result<Vec<_>>>()?;
    compare("", &json[0], &json[1]);
    lab.close()?;
    Ok(dumps.into_iter().next().unwrap())
}

/// An instance for a peer that outdoes the one under test.
fn greater(name: &str, vrid: u8, more: &str, addresses: &[&str]) -> String {
    format!(
        "vrrp_instance {name} {{\n  interface eth0\n  virtual_router_id {vrid}\n  priority 250\n  {more}\n  \
         virtual_ipaddress {{\n    {}\n  }}\n}}\n",
        addresses.join("\n    ")
    )
}

const TRACKING: &str = include_str!("tracking.conf");

#[test]
fn trackers_groups_scripts_and_authentication_are_shown_as_by_keepalived() -> Result {
    let states = [
        ("V1", "FAULT"),
        ("V2", "FAULT"),
        ("V3", "FAULT"),
        ("V4", "FAULT"),
        ("V5", "MASTER"),
        ("V6", "MASTER"),
    ];
    let lines = side_by_side(TRACKING, None, &states)?;
    for title in ["Sync groups", "Scripts", "Track files", "Track processes", "Track BFDs", "Sockpool"] {
        assert!(lines.contains(&format!("------< VRRP {title} >------")), "{title}");
    }
    Ok(())
}

#[test]
fn the_same_holds_for_backups() -> Result {
    let peer = greater("V5", 5, "", &["192.168.0.10"])
        + &greater(
            "V6",
            6,
            "authentication {\n    auth_type AH\n    auth_pass secret\n  }",
            &["192.168.0.16"],
        );
    let states = [("V1", "FAULT"), ("V3", "FAULT"), ("V5", "BACKUP"), ("V6", "BACKUP")];
    side_by_side(TRACKING, Some(&peer), &states).map(drop)
}

const VMACS: &str = include_str!("vmacs.conf");

#[test]
fn vmacs_and_filtered_addresses_are_shown_as_by_keepalived() -> Result {
    let states = ["V1", "V2", "V3", "V4", "V5"].map(|name| (name, "MASTER"));
    let lines = side_by_side(VMACS, None, &states)?;
    assert!(lines.iter().any(|line| line.contains("VMAC type private, underlying interface = eth0")));
    Ok(())
}

#[test]
fn vmacs_of_backups_are_shown_as_by_keepalived() -> Result {
    let peer = greater("V1", 1, "", &["192.168.0.10/24"])
        + &greater("V3", 3, "version 3\n  advert_int 0.25", &["fe80::55", "fd00::55/64"])
        + &greater("V4", 4, "version 3\n  advert_int 0.75", &["192.168.0.66"]);
    let states = [("V1", "BACKUP"), ("V2", "MASTER"), ("V3", "BACKUP"), ("V4", "BACKUP"), ("V5", "MASTER")];
    side_by_side(VMACS, Some(&peer), &states).map(drop)
}

const HOLDINGS: &str = include_str!("holdings.conf");

#[test]
fn addresses_routes_rules_and_statics_are_shown_as_by_keepalived() -> Result {
    side_by_side(HOLDINGS, None, &[("V1", "MASTER")]).map(drop)
}

#[test]
fn what_a_backup_would_hold_is_shown_as_by_keepalived() -> Result {
    let peer = greater("V1", 1, "", &["192.168.0.10/24", "192.168.0.11", "192.168.0.12", "192.168.0.14"]);
    side_by_side(HOLDINGS, Some(&peer), &[("V1", "BACKUP")]).map(drop)
}

const UNICAST: &str = include_str!("unicast.conf");

/// The instances that no peer contests.
const MASTERS: [(&str, &str); 12] = [
    ("U4", "MASTER"),
    ("U5", "MASTER"),
    ("I1", "MASTER"),
    ("I2", "MASTER"),
    ("I3", "MASTER"),
    ("I4", "MASTER"),
    ("I5", "MASTER"),
    ("I6", "MASTER"),
    ("I7", "MASTER"),
    ("I8", "MASTER"),
    ("I9", "MASTER"),
    ("I10", "MASTER"),
];

#[test]
fn unicast_peers_and_single_settings_are_shown_as_by_keepalived() -> Result {
    let states = [[("U1", "MASTER"), ("U2", "MASTER")], [("U3", "MASTER"), ("U8", "FAULT")]].concat();
    side_by_side(UNICAST, None, &[&states[..], &MASTERS].concat()).map(drop)
}

#[test]
fn unicast_backups_are_shown_as_by_keepalived() -> Result {
    let unicast = "unicast_peer {\n    192.168.0.2\n  }";
    let peer = greater("U1", 1, unicast, &["192.168.0.10"])
        + &greater("U2", 2, &format!("version 3\n  {unicast}"), &["192.168.0.11"]);
    let states = [("U1", "BACKUP"), ("U2", "BACKUP"), ("U3", "MASTER"), ("U8", "FAULT")];
    side_by_side(UNICAST, Some(&peer), &[&states[..], &MASTERS].concat()).map(drop)
}

#[test]
fn bfd_sessions_have_a_file_of_their_own_with_the_lines_of_keepalived() -> Result {
    let lab = Lab::native()?;
    let mut dumps = Vec::new();
    for daemon in BOTH {
        let side = Side::start(&lab, daemon, TRACKING, None)?;
        let whole = |text: &str| text.matches("last_seen").count() == 2;
        dumps.push(side.comparable(&side.dump("-USR1", "keepalived_bfd.data", whole)?));
    }
    assert!(dumps[0] == dumps[1], "{}", lab.diff(&dumps[0], &dumps[1])?);
    lab.close()
}

#[test]
fn without_an_instance_there_are_statistics_without_a_line_and_no_json() -> Result {
    let lab = Lab::native()?;
    for daemon in BOTH {
        let side = Side::start(&lab, daemon, "static_ipaddress {\n  192.168.0.50/24 dev eth0\n}\n", None)?;
        side.host.wait_for_address("192.168.0.50", seconds(30))?;
        let text = side.dump("-USR1", "keepalived.data", |text| text.contains(" scope global set"))?;
        assert!(text.contains("------< Static Addresses >------\n"), "{}: {text}", daemon.name());
        side.host.check("kill", &["-36", &side.process.pid().to_string()])?;
        side.host.check("kill", &["-USR2", &side.process.pid().to_string()])?;
        let path = side.folder.join("keepalived.stats");
        wait::until("keepalived.stats", seconds(30), || Ok(path.exists()), |there| *there)?;
        assert_eq!(fs::read_to_string(&path).unwrap(), "", "{}", daemon.name());
        assert!(!side.folder.join("keepalived.json").exists(), "{}", daemon.name());
    }
    lab.close()
}
