//! The topology of the RabbitMQ pair: two directors with one VIP, three brokers behind it, one client.
//!
//! ```text
//!                 192.168.0.10 (VIP)
//!      d1 .20 MASTER 100      d2 .21 BACKUP 90
//!             |                      |
//!   ----------+------ lan -----------+---------- 192.168.0.0/24
//!      |         |         |              |
//!   mq1 .2    mq2 .3    mq3 .4       client .100
//! ```
//!
//! **The hosts are those of the document that the project starts from**; their [configuration](crate::configuration) is
//! a user's of keepalived.

use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;

use crate::capture::Capture;
use crate::daemon::Daemon;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::lab::{Lab, Lan};
use crate::process::Process;
use crate::wait;

/// The virtual address.
pub const VIP: &str = "192.168.0.10";

/// The brokers' names and addresses.
pub const BROKERS: [(&str, &str); 3] =
    [("mq1", "192.168.0.2"), ("mq2", "192.168.0.3"), ("mq3", "192.168.0.4")];

/// AMQP and the management interface.
pub const PORTS: [u16; 2] = [5672, 15672];

/// The advertisement interval.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// Two directors on a LAN, and a capture of it.
#[derive(Debug)]
pub struct Pair {
    /// The LAN.
    pub lan: Lan,
    /// What goes over it.
    pub wire: Capture,
    /// The director with priority 100.
    pub master: Host,
    /// The director with priority 90.
    pub backup: Host,
}

/// A director's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `state MASTER`, priority 100.
    Master,
    /// `state BACKUP`, priority 90.
    Backup,
}

/// The other director has taken over, as the wire shows it.
#[derive(Clone, Copy, Debug)]
pub struct Takeover {
    /// From the last advert of the old master to the first announcement of the VIP by the new one.
    pub after_last_advert: Duration,
    /// When that announcement was.
    pub at: Instant,
}

impl Role {
    /// Its priority.
    pub const fn priority(self) -> u8 {
        match self {
            Self::Master => 100,
            Self::Backup => 90,
        }
    }

    /// How long it waits, as a backup, after it was told that the master resigns: (256 - priority) / 256 of an interval
    /// (RFC 3768 section 6.1; RFC 5798 section 6.1 for equal intervals).
    pub fn skew(self) -> Duration {
        INTERVAL * u32::from(256 - u16::from(self.priority())) / 256
    }

    /// How long it waits, as a backup, after the last advert of a silent master.
    pub fn master_down_interval(self) -> Duration {
        3 * INTERVAL + self.skew()
    }

    /// What its configuration calls it.
    pub const fn state(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
        }
    }
}

impl Pair {
    /// Makes the LAN and the directors.
    ///
    /// # Errors
    ///
    /// If the lab cannot make them.
    pub fn build(lab: &Lab) -> Result<Self> {
        let lan = lab.lan("lan")?;
        let (master, backup) = (lab.director("d1")?, lab.director("d2")?);
        master.connect(&lan, "eth0", &["192.168.0.20/24"])?;
        backup.connect(&lan, "eth0", &["192.168.0.21/24"])?;
        let wire = lan.capture()?;
        Ok(Self { lan, wire, master, backup })
    }

    /// Starts the backup and then the master, so that both have a peer from the first, and waits until the master has
    /// announced the VIP.
    ///
    /// # Errors
    ///
    /// If the master does not become master.
    pub fn start(&self, master: (Daemon, &str), backup: (Daemon, &str)) -> Result<(Process, Process)> {
        let from = crate::now();
        let second = self.backup.start_daemon(backup.0, backup.1)?;
        let first = self.master.start_daemon(master.0, master.1)?;
        wait::for_some("the master to announce the VIP", wait::seconds(15), || {
            Ok(self.wire.first_announcement_after(&self.master, vip(), from))
        })?;
        Ok((first, second))
    }

    /// Waits until `to` announces the VIP, at `moment` or later, and measures how long that was after the last advert of
    /// `from`.
    ///
    /// # Errors
    ///
    /// If it does not, or `from` never was master.
    pub fn takeover(&self, from: &Host, to: &Host, moment: Instant) -> Result<Takeover> {
        let what = format!("{} to announce the VIP", to.name());
        let at = wait::for_some(&what, wait::seconds(15), || {
            Ok(self.wire.first_announcement_after(to, vip(), moment).map(|seen| seen.at))
        })?;
        let last = self
            .wire
            .last_advert_before(from, at)
            .ok_or_else(|| Error::Unmet(format!("{} never sent an advert", from.name())))?;
        Ok(Takeover { after_last_advert: at.saturating_since(last.at), at })
    }

    /// Makes the three brokers' hosts, which accept what the directors send them, by the means that come with `daemon`.
    ///
    /// # Errors
    ///
    /// If the lab cannot make them.
    pub fn add_brokers(&self, lab: &Lab, daemon: Daemon) -> Result<Vec<(Host, &'static str)>> {
        BROKERS
            .into_iter()
            .map(|(name, address)| {
                let host = lab.host(name)?;
                host.connect(&self.lan, "eth0", &[&format!("{address}/24")])?;
                host.serve_vip(daemon, VIP)?;
                Ok((host, address))
            })
            .collect()
    }

    /// Makes the client's host.
    ///
    /// # Errors
    ///
    /// If the lab cannot make it.
    pub fn add_client(&self, lab: &Lab) -> Result<Host> {
        let host = lab.host("client")?;
        host.connect(&self.lan, "eth0", &["192.168.0.100/24"])?;
        Ok(host)
    }
}

/// [`VIP`] as an address.
pub fn vip() -> IpAddr {
    IpAddr::from([192, 168, 0, 10])
}
