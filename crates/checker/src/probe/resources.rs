//! What all probes of a configuration share.

use crate::spec::TlsSpec;

/// What is made once for all probes of a configuration.
#[derive(Debug, Default)]
pub struct Resources {}

impl Resources {
    /// `tls`: the block `SSL` of the configuration.
    pub fn new(_tls: Option<&TlsSpec>) -> Self {
        Self {}
    }
}
