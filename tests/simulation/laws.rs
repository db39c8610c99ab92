//! What must hold at every step of every history.

use std::net::IpAddr;

use clock::Instant;
use vrrp::{Packet, StateName, Subject, Why};

use crate::host::{Deeds, Host, advert, vrid};

/// What the laws remember of one host.
#[derive(Clone, Default)]
struct Memory {
    /// For each virtual router: when an advert that restarts the down timer was last handled, and the wait that it asks
    /// for.
    restarted: [Option<(Instant, std::time::Duration)>; 2],
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
        let states = host.states();
        if deeds.announced_before_held {
            broken.push("announced an address that it does not hold".into());
        }
        if host.settings.grouped && states.contains(&StateName::Master) && states.contains(&StateName::Fault)
        {
            broken.push(format!("the members of one group are {states:?}"));
        }
        for (router, state) in states.iter().enumerate() {
            let master = *state == StateName::Master;
            if host.holds[router] != master {
                broken.push(format!("holds the address: {}, state {state}", host.holds[router]));
            }
            let name = Subject::Instance(format!("V{router}"));
            let transitions = || deeds.transitions.iter().filter(|transition| transition.subject == name);
            let handled = || deeds.handled.iter().filter(|packet| packet.payload[1] == vrid(router));
            if master
                && let Some(better) = handled().find(|packet| is_better(packet, host))
                && !transitions().any(|transition| transition.to != StateName::Master)
            {
                broken.push(format!("stays master although it heard {better:?}"));
            }
            for packet in handled() {
                self.remember(now, host, number, router, packet);
            }
            for transition in transitions() {
                if let (StateName::Master, Why::MasterSilent { .. }) = (transition.to, &transition.why)
                    && let Some((at, least)) = self.memories[number].restarted[router]
                    && now.saturating_since(at) < least
                {
                    let waited = now.saturating_since(at);
                    broken.push(format!("took over {waited:?} after an advert, allowed after {least:?}"));
                }
            }
            if !matches!(state, StateName::Backup | StateName::Master) {
                // RFC 9568 6.4.1: leaving Initialize, the own interval counts again; what was heard before is forgotten.
                self.memories[number].restarted[router] = None;
            }
        }
        if let (Some(first), None) = (broken.into_iter().next(), &self.broken) {
            self.broken = Some(format!("at {now:?} host {number}: {first}"));
        }
    }

    fn remember(&mut self, now: Instant, host: &Host, number: usize, router: usize, packet: &Packet) {
        let advert = advert(packet);
        // What the script says may change before the timer fires.
        let surely_lower = advert.priority < host.priority();
        let maybe_lower = host.settings.weight.is_some() || surely_lower;
        // During `preempt_delay` a lower master's advert may restart the timer or may not: nothing is known then.
        let unknown = maybe_lower && !host.settings.preempt_delay.is_zero();
        let restarted = &mut self.memories[number].restarted[router];
        if advert.priority == 0 || unknown {
            *restarted = None;
        } else if !surely_lower || host.settings.nopreempt {
            // A version 3 host counts with the interval of the advert, a version 2 host with its own, the same.
            *restarted = Some((now, host.settings.least_wait(router, advert.interval)));
        }
    }
}

fn is_better(packet: &Packet, host: &Host) -> bool {
    let theirs: (u8, IpAddr) = (advert(packet).priority, packet.source);
    theirs > (host.priority(), host.address())
}
