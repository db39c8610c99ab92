//! What all probes of a configuration share.

use super::tls::Contexts;
use crate::spec::TlsSpec;

/// Makes the library of TLS ready to be called. It is called before the first check that speaks TLS.
pub type Library = fn() -> Result<(), NoLibrary>;

/// The library of TLS cannot be loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoLibrary;

/// What is made once for all probes of a configuration.
#[derive(Debug)]
pub struct Resources {
    tls: Contexts,
}

impl Resources {
    /// `tls`: the block `SSL` of the configuration. Its files are read when the first `SSL_GET` runs.
    pub fn new(tls: Option<&TlsSpec>, library: Library) -> Self {
        Self { tls: Contexts::new(tls.cloned().unwrap_or_default(), library) }
    }

    /// For a program that is linked with the library of TLS.
    pub fn linked(tls: Option<&TlsSpec>) -> Self {
        Self::new(tls, || Ok(()))
    }

    pub(super) const fn tls(&self) -> &Contexts {
        &self.tls
    }
}
