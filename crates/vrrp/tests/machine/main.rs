//! The machine from outside: one router, what it hears and what it does, state by state.

#![expect(clippy::unwrap_used, clippy::unchecked_time_subtraction, reason = "a test fails by panicking")]

mod addresses;
mod announcements;
mod auth_hmac;
mod authentication_header;
mod backup;
mod fault;
mod holding;
mod link_delays;
mod master;
mod matrix;
mod order;
mod owner_groups;
mod owners;
mod receive;
mod reload;
mod resume;
mod scene;
mod stall;
mod start_and_stop;
mod startup_delay;
mod steady;
mod sync_group;
mod tracking;
mod unicast;
mod vmac;
