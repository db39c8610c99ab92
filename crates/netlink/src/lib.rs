//! Conversations with the kernel over netlink, for every protocol that speaks it (rtnetlink, generic netlink).
//!
//! The kernel handles a request inside the `sendmsg` that carries it, and continues a dump inside the `recvmsg` that
//! empties it. **A reply is therefore there at once or never: nothing here waits, and nothing can hang.** That is why
//! the crate is synchronous, and why an answer that is missing is an error instead of a timeout.
//!
//! * [`Conversation`]: requests, batches of requests, dumps.
//! * [`Monitor`]: what the kernel multicasts.
//! * [`Transport`]: the socket under both; tests put a scripted one there.
//!
//! Messages are any type with `netlink_packet_core`'s traits. A reply that its type cannot decode ends the exchange
//! with [`Error::Malformed`]; who would rather skip such messages decodes into a type that has a variant for them.

mod conversation;
mod error;
mod frame;
mod monitor;
#[cfg(test)]
mod scripted;
mod transport;

pub use conversation::{BatchReport, Conversation, Outcome, Request};
pub use error::{Error, Refusal};
pub use monitor::{Heard, Monitor};
pub use transport::{KernelSocket, Transport};
