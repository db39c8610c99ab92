//! What interfaces are asked by name: `struct ifreq` (netdevice(7)).

use std::ffi::{c_char, c_int, c_ulong};
use std::io;
use std::mem;
use std::os::fd::AsRawFd;

use socket2::{Domain, Socket, Type};

const SIOCGIFMTU: c_ulong = 0x8921;

/// `struct ifreq` with what one of the requests wants after the name.
#[repr(C)]
pub(crate) struct Request<T> {
    name: [c_char; libc::IFNAMSIZ],
    pub(crate) value: T,
    /// The kernel copies the whole of it, whatever `T` is.
    rest: [u64; 3],
}

impl<T> Request<T> {
    /// Names are cut off at the kernel's limit: no interface has such a name.
    pub(crate) fn new(name: &str, value: T) -> Self {
        let mut request = Self { name: [0; libc::IFNAMSIZ], value, rest: [0; 3] };
        for (place, byte) in request.name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.bytes()) {
            *place = byte.cast_signed() as c_char;
        }
        request
    }

    /// Asks the kernel. `T` has to be what `number` wants: a pointer in it, one to what the kernel expects there.
    pub(crate) fn ask(&mut self, socket: &Socket, number: c_ulong) -> io::Result<()> {
        const { assert!(mem::size_of::<Self>() >= mem::size_of::<libc::ifreq>()) };
        // SAFETY: the request is at least as large as the `struct ifreq` that the kernel reads and writes, begins with its
        // name, and goes on with what this number wants.
        let status = unsafe { libc::ioctl(socket.as_raw_fd(), number as _, &raw mut *self) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// The longest packet that an interface takes, in bytes.
///
/// # Errors
/// It is not there.
pub fn mtu(name: &str) -> io::Result<u32> {
    let mut request = Request::new(name, 0 as c_int);
    request.ask(&Socket::new(Domain::IPV4, Type::DGRAM, None)?, SIOCGIFMTU)?;
    Ok(request.value.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mtu_of_an_interface_is_what_the_kernel_shows_elsewhere() {
        let shown = std::fs::read_to_string("/sys/class/net/lo/mtu").unwrap();
        assert_eq!(mtu("lo").unwrap(), shown.trim().parse::<u32>().unwrap());
        assert_eq!(mtu("no-such-if0").unwrap_err().raw_os_error(), Some(libc::ENODEV));
    }
}
