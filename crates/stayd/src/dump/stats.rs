//! `keepalived.stats`: what each instance has counted.

use std::fmt::Write;

use vrrp::{Counters, InstanceSpec};

use super::VrrpView;

/// The text of the file. The group of `auth_hmac` is there for the instances that use it: keepalived 2.2.7 has neither.
pub fn stats(view: &VrrpView<'_>) -> String {
    let mut text = String::new();
    for (spec, status) in view.instances() {
        // Writing to a string does not fail.
        let _ = instance(&mut text, spec, &status.counters);
    }
    text
}

fn instance(text: &mut String, spec: &InstanceSpec, counters: &Counters) -> std::fmt::Result {
    writeln!(text, "VRRP Instance: {}", spec.name)?;
    writeln!(text, "  Advertisements:")?;
    writeln!(text, "    Received: {}", counters.advert_received)?;
    writeln!(text, "    Sent: {}", counters.advert_sent)?;
    writeln!(text, "  Became master: {}", counters.became_master)?;
    writeln!(text, "  Released master: {}", counters.released_master)?;
    writeln!(text, "  Packet Errors:")?;
    writeln!(text, "    Length: {}", counters.packet_length_errors)?;
    writeln!(text, "    TTL: {}", counters.ttl_errors)?;
    writeln!(text, "    Invalid Type: {}", counters.invalid_type_received)?;
    writeln!(text, "    Advertisement Interval: {}", counters.advert_interval_errors)?;
    writeln!(text, "    Address List: {}", counters.address_list_errors)?;
    writeln!(text, "  Authentication Errors:")?;
    writeln!(text, "    Invalid Type: {}", counters.invalid_auth_type)?;
    writeln!(text, "    Type Mismatch: {}", counters.auth_type_mismatch)?;
    writeln!(text, "    Failure: {}", counters.auth_failure)?;
    if spec.auth_hmac.is_some() {
        writeln!(text, "  Authentication Extension Errors:")?;
        writeln!(text, "    Missing: {}", counters.auth_ext_missing)?;
        writeln!(text, "    Malformed: {}", counters.auth_ext_malformed)?;
        writeln!(text, "    Unknown Key: {}", counters.auth_ext_unknown_key)?;
        writeln!(text, "    Invalid HMAC: {}", counters.auth_ext_invalid_hmac)?;
        writeln!(text, "    Stale: {}", counters.auth_ext_stale)?;
        writeln!(text, "    Replay: {}", counters.auth_ext_replay)?;
    }
    writeln!(text, "  Priority Zero:")?;
    writeln!(text, "    Received: {}", counters.priority_zero_received)?;
    writeln!(text, "    Sent: {}", counters.priority_zero_sent)
}
