//! `GRPC_CHECK`, which is ours.

use serde::{Deserialize, Serialize};

use super::{Connection, TlsCheckSpec};

/// `GRPC_CHECK`: does a gRPC server say of itself, or of one of its services, that it serves (`grpc.health.v1`)?
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct GrpcProbe {
    /// Where to.
    pub connection: Connection,
    /// `grpc_service`: whose health; empty: that of the server as a whole.
    pub service: String,
    /// `grpc_authority`: the name that is asked for (`:authority`), which is sent as the name of the server in TLS too;
    /// none: address and port.
    pub authority: Option<String>,
    /// `tls` and the lines that begin so; none: HTTP/2 without TLS.
    pub tls: Option<TlsCheckSpec>,
}
