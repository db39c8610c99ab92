//! The machine from outside: one router, what it hears and what it does, state by state.

#![expect(clippy::unwrap_used, clippy::unchecked_time_subtraction, reason = "a test fails by panicking")]

mod addresses;
mod announcements;
mod auth_hmac;
mod authentication_header;
mod backup;
mod fault;
mod holding;
mod master;
mod receive;
mod reload;
mod resume;
mod scene;
mod start_and_stop;
