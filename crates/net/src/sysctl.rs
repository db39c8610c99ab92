//! Per-interface settings of the kernel under `/proc/sys/net`.

use std::fs;
use std::io;
use std::path::PathBuf;

fn path(family: &str, interface: &str, name: &str) -> PathBuf {
    ["/proc/sys/net", family, "conf", interface, name].iter().collect()
}

/// The value of `net.FAMILY.conf.INTERFACE.NAME`.
///
/// # Errors
/// The setting does not exist, or is no number.
pub fn read(family: &str, interface: &str, name: &str) -> io::Result<i32> {
    let text = fs::read_to_string(path(family, interface, name))?;
    text.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Whether a setting is there and not 0.
pub fn read_flag(family: &str, interface: &str, name: &str) -> bool {
    read(family, interface, name).is_ok_and(|value| value != 0)
}

/// Sets `net.FAMILY.conf.INTERFACE.NAME`.
///
/// # Errors
/// The setting does not exist, or may not be written.
pub fn write(family: &str, interface: &str, name: &str, value: i32) -> io::Result<()> {
    fs::write(path(family, interface, name), value.to_string())
}

/// The names that a family has settings for: the interfaces of this network namespace, `all` and `default`.
///
/// # Errors
/// The family is not there.
pub fn interfaces(family: &str) -> io::Result<Vec<String>> {
    let folder: PathBuf = ["/proc/sys/net", family, "conf"].iter().collect();
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
