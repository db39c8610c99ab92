//! The addresses of this host, for `ha_suspend`.
//!
//! **Nobody looks until somebody asks for it**: without a virtual server that is suspended there is no socket. A kernel that
//! cannot be read is asked again every second; what was known stays in force meanwhile.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use net::Mirror;
use tokio::io::unix::AsyncFd;

use crate::ready;

const RETRY: Duration = Duration::from_secs(1);

/// What this host has.
pub(super) struct Addresses {
    wanted: bool,
    watched: Option<Watched>,
}

struct Watched {
    mirror: Mirror,
    /// Readable when something has changed.
    readable: AsyncFd<OwnedFd>,
}

impl Addresses {
    pub(super) const fn new() -> Self {
        Self { wanted: false, watched: None }
    }

    /// Looks from now on, or no longer; the addresses if it has begun to.
    pub(super) fn watch(&mut self, wanted: bool) -> Option<BTreeSet<IpAddr>> {
        let begins = wanted && !self.wanted;
        self.wanted = wanted;
        if !wanted {
            self.watched = None;
        }
        if begins { self.open().ok() } else { None }
    }

    /// The next time that they change, all of them.
    pub(super) async fn next(&mut self) -> BTreeSet<IpAddr> {
        loop {
            let Some(watched) = &mut self.watched else {
                if !self.wanted {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(RETRY).await;
                if let Ok(addresses) = self.open() {
                    return addresses;
                }
                continue;
            };
            let ready = watched.readable.readable().await.map(|mut ready| ready.clear_ready());
            match ready.and_then(|()| watched.mirror.read().map_err(io::Error::other)) {
                Ok(changes) if changes.is_empty() => {}
                Ok(_) => return watched.addresses(),
                Err(_) => self.watched = None,
            }
        }
    }

    fn open(&mut self) -> io::Result<BTreeSet<IpAddr>> {
        let mirror = Mirror::open().map_err(io::Error::other)?;
        let readable = ready::watch(mirror.as_fd().try_clone_to_owned()?)?;
        Ok(self.watched.insert(Watched { mirror, readable }).addresses())
    }
}

impl Watched {
    fn addresses(&self) -> BTreeSet<IpAddr> {
        self.mirror.views().iter().flat_map(|link| &link.addresses).map(|it| it.address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_addresses_are_there_once_somebody_wants_them() {
        let mut addresses = Addresses::new();
        assert_eq!(addresses.watch(false), None);
        let found = addresses.watch(true).unwrap();
        assert!(found.contains(&IpAddr::from([127, 0, 0, 1])), "{found:?}");
        assert_eq!(addresses.watch(true), None, "looks already");
        assert_eq!(addresses.watch(false), None);
        assert!(addresses.watched.is_none());
    }
}
