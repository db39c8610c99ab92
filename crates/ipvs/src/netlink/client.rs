//! The conversation with the kernel's IPVS.

use std::collections::{BTreeMap, BTreeSet};

use netlink::{BatchReport, Conversation, KernelSocket, Request, Transport};
use netlink_packet_generic::GenlMessage;
use netlink_sys::protocols::NETLINK_GENERIC;

use super::answer::{Answer, DestEntry, ServiceEntry};
use super::command::Command;
use super::family;
use super::outline::{Glance, Outline};
use super::settings::{Info, Timeouts};
use crate::error::Error;
use crate::op::Op;
use crate::reconcile::Kernel;
use crate::statistics::{DestStatistics, ServiceStatistics, Statistics};
use crate::sync_daemon::{SyncDaemon, SyncOp};
use crate::table::{DestKey, DestSpec, Service, ServiceKey, ServiceSpec, Table};

/// The IPVS of the network namespace in which it was opened. All requests need `CAP_NET_ADMIN` there.
#[derive(Debug)]
pub struct Client<T = KernelSocket> {
    conversation: Conversation<T>,
    family: u16,
    outline: Option<Outline>,
}

/// Up to this many services are asked for one by one.
const FEW: usize = 64;

impl Client {
    /// Opens the conversation.
    ///
    /// The kernel tries to load the module `ip_vs` by itself when it is asked for the family (the module has the alias
    /// `net-pf-16-proto-16-family-IPVS`); where it may not, loading the module is up to the caller.
    ///
    /// # Errors
    /// [`Error::Missing`] if the kernel has no IPVS; [`Error::Netlink`].
    pub fn open() -> Result<Self, Error> {
        let client = Self::over(Conversation::open(NETLINK_GENERIC)?)?;
        Ok(Self { outline: Outline::open(), ..client })
    }
}

impl<T: Transport> Client<T> {
    /// A client over this conversation with generic netlink.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn over(mut conversation: Conversation<T>) -> Result<Self, Error> {
        let family = family::look_up(&mut conversation)?;
        Ok(Self { conversation, family, outline: None })
    }

    /// What the table looks like, for a small part of what reading it costs; none where there is no way to tell.
    pub fn glance(&mut self) -> Option<Glance> {
        self.outline.as_mut()?.glance().ok()
    }

    /// The whole table with its counters.
    ///
    /// # Errors
    /// [`Error::Netlink`].
    pub fn statistics(&mut self) -> Result<Statistics, Error> {
        let mut services = BTreeMap::new();
        self.walk(|service, dests| {
            let dests = dests.into_iter().map(|dest| (dest.key, dest.statistics)).collect();
            services.insert(service.key, ServiceStatistics { counters: service.counters, dests });
        })?;
        Ok(Statistics { services })
    }

    /// The settings of one service, if it exists.
    ///
    /// # Errors
    /// [`Error::Netlink`]; [`Error::Incomplete`].
    pub fn service(&mut self, service: &ServiceKey) -> Result<Option<ServiceSpec>, Error> {
        let found = self.ask(Command::get_service(service), "service", |answer| match answer {
            Answer::Service(service) => service,
            _ => None,
        });
        match found {
            Ok(service) => Ok(Some(service.spec)),
            Err(Error::Netlink(netlink::Error::Refused(refusal))) if refusal.errno == libc::ESRCH => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The destinations of one service, with what the kernel counts of them; none if there is no such service.
    ///
    /// # Errors
    /// [`Error::Netlink`].
    pub fn dests(
        &mut self,
        service: &ServiceKey,
    ) -> Result<BTreeMap<DestKey, (DestSpec, DestStatistics)>, Error> {
        let answers = match self.list(Command::dests(service)) {
            Err(Error::Netlink(netlink::Error::Refused(refusal))) if refusal.errno == libc::ESRCH => {
                Vec::new()
            }
            answers => answers?,
        };
        let dests = answers.into_iter().filter_map(|answer| match answer.payload {
            Answer::Dest(dest) => Some((dest.key, (dest.spec, dest.statistics))),
            _ => None,
        });
        Ok(dests.collect())
    }

    /// Version and table size.
    ///
    /// # Errors
    /// [`Error::Netlink`]; [`Error::Incomplete`].
    pub fn info(&mut self) -> Result<Info, Error> {
        self.ask(Command::info(), "version", |answer| match answer {
            Answer::Info(info) => Some(info),
            _ => None,
        })
    }

    /// The connection timeouts.
    ///
    /// # Errors
    /// [`Error::Netlink`]; [`Error::Incomplete`].
    pub fn timeouts(&mut self) -> Result<Timeouts, Error> {
        self.ask(Command::get_timeouts(), "timeouts", |answer| match answer {
            Answer::Timeouts(timeouts) => Some(timeouts),
            _ => None,
        })
    }

    /// Sets the connection timeouts that are not 0.
    ///
    /// # Errors
    /// [`Error::Netlink`].
    pub fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), Error> {
        self.request(Command::set_timeouts(timeouts)).map(drop)
    }

    /// Zeroes the counters of a service and its destinations, or of all.
    ///
    /// # Errors
    /// [`Error::Netlink`].
    pub fn zero(&mut self, service: Option<&ServiceKey>) -> Result<(), Error> {
        self.request(Command::zero(service)).map(drop)
    }

    /// Removes all services, whoever made them (`lvs_flush`).
    ///
    /// # Errors
    /// [`Error::Netlink`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.request(Command::flush()).map(drop)
    }

    /// The sync daemons that run.
    ///
    /// # Errors
    /// [`Error::Netlink`].
    pub fn sync_daemons(&mut self) -> Result<Vec<SyncDaemon>, Error> {
        let answers = self.list(Command::sync_daemons())?.into_iter();
        let daemons = answers.filter_map(|answer| match answer.payload {
            Answer::Daemon(daemon) => daemon,
            _ => None,
        });
        Ok(daemons.collect())
    }

    /// Starts or stops a sync daemon.
    ///
    /// # Errors
    /// [`Error::Netlink`].
    pub fn sync(&mut self, op: &SyncOp) -> Result<(), Error> {
        self.request(Command::sync(op)).map(drop)
    }

    /// Visits all services with their destinations.
    ///
    /// The kernel lists the destinations of one service at a time, so that what others change meanwhile may be
    /// half seen: a service that went shows without destinations, and a destination that moved may be missing. A plan
    /// that rests on such an error fails when carried out, and is made anew.
    fn walk(&mut self, mut visit: impl FnMut(ServiceEntry, Vec<DestEntry>)) -> Result<(), Error> {
        for answer in self.list(Command::services())? {
            let Answer::Service(Some(service)) = answer.payload else { continue };
            let dests = self.list(Command::dests(&service.key))?.into_iter();
            let dests = dests.filter_map(|answer| match answer.payload {
                Answer::Dest(dest) => Some(dest),
                _ => None,
            });
            visit(service, dests.collect());
        }
        Ok(())
    }

    /// Asks for what `pick` finds among the answers.
    fn ask<V>(
        &mut self,
        command: Command,
        name: &'static str,
        pick: impl Fn(Answer) -> Option<V>,
    ) -> Result<V, Error> {
        let answers = self.request(command)?.into_iter();
        answers.map(|answer| answer.payload).find_map(pick).ok_or(Error::Incomplete(name))
    }

    fn request(&mut self, command: Command) -> Result<Vec<GenlMessage<Answer>>, Error> {
        Ok(self.conversation.request(&envelope(self.family, command))?)
    }

    fn list(&mut self, command: Command) -> Result<Vec<GenlMessage<Answer>>, Error> {
        Ok(self.conversation.dump(&envelope(self.family, command))?)
    }
}

impl<T: Transport> Kernel for Client<T> {
    fn dump(&mut self) -> Result<Table, Error> {
        let mut services = BTreeMap::new();
        self.walk(|service, dests| {
            let dests = dests.into_iter().map(|dest| (dest.key, dest.spec)).collect();
            services.insert(service.key, Service { spec: service.spec, dests });
        })?;
        Ok(Table { services })
    }

    fn members(
        &mut self,
        services: &BTreeSet<ServiceKey>,
    ) -> Result<BTreeMap<ServiceKey, Vec<DestKey>>, Error> {
        let mut members = match &mut self.outline {
            Some(outline) if services.len() > FEW => outline.read().ok().flatten().unwrap_or_default(),
            _ => BTreeMap::new(),
        };
        members.retain(|key, _| services.contains(key));
        for key in services {
            if !members.contains_key(key) {
                members.insert(*key, self.dests(key)?.into_keys().collect());
            }
        }
        Ok(members)
    }

    fn apply(&mut self, ops: &[Op]) -> BatchReport {
        self.conversation.batch(ops.iter().map(|op| envelope(self.family, Command::change(op))))
    }
}

fn envelope(family: u16, command: Command) -> Request<GenlMessage<Command>> {
    let mut message = GenlMessage::from_payload(command);
    message.set_resolved_family_id(family);
    Request { flags: 0, message }
}
