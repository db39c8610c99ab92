//! `global_defs`, but for what belongs to virtual servers alone ([`super::LvsGlobals`]).

use super::{Identity, MailSpec};
use serde::{Deserialize, Serialize};

/// `global_defs`, as far as it is not the default of something else.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Globals {
    /// `router_id`; none: the host's name.
    pub router_id: Option<String>,
    /// Mails about changes of state.
    pub mail: MailSpec,
    /// `script_user`; none: `keepalived_script` if there is such a user, else root.
    pub script_user: Option<Identity>,
    /// `enable_script_security`.
    pub script_security: bool,
    /// `dynamic_interfaces`: interfaces need not exist.
    pub dynamic_interfaces: bool,
}
