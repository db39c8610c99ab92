//! What all probes of a configuration share.

use super::tls::Contexts;
use crate::spec::TlsSpec;

/// What is made once for all probes of a configuration.
#[derive(Debug, Default)]
pub struct Resources {
    tls: Contexts,
}

impl Resources {
    /// `tls`: the block `SSL` of the configuration. Its files are read when the first `SSL_GET` runs.
    pub fn new(tls: Option<&TlsSpec>) -> Self {
        Self { tls: Contexts::new(tls.cloned().unwrap_or_default()) }
    }

    pub(super) const fn tls(&self) -> &Contexts {
        &self.tls
    }
}
