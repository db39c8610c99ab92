//! The Virtual Router Redundancy Protocol as a machine without input or output: packets, election, tracking and the
//! announcement schedule, as functions of (state, input, time).

pub mod spec;
pub mod time;

pub use spec::*;
pub use time::Centiseconds;
