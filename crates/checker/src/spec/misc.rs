//! `MISC_CHECK`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `MISC_CHECK`: does a command succeed?
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct MiscProbe {
    /// `misc_path`: the program and its arguments; never empty.
    pub argv: Vec<String>,
    /// `user`; none: the default, `script_user`.
    pub user: Option<String>,
    /// Group of `user`; none: the user's own.
    pub group: Option<String>,
    /// `misc_timeout`: how long it may take (default: the virtual server's `delay_loop`). 0 is the default as well.
    pub timeout: Duration,
    /// `misc_timeout` stands in the file.
    pub timeout_written: bool,
    /// `misc_dynamic`: an exit status from 2 to 255 is success as well, and sets the weight to 2 less.
    pub dynamic: bool,
}
