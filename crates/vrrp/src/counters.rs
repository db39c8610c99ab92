//! What an instance counts, under the names that keepalived's statistics use.

use serde::{Deserialize, Serialize};

/// Counters of one instance since it was configured; they survive a reload and a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field is named as the line of keepalived.stats that shows it")]
pub struct Counters {
    pub advert_received: u64,
    pub advert_sent: u64,
    pub became_master: u64,
    pub released_master: u64,
    pub packet_length_errors: u64,
    pub ttl_errors: u64,
    pub invalid_type_received: u64,
    pub advert_interval_errors: u64,
    pub address_list_errors: u64,
    pub invalid_auth_type: u64,
    pub auth_type_mismatch: u64,
    pub auth_failure: u64,
    pub auth_ext_missing: u64,
    pub auth_ext_malformed: u64,
    pub auth_ext_unknown_key: u64,
    pub auth_ext_invalid_hmac: u64,
    pub auth_ext_stale: u64,
    pub auth_ext_replay: u64,
    pub priority_zero_received: u64,
    pub priority_zero_sent: u64,
    /// Not in keepalived.stats: packets of another version.
    pub version_errors: u64,
    /// Not in keepalived.stats: wrong checksums.
    pub checksum_errors: u64,
    /// Not in keepalived.stats: our own adverts, come back or sent by a host with our address.
    pub own_address_received: u64,
    /// Not in keepalived.stats: a multicast instance got a unicast packet, or the reverse.
    pub wrong_destination: u64,
    /// Not in keepalived.stats: unicast adverts from others than the peers (`check_unicast_src`).
    pub unknown_peer: u64,
    /// Not in keepalived.stats: adverts that an owner ignored (`owner_ignore_adverts`).
    pub ignored_by_owner: u64,
    /// Not in keepalived.stats: adverts that the kernel did not send.
    pub send_errors: u64,
    /// Not in keepalived.stats: addresses put back after somebody else removed them.
    pub addresses_restored: u64,
}
