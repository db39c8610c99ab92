//! Health checks: a pure scheduler that says when to ask and what the answers mean, the wanted IPVS table as a function
//! of configuration and health, and one small probe per kind of checker.

pub mod spec;

pub use spec::*;
