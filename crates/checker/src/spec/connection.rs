//! Where and how a probe connects.

use std::net::{IpAddr, SocketAddr};

use clock::Span;
use serde::{Deserialize, Serialize};

/// Where and how a probe connects: the options that keepalived's connecting checkers share.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Connection {
    /// `connect_ip` and `connect_port`; default: the real server's.
    pub target: SocketAddr,
    /// From where; none: from anywhere.
    pub from: Option<Box<Source>>,
    /// `connect_timeout`, default 5 s.
    pub timeout: Span,
}

/// From where a probe connects.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Source {
    /// `bindto`.
    pub address: Option<IpAddr>,
    /// `bind_port`; 0: any.
    pub port: u16,
    /// `bind_if`: outgoing interface.
    pub interface: Option<String>,
    /// `fwmark` of the probe's packets; 0: none.
    pub fwmark: u32,
}

impl Connection {
    /// To this target, from anywhere.
    pub const fn new(target: SocketAddr, timeout: Span) -> Self {
        Self { target, from: None, timeout }
    }

    /// The same from there.
    #[must_use]
    pub fn from(self, source: Source) -> Self {
        Self { from: Some(Box::new(source)).filter(|source| **source != ANYWHERE), ..self }
    }

    /// From where.
    pub fn source(&self) -> &Source {
        self.from.as_deref().unwrap_or(&ANYWHERE)
    }
}

const ANYWHERE: Source = Source { address: None, port: 0, interface: None, fwmark: 0 };
