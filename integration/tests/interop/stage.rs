//! Two directors and a client on a LAN of their own, and the story that all flavours of VRRP share.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;
use lab::wait::{self, seconds};
use lab::{Advert, Capture, Daemon, Host, Lab, Process, Result, now};

/// The advertisement interval of all stories.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// What a busy machine may add.
pub const SLACK: Duration = Duration::from_millis(700);

/// How long anything may take that has no bound of its own.
pub const LIMIT: Duration = seconds(20);

/// The priorities of the first and the second director.
pub const PRIORITIES: [u8; 2] = [100, 90];

/// Who plays the first and the second director.
pub type Cast = [Daemon; 2];

/// stayd in either place.
pub const CASTS: [Cast; 2] = [[Daemon::Stayd, Daemon::Keepalived], [Daemon::Keepalived, Daemon::Stayd]];

/// Which addresses a story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    /// The virtual address that the client uses.
    pub const fn vip(self) -> &'static str {
        match self {
            Self::V4 => "192.168.0.10",
            Self::V6 => "fd00::10",
        }
    }

    /// The addresses of a host whose number is `last`.
    pub fn addresses(self, last: u8) -> Vec<String> {
        match self {
            Self::V4 => vec![format!("192.168.0.{last}/24")],
            Self::V6 => vec![format!("fe80::{last}/64"), format!("fd00::{last}/64")],
        }
    }
}

/// Two directors and a client.
pub struct Stage {
    pub family: Family,
    pub wire: Capture,
    pub directors: [Host; 2],
    pub client: Host,
}

/// What a story expects of the routers, by director.
pub struct Expected {
    /// Where the client finds the virtual address.
    pub macs: [String; 2],
    /// Whether the client has to ask: the announcement of a new master may be lost.
    pub asks: [bool; 2],
    /// How late the first advert of a new master may be.
    pub late: Duration,
}

/// Plays `story` with every cast at once, each on a stage of its own in one lab.
pub fn with_casts<T: Copy + Sync>(
    casts: &[T],
    family: Family,
    story: impl Fn(&Stage, T) -> Result + Sync,
) -> Result {
    let lab = Lab::native()?;
    let stages: Vec<_> = ('a'..)
        .zip(casts)
        .map(|(name, cast)| Ok((Stage::build(&lab, name, family)?, *cast)))
        .collect::<Result<_>>()?;
    std::thread::scope(|scope| {
        let stories: Vec<_> =
            stages.iter().map(|(stage, cast)| scope.spawn(|| story(stage, *cast))).collect();
        stories.into_iter().try_for_each(|story| story.join().unwrap())
    })?;
    lab.close()
}

impl Stage {
    fn build(lab: &Lab, name: char, family: Family) -> Result<Self> {
        let lan = lab.lan(&format!("{name}lan"))?;
        let host = |role: &str, last| {
            let host = lab.host(&format!("{name}{role}"))?;
            let addresses = family.addresses(last);
            host.connect(&lan, "eth0", &addresses.iter().map(String::as_str).collect::<Vec<_>>())?;
            Ok::<_, lab::Error>(host)
        };
        let (directors, client) = ([host("d1", 20)?, host("d2", 21)?], host("c", 99)?);
        if family == Family::V6 {
            // What it has heard it doubts soon, when it speaks.
            client.sysctl("ipv6/neigh/eth0/base_reachable_time_ms", "1000")?;
            client.sysctl("ipv6/neigh/eth0/delay_first_probe_time", "1")?;
        }
        let wire = lan.capture()?;
        Ok(Self { family, wire, directors, client })
    }

    /// Waits until a director has the virtual address and the other has not.
    pub fn wait_for_master(&self, master: usize) -> Result {
        let holders = || Ok([self.holds(0)?, self.holds(1)?]);
        let what = format!("{} alone to hold {}", self.directors[master].name(), self.family.vip());
        wait::until(&what, LIMIT, holders, |holders| *holders == [master == 0, master == 1]).map(drop)
    }

    /// Whether a director has the virtual address on an interface that works: FRR leaves it on one that does not.
    fn holds(&self, director: usize) -> Result<bool> {
        let (host, vip) = (&self.directors[director], self.family.vip().parse::<IpAddr>().unwrap());
        let Some(view) = host.addresses()?.into_iter().find(|view| view.address.addr() == vip) else {
            return Ok(false);
        };
        let state = host.run("cat", &[&format!("/sys/class/net/{}/operstate", view.interface)])?;
        Ok(state.stdout.trim() == "up")
    }

    /// The adverts of a director.
    pub fn adverts(&self, director: usize) -> Vec<Advert> {
        let all = self.wire.adverts();
        // A release has the priority 0: whose it is tells its source.
        let sources: BTreeSet<_> = all
            .iter()
            .filter(|advert| advert.priority == PRIORITIES[director])
            .map(|advert| advert.source)
            .collect();
        all.iter()
            .filter(|advert| match advert.priority {
                0 => sources.contains(&advert.source),
                priority => priority == PRIORITIES[director],
            })
            .cloned()
            .collect()
    }

    /// Waits for some adverts of the master; the other must not say a word meanwhile.
    pub fn one_speaks(&self, master: usize) -> Result {
        let from = now();
        let since = |director| self.adverts(director).into_iter().filter(|advert| advert.at >= from).count();
        wait::until("three adverts of the master", LIMIT, || Ok(since(master)), |count| *count >= 3)?;
        assert_eq!(since(1 - master), 0, "{} is silent", self.directors[1 - master].name());
        Ok(())
    }

    /// Waits for the first advert of a director after a moment.
    fn first_advert_after(&self, director: usize, moment: Instant) -> Result<Advert> {
        let look = || Ok(self.adverts(director).into_iter().find(|advert| advert.at > moment));
        wait::for_some(&format!("an advert of {}", self.directors[director].name()), LIMIT, look)
    }

    /// How long after the last advert of one director the other sent its first.
    fn gap(&self, from: usize, to: usize) -> Result<Duration> {
        let last = self.adverts(from).last().unwrap().at;
        Ok(self.first_advert_after(to, last)?.at.saturating_since(last))
    }

    /// The hardware address to which the client would send what is for the virtual address.
    pub fn neighbour(&self) -> Result<String> {
        let entry = self.client.check("ip", &["neigh", "show", self.family.vip()])?;
        let words: Vec<_> = entry.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "lladdr");
        Ok(at.and_then(|at| words.get(at + 1)).copied().unwrap_or_default().to_owned())
    }

    /// Waits until the client knows the virtual address at this hardware address.
    pub fn wait_for_neighbour(&self, mac: &str) -> Result {
        let what = format!("the client to know {} at {mac}", self.family.vip());
        wait::until(&what, LIMIT, || self.neighbour(), |known| known == mac).map(drop)
    }

    /// The client pings the virtual address until it is answered.
    pub fn ping(&self) -> Result {
        let ping = || Ok(self.client.run("ping", &["-c", "1", "-W", "1", self.family.vip()])?.exit);
        let what = format!("an answer to a ping of {}", self.family.vip());
        wait::until(&what, LIMIT, ping, |exit| *exit == Some(lab::site::ExitView::Code(0))).map(drop)
    }

    /// The hardware address of a director's cable.
    pub fn mac(&self, director: usize) -> Result<String> {
        let link = self.directors[director].check("cat", &["/sys/class/net/eth0/address"])?;
        Ok(link.trim().to_owned())
    }

    /// The client finds the virtual address at the new master.
    fn client_follows(&self, master: usize, expected: &Expected) -> Result {
        if expected.asks[master] {
            self.ping()?;
        }
        let mac = &expected.macs[master];
        let what = format!("the client to find {} at {mac}, or to forget it", self.family.vip());
        let found = wait::until(&what, LIMIT, || self.neighbour(), |known| known == mac || known.is_empty())?;
        // Who has forgotten an address takes no unasked answer (RFC 4861 7.2.5): a frame from the VMAC of the director that
        // comes back can lead the client's probes astray.
        if found.is_empty() {
            self.ping()?;
            return self.wait_for_neighbour(mac);
        }
        Ok(())
    }

    /// The story. `start` starts what a director runs.
    pub fn over_and_back(
        &self,
        start: impl Fn(usize) -> Result<Process>,
        expected: &Expected,
    ) -> Result<Vec<String>> {
        // One after the other: whose first advert comes late would have a rival.
        let mut processes = vec![start(0)?];
        self.directors[0].wait_for_address(self.family.vip(), LIMIT)?;
        self.first_advert_after(0, Instant::ZERO)?;
        processes.push(start(1)?);
        self.wait_for_master(0)?;
        self.one_speaks(0)?;
        self.ping()?;
        self.wait_for_neighbour(&expected.macs[0])?;

        self.directors[0].power_off()?;
        self.wait_for_master(1)?;
        self.client_follows(1, expected)?;
        self.ping()?;
        let killed = self.gap(0, 1)?;
        let skew = INTERVAL * u32::from(256 - u16::from(PRIORITIES[1])) / 256;
        assert!(killed <= 3 * INTERVAL + skew + expected.late, "taken over {killed:?} after the last advert");

        self.directors[0].power_on()?;
        processes.push(start(0)?);
        self.wait_for_master(0)?;
        self.client_follows(0, expected)?;
        self.one_speaks(0)?;
        self.ping()?;

        processes.last().unwrap().stop(LIMIT)?;
        self.wait_for_master(1)?;
        self.client_follows(1, expected)?;
        let stopped = self.gap(0, 1)?;
        assert_eq!(self.adverts(0).last().unwrap().priority, 0, "the last advert resigns");
        assert!(stopped <= skew + expected.late, "taken over {stopped:?} after the release");
        self.one_speaks(1)?;
        println!(
            "{:?}: taken over {killed:?} after the last advert, {stopped:?} after the release",
            self.directors.each_ref().map(Host::name)
        );
        processes.iter().map(Process::log).collect()
    }
}

/// What a daemon's log has to say against somebody's packets, or against the kernel.
pub fn complaints(log: &str) -> Vec<&str> {
    // stayd's words, then keepalived's.
    const SIGNS: [&str; 9] = [
        "rejected",
        "cannot ",
        "lists other",
        "another interval",
        "received ",
        "nvalid",
        "hecksum",
        "mismatch",
        "rror",
    ];
    // What is told of every election.
    const USUAL: &str = "priority";
    log.lines().filter(|line| SIGNS.iter().any(|sign| line.contains(sign)) && !line.contains(USUAL)).collect()
}
