//! Whether an interface has a link, asked of its driver: for drivers that do not tell the kernel.

use std::ffi::{c_char, c_int, c_ulong};
use std::io;
use std::mem;
use std::os::fd::AsRawFd;

use socket2::{Domain, Socket, Type};

/// How it is asked, the oldest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Method {
    /// The basic mode status register of its first PHY (`SIOCGMIIREG`).
    Mii,
    /// `ETHTOOL_GLINK`.
    Ethtool,
    /// The flags of the interface alone (`SIOCGIFFLAGS`).
    Flags,
}

const SIOCGIFFLAGS: c_ulong = 0x8913;
const SIOCETHTOOL: c_ulong = 0x8946;
const SIOCGMIIPHY: c_ulong = 0x8947;
const SIOCGMIIREG: c_ulong = 0x8948;
const ETHTOOL_GLINK: u32 = 0x0a;
const BASIC_STATUS: u16 = 1;
const LINK_STATUS: u16 = 0x0004;

/// `struct ifreq` with what one of the requests wants after the name.
#[repr(C)]
struct Request<T> {
    name: [c_char; libc::IFNAMSIZ],
    value: T,
    /// The kernel copies the whole of it, whatever `T` is.
    rest: [u64; 3],
}

#[repr(C)]
#[derive(Default)]
struct Mii {
    phy: u16,
    register: u16,
    value_in: u16,
    value_out: u16,
}

#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// Asks about interfaces of this network namespace. **It may wait** for the kernel's lock of all interfaces.
#[derive(Debug)]
pub struct Linkbeat {
    socket: Socket,
}

impl Linkbeat {
    /// # Errors
    /// What the kernel says.
    pub fn open() -> io::Result<Self> {
        Ok(Self { socket: Socket::new(Domain::IPV4, Type::DGRAM, None)? })
    }

    /// The first method from this one on that works for an interface.
    pub fn method(&self, name: &str, from: Method) -> Method {
        let works = |method: &Method| *method >= from && self.ask(name, *method).is_ok();
        [Method::Mii, Method::Ethtool].into_iter().find(works).unwrap_or(Method::Flags)
    }

    /// Whether an interface is up and has a link.
    ///
    /// # Errors
    /// It is not there, or does not know the method.
    pub fn is_up(&self, name: &str, method: Method) -> io::Result<bool> {
        Ok(self.ask(name, method)? && self.ask(name, Method::Flags)?)
    }

    fn ask(&self, name: &str, method: Method) -> io::Result<bool> {
        match method {
            Method::Mii => {
                let mut request = request(name, Mii::default());
                self.control(SIOCGMIIPHY, &mut request)?;
                request.value.register = BASIC_STATUS;
                self.control(SIOCGMIIREG, &mut request)?;
                Ok(request.value.value_out & LINK_STATUS != 0)
            }
            Method::Ethtool => {
                let mut value = EthtoolValue { command: ETHTOOL_GLINK, data: 0 };
                self.control(SIOCETHTOOL, &mut request(name, &raw mut value))?;
                Ok(value.data != 0)
            }
            Method::Flags => {
                let mut request = request(name, 0_i16);
                self.control(SIOCGIFFLAGS, &mut request)?;
                let needed = libc::IFF_UP | libc::IFF_RUNNING;
                Ok(c_int::from(request.value) & needed == needed)
            }
        }
    }

    fn control<T>(&self, number: c_ulong, request: &mut Request<T>) -> io::Result<()> {
        const { assert!(mem::size_of::<Request<T>>() >= mem::size_of::<libc::ifreq>()) };
        // SAFETY: the request is at least as large as the `struct ifreq` that the kernel reads and writes, begins with its
        // name, and goes on with what this number wants; a pointer in it is to a live `EthtoolValue`.
        let status = unsafe { libc::ioctl(self.socket.as_raw_fd(), number as _, &raw mut *request) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Names are cut off at the kernel's limit: no interface has such a name.
fn request<T>(name: &str, value: T) -> Request<T> {
    let mut request = Request { name: [0; libc::IFNAMSIZ], value, rest: [0; 3] };
    for (place, byte) in request.name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.bytes()) {
        *place = byte.cast_signed() as c_char;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_asked_by_the_first_method_that_it_knows() {
        let linkbeat = Linkbeat::open().unwrap();
        let method = linkbeat.method("lo", Method::Mii);
        assert_eq!(method, Method::Ethtool, "it has no PHY");
        assert_eq!(linkbeat.is_up("lo", method).unwrap(), linkbeat.is_up("lo", Method::Flags).unwrap());
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        let linkbeat = Linkbeat::open().unwrap();
        for method in [Method::Mii, Method::Ethtool, Method::Flags] {
            let error = linkbeat.is_up("no-such-if0", method).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{method:?}");
        }
    }
}
