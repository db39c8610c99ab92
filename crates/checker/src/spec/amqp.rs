//! `AMQP_CHECK`, which is ours.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::Connection;

/// `AMQP_CHECK`: does a broker of AMQP 0-9-1 begin its handshake and, with a login, open a virtual host?
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct AmqpProbe {
    /// Where to.
    pub connection: Connection,
    /// Any of `amqp_user`, `amqp_password` and `amqp_vhost`; none: the handshake ends with the first word of the broker.
    pub login: Option<AmqpLogin>,
}

/// Who opens which virtual host. Each is at most 255 bytes long.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AmqpLogin {
    /// `amqp_user` (default guest).
    pub user: String,
    /// `amqp_password` (default guest).
    pub password: String,
    /// `amqp_vhost` (default /).
    pub vhost: String,
}

impl Default for AmqpLogin {
    fn default() -> Self {
        Self { user: "guest".into(), password: "guest".into(), vhost: "/".into() }
    }
}

/// Without the password, which is no business of a log.
impl fmt::Debug for AmqpLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, vhost, password: _ } = self;
        f.debug_struct("AmqpLogin").field("user", user).field("vhost", vhost).finish_non_exhaustive()
    }
}
