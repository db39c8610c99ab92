//! The pcap file format, with nanoseconds, for Ethernet.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::{FRAME_MAX, Frame};

/// Marks the byte order and the nanoseconds.
const MAGIC: u32 = 0xa1b2_3c4d;
const VERSION: [u16; 2] = [2, 4];
const ETHERNET: u32 = 1;

/// Writes `frames` as a new file.
pub fn write(path: &Path, frames: &[Frame]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let snap = length(FRAME_MAX)?;
    file.write_all(&MAGIC.to_ne_bytes())?;
    file.write_all(&VERSION[0].to_ne_bytes())?;
    file.write_all(&VERSION[1].to_ne_bytes())?;
    for word in [0, 0, snap, ETHERNET] {
        file.write_all(&u32::to_ne_bytes(word))?;
    }
    for frame in frames {
        let seconds = u32::try_from(frame.wall.as_secs()).map_err(io::Error::other)?;
        let size = length(frame.bytes.len())?;
        for word in [seconds, frame.wall.subsec_nanos(), size, size] {
            file.write_all(&word.to_ne_bytes())?;
        }
        file.write_all(&frame.bytes)?;
    }
    file.flush()
}

fn length(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(io::Error::other)
}
