//! stayd beside the other routers that speak VRRP, in both roles: Debian's keepalived, and FRR's `vrrpd`.
//!
//! **Every story is told with stayd in either place**, both casts side by side on LANs of their own. What each asks: one
//! master and a silent backup, a takeover when the master dies, the addresses back when it returns, a handover when it stops,
//! the client following all of it, and no complaint in anybody's log.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod flavours;
mod frr;
mod notify;
mod rollout;
mod stage;
mod sync_groups;
