//! The laws of plans and of reconciliation, on a kernel in memory that refuses what the real one refuses
//! (`examples/kernel_script.rs` holds that kernel against the real one, and the laws too).
#![expect(clippy::unwrap_used, reason = "it is how a test fails")]

mod any;
mod end;
mod faulty;
mod fill;
mod model;
mod plan;
mod reconcile;
