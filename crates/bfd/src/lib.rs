//! Bidirectional Forwarding Detection (RFC 5880, RFC 5881, RFC 5883): what a session is asked to do.
//!
//! **The crate is pure**: it knows no clock and no socket. The machine that runs a [`SessionSpec`] is still to come.

mod spec;

pub use spec::{Followers, SessionSpec};
