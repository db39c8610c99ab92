//! Control messages (cmsg(3)) as bytes: what the kernel says of a packet, and is told of one.
//!
//! **No memory is asked for**, as it is done for each advert.

use vrrp::IfIndex;

const WORD: usize = size_of::<usize>();
/// Before the data: the length of both, the level, the type.
const HEADER: usize = WORD + 8;

/// The messages that the kernel has written: level, type and data of each.
#[inline]
pub(crate) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (i32, i32, &[u8])> {
    core::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::from_ne_bytes(*length);
        let (level, rest) = rest.split_first_chunk()?;
        let (kind, _) = rest.split_first_chunk()?;
        let data = bytes.get(HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(WORD)..).unwrap_or_default();
        Some((i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind), data))
    })
}

/// Tells by which interface an IPv4 packet leaves: `IP_PKTINFO` with the number and no addresses.
#[inline]
pub(crate) fn leave_by(interface: IfIndex) -> [u8; (HEADER + 12).next_multiple_of(WORD)] {
    let mut bytes = [0; (HEADER + 12).next_multiple_of(WORD)];
    bytes[..WORD].copy_from_slice(&(HEADER + 12).to_ne_bytes());
    bytes[WORD..WORD + 4].copy_from_slice(&libc::IPPROTO_IP.to_ne_bytes());
    bytes[WORD + 4..HEADER].copy_from_slice(&libc::IP_PKTINFO.to_ne_bytes());
    bytes[HEADER..HEADER + 4].copy_from_slice(&interface.get().to_ne_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use nix::cmsg_space;

    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_as_large_as_the_kernel_has_it() {
        let bytes = leave_by(IfIndex::new(7).unwrap());
        assert_eq!(bytes.len(), cmsg_space!(libc::in_pktinfo).capacity());
        let twice = [bytes, bytes].concat();
        let mut data = [0; 12];
        data[..4].copy_from_slice(&7_u32.to_ne_bytes());
        let message = (libc::IPPROTO_IP, libc::IP_PKTINFO, &data[..]);
        assert_eq!(messages(&twice).collect::<Vec<_>>(), [message, message]);
    }

    #[test]
    fn messages_end_where_the_bytes_make_no_sense() {
        let bytes = leave_by(IfIndex::new(7).unwrap());
        for length in [0, 3, HEADER, HEADER + 11] {
            assert_eq!(messages(&bytes[..length]).count(), 0);
        }
        for stated in [0, HEADER - 1, 4_000, usize::MAX] {
            let mut bytes = bytes;
            bytes[..WORD].copy_from_slice(&stated.to_ne_bytes());
            assert_eq!(messages(&bytes).count(), 0);
        }
    }
}
