//! Whether an interface has a link, asked of its driver: for drivers that do not tell the kernel.

use std::ffi::{c_int, c_ulong};
use std::io;

use socket2::{Domain, Socket, Type};

use crate::ioctl::Request;

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
                let mut request = Request::new(name, Mii::default());
                request.ask(&self.socket, SIOCGMIIPHY)?;
                request.value.register = BASIC_STATUS;
                request.ask(&self.socket, SIOCGMIIREG)?;
                Ok(request.value.value_out & LINK_STATUS != 0)
            }
            Method::Ethtool => {
                let mut value = EthtoolValue { command: ETHTOOL_GLINK, data: 0 };
                Request::new(name, &raw mut value).ask(&self.socket, SIOCETHTOOL)?;
                Ok(value.data != 0)
            }
            Method::Flags => {
                let mut request = Request::new(name, 0_i16);
                request.ask(&self.socket, SIOCGIFFLAGS)?;
                let needed = libc::IFF_UP | libc::IFF_RUNNING;
                Ok(c_int::from(request.value) & needed == needed)
            }
        }
    }
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
