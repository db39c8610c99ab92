//! The kernel's IPVS over generic netlink.
//!
//! [`Client`] asks and changes; the rest is the codec: commands to bytes, bytes to answers. **What the client puts
//! into the table it reads back equal**, so that a plan on an unchanged table is empty. Malformed answers are
//! errors. Needs Linux 3.18 or later (2014), which says of which family a destination is.
//!
//! Changes are sent in batches and answered by one acknowledgement for up to 200 of them; destinations are listed service
//! by service, because the kernel has no other way.
//!
//! What the kernel does with settings (measured on 6.1, and held to by `examples/kernel_script.rs`):
//!
//! * Everything but the key can be edited in place: scheduler, its flags, persistence and its engine of a service;
//!   weight, forwarding method, tunnel and thresholds of a destination.
//! * It checks less than `ipvsadm`: one-packet scheduling of TCP and port 0 without persistence are stored.
//! * It refuses (`EINVAL`) an IPv4 destination in a namespace that has no address yet, not even on `lo`; multicast,
//!   broadcast and link-local destinations; and destinations of the other family while a sync daemon runs.
//! * A persistence timeout wraps where its number of clock ticks does, above 49 days at 1000 ticks a second.

mod answer;
mod attributes;
mod client;
mod command;
mod family;
mod outline;
mod settings;
mod uapi;

pub use client::Client;
pub use outline::Glance;
pub use settings::{Info, Timeouts};
