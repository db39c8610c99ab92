//! Whom scripts run as.

use std::io;

use config::model::Identity;
use nix::unistd::{Gid, Group, Uid, User as Account, setfsgid, setfsuid};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Runs scripts if it exists and nothing else is configured.
const DEFAULT: &str = "keepalived_script";

/// Numbers that a process is started with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "Numbers", into = "Numbers")]
pub struct User {
    pub(super) uid: Uid,
    pub(super) gid: Gid,
    /// All groups that it is in.
    pub(super) groups: Vec<Gid>,
}

/// A user on the way to another process.
#[derive(Serialize, Deserialize)]
struct Numbers {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

impl From<Numbers> for User {
    fn from(numbers: Numbers) -> Self {
        let groups = numbers.groups.into_iter().map(Gid::from_raw).collect();
        Self { uid: Uid::from_raw(numbers.uid), gid: Gid::from_raw(numbers.gid), groups }
    }
}

impl From<User> for Numbers {
    fn from(user: User) -> Self {
        let groups = user.groups.into_iter().map(Gid::as_raw).collect();
        Self { uid: user.uid.as_raw(), gid: user.gid.as_raw(), groups }
    }
}

/// An identity that this host does not know.
#[derive(Debug, Error)]
pub enum Unknown {
    /// No such user.
    #[error("there is no user {0}")]
    User(String),
    /// No such group.
    #[error("there is no group {0}")]
    Group(String),
    /// The name service failed.
    #[error("cannot look {0} up: {1}")]
    Unavailable(String, io::Error),
}

impl User {
    /// The user of this process.
    pub fn ours() -> Self {
        let gid = Gid::effective();
        Self { uid: Uid::effective(), gid, groups: vec![gid] }
    }

    /// The numbers of user and group.
    pub const fn numbers(&self) -> (u32, u32) {
        (self.uid.as_raw(), self.gid.as_raw())
    }

    /// The user and group of an identity; without a group the user's own.
    ///
    /// # Errors
    /// One of them does not exist, or nobody can tell.
    pub fn of(identity: &Identity) -> Result<Self, Unknown> {
        let name = &identity.user;
        let account = Account::from_name(name)
            .map_err(|error| Unknown::Unavailable(name.clone(), error.into()))?
            .ok_or_else(|| Unknown::User(name.clone()))?;
        let gid = match &identity.group {
            None => account.gid,
            Some(name) => {
                Group::from_name(name)
                    .map_err(|error| Unknown::Unavailable(name.clone(), error.into()))?
                    .ok_or_else(|| Unknown::Group(name.clone()))?
                    .gid
            }
        };
        Ok(Self { uid: account.uid, gid, groups: vec![gid] })
    }

    /// Who runs scripts that name nobody: `script_user`, else keepalived_script if there is such a user, else we.
    ///
    /// # Errors
    /// As [`of`](Self::of), for `script_user`.
    pub fn default_for(script_user: Option<&Identity>) -> Result<Self, Unknown> {
        match script_user {
            Some(identity) => Self::of(identity),
            None => Ok(Self::of(&Identity { user: DEFAULT.to_owned(), group: None })
                .unwrap_or_else(|_| Self::ours())),
        }
    }

    /// The same user in all groups that the host lists for a name, beside the present one (`set_supplementary_groups`).
    #[must_use]
    pub fn with_all_groups(mut self) -> Self {
        let account = Account::from_uid(self.uid).ok().flatten();
        let name = account.and_then(|account| std::ffi::CString::new(account.name).ok());
        if let Some(groups) = name.and_then(|name| nix::unistd::getgrouplist(&name, self.gid).ok()) {
            self.groups = groups;
        }
        self
    }

    /// Does something with files as this user: what it makes belongs to it, and it needs no capability over the files of
    /// others. Only this thread changes, and until it is done.
    ///
    /// # Errors
    /// What `act` returns; or this process may not act as that user.
    pub fn act<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.is_ours() {
            return act();
        }
        let _back = Ours::leave_for(self);
        // The calls tell no failure, only what was before them.
        if (setfsuid(self.uid), setfsgid(self.gid)) != (self.uid, self.gid) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        act()
    }

    pub(super) fn is_ours(&self) -> bool {
        (self.uid, self.gid) == (Uid::effective(), Gid::effective())
    }
}

/// Goes back to the user of this process when dropped.
struct Ours;

impl Ours {
    fn leave_for(user: &User) -> Self {
        setfsgid(user.gid);
        setfsuid(user.uid);
        Self
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        setfsuid(Uid::effective());
        setfsgid(Gid::effective());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(user: &str, group: Option<&str>) -> Identity {
        Identity { user: user.to_owned(), group: group.map(str::to_owned) }
    }

    #[test]
    fn a_user_has_its_own_group_unless_another_is_named() {
        let alone = User::of(&identity("daemon", None)).unwrap();
        let with_group = User::of(&identity("daemon", Some("root"))).unwrap();
        assert_eq!((alone.uid, alone.gid), (Uid::from_raw(1), Gid::from_raw(1)));
        assert_eq!((with_group.uid, with_group.gid), (Uid::from_raw(1), Gid::from_raw(0)));
    }

    #[test]
    fn who_is_not_there_is_named() {
        let error = User::of(&identity("nosuchuser", None)).unwrap_err();
        assert_eq!(error.to_string(), "there is no user nosuchuser");
        let error = User::of(&identity("root", Some("nosuchgroup"))).unwrap_err();
        assert_eq!(error.to_string(), "there is no group nosuchgroup");
    }
}
