//! Commands of the file, and who runs them.

use serde::{Deserialize, Serialize};

/// Who runs a script.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// User.
    pub user: String,
    /// Group; none: the user's own.
    pub group: Option<String>,
}

/// A command, and who runs it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Command {
    /// The program and its arguments; never empty.
    pub argv: Vec<String>,
    /// Who runs it; none: the default, `script_user`.
    pub identity: Option<Identity>,
}
