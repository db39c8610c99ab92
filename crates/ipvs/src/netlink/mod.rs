//! The kernel's IPVS over generic netlink.
//!
//! [`Client`] asks and changes; the rest is the codec: commands to bytes, bytes to answers. **What the client puts
//! into the table it reads back equal**, so that a plan on an unchanged table is empty. Malformed answers are
//! errors. Needs Linux 3.18 or later (2014), which says of which family a destination is.
//!
//! Changes are sent in batches and answered by one acknowledgement for up to 200 of them; destinations are listed service
//! by service, because the kernel has no other way.

mod answer;
mod attributes;
mod client;
mod command;
mod family;
mod settings;
mod uapi;

pub use client::Client;
pub use settings::{Info, Timeouts};
