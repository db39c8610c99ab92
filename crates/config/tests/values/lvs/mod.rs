//! What is about virtual servers and their checks.

mod checks;
mod globals;
mod pages;
mod servers;

use super::row::{Row, row, secs};
pub use globals::SERVER;

pub fn rows() -> Vec<Row> {
    [servers::rows(), checks::rows(), pages::rows(), globals::rows()].into_iter().flatten().collect()
}
