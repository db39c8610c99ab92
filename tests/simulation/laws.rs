//! What must hold at every step of every history.

use std::net::IpAddr;

use clock::Instant;
use vrrp::{Packet, StateName, Why};

use crate::host::{Deeds, Host, advert};

/// What the laws remember of one host.
#[derive(Clone, Default)]
struct Memory {
    /// When an advert that restarts the down timer was last handled, and the wait that it asks for.
    restarted: Option<(Instant, std::time::Duration)>,
}

pub struct Laws {
    memories: Vec<Memory>,
    pub broken: Option<String>,
}

impl Laws {
    pub fn new(hosts: usize) -> Self {
        Self { memories: vec![Memory::default(); hosts], broken: None }
    }

    pub fn died(&mut self, number: usize) {
        self.memories[number] = Memory::default();
    }

    /// `deeds`: what the host did in this step.
    pub fn check(&mut self, now: Instant, host: &Host, number: usize, deeds: &Deeds) {
        let mut broken = Vec::new();
        if host.holds != host.is_master() {
            broken.push(format!("holds the address: {}, state {}", host.holds, host.state()));
        }
        if deeds.announced_before_held {
            broken.push("announced an address that it does not hold".into());
        }
        if host.is_master()
            && let Some(better) = deeds.handled.iter().find(|packet| is_better(packet, host))
            && !deeds.transitions.iter().any(|transition| transition.to != StateName::Master)
        {
            broken.push(format!("stays master although it heard {better:?}"));
        }
        self.remember(now, host, number, &deeds.handled);
        for transition in &deeds.transitions {
            if let (StateName::Master, Why::MasterSilent { .. }) = (transition.to, &transition.why)
                && let Some((at, least)) = self.memories[number].restarted
                && now.saturating_since(at) < least
            {
                let waited = now.saturating_since(at);
                broken.push(format!("took over {waited:?} after an advert, allowed after {least:?}"));
            }
        }
        if !matches!(host.state(), StateName::Backup | StateName::Master) {
            // RFC 9568 6.4.1: leaving Initialize, the own interval counts again; what was heard before is forgotten.
            self.memories[number] = Memory::default();
        }
        if let (Some(first), None) = (broken.into_iter().next(), &self.broken) {
            self.broken = Some(format!("at {now:?} host {number}: {first}"));
        }
    }

    fn remember(&mut self, now: Instant, host: &Host, number: usize, heard: &[Packet]) {
        for packet in heard {
            let advert = advert(packet);
            let lower = advert.priority < host.settings.priority;
            // During `preempt_delay` a lower master's advert may restart the timer or may not: nothing is known then.
            let unknown = lower && !host.settings.preempt_delay.is_zero();
            if advert.priority == 0 || unknown {
                self.memories[number].restarted = None;
            } else if !lower || host.settings.nopreempt {
                // A version 3 host counts with the interval of the advert, a version 2 host with its own, the same.
                self.memories[number].restarted = Some((now, host.settings.down_interval(advert.interval)));
            }
        }
    }
}

fn is_better(packet: &Packet, host: &Host) -> bool {
    let theirs: (u8, IpAddr) = (advert(packet).priority, packet.source);
    theirs > (host.settings.priority, host.address())
}
