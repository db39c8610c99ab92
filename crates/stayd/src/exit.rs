//! Exit statuses, as keepalived's.

use std::process::ExitCode;

/// How a process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// All is well.
    Normal,
    /// Something that the process cannot do without is not there, for example IPVS in the kernel. Also a command line
    /// that makes no sense.
    Fatal,
    /// A configuration that cannot be run.
    Config,
    /// A privilege is missing.
    MissingPermission,
    /// There is no configuration file.
    NoConfig,
    /// Another number; `-t` has some of its own.
    Other(u8),
}

impl Exit {
    /// The number that the parent of the process sees.
    pub const fn status(self) -> u8 {
        match self {
            Self::Normal => 0,
            Self::Fatal => 1,
            Self::Config => 2,
            Self::MissingPermission => 4,
            Self::NoConfig => 6,
            Self::Other(status) => status,
        }
    }

    /// The meaning of a number.
    pub const fn from_status(status: u8) -> Self {
        match status {
            0 => Self::Normal,
            1 => Self::Fatal,
            2 => Self::Config,
            4 => Self::MissingPermission,
            6 => Self::NoConfig,
            other => Self::Other(other),
        }
    }

    /// Whether a child that ends so would end so again, and with it the whole daemon (keepalived: 1, 2 and 4).
    pub const fn is_permanent(self) -> bool {
        matches!(self, Self::Fatal | Self::Config | Self::MissingPermission)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
