//! IP Virtual Server: the table as a value, the difference of two tables as a plan, and the kernel's generic-netlink
//! interface to read and change it.

pub mod table;

pub use table::*;
