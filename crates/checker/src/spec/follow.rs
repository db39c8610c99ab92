//! `FILE_CHECK` and `BFD_CHECK`: what a real server follows, without asking it anything.

use serde::{Deserialize, Serialize};

/// Something whose changes are told to the checker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FollowSpec {
    /// `FILE_CHECK`: the number in the file times the weight is added to the server's weight. With the weight 0 any
    /// number but 0 takes the server down.
    File {
        /// Name of the `track_file`.
        file: String,
        /// `weight`, -2147483647 to 2147483647 (default: the `track_file`'s).
        weight: i32,
        /// `reverse`: the product is subtracted.
        reverse: bool,
    },
    /// `BFD_CHECK`: the server is down while the session is.
    Bfd {
        /// Name of the `bfd_instance`.
        session: String,
        /// `alpha`: down until the session is up for the first time (default: the real server's).
        alpha: bool,
        /// How many of the server's checks stand before it in the file.
        place: usize,
    },
}
