//! What the fuzzers of `fuzz/` run: each module takes arbitrary bytes and panics if something does not hold.
//!
//! It stands here, and not beside the fuzzers, so that the ordinary tests can run what they found: see `replay`.

mod choices;
pub mod config_text;
pub mod config_tree;
pub mod vrrp_packet;
pub mod vrrp_router;
