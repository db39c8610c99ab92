//! What can go wrong between us and the kernel's IPVS.

/// Why IPVS gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel has no IPVS, nor a module that it could load by itself.
    #[error("the kernel has no IPVS (module ip_vs)")]
    Missing,
    /// The exchange failed.
    #[error(transparent)]
    Netlink(#[from] netlink::Error),
    /// The kernel did not send what it was asked for.
    #[error("the kernel sent no {0}")]
    Incomplete(&'static str),
}
