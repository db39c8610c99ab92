//! `global_defs`, as far as it is about virtual servers and their checks.

use serde::{Deserialize, Serialize};

/// What `global_defs` says of IPVS and of the checker process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LvsGlobals {}
