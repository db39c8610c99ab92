//! Where stayd reads a configuration otherwise than keepalived, on purpose.
//!
//! **Exit statuses are keepalived's even here**: what differs is the meaning, or how much is said. "2.2.7" is Debian's
//! release, against which statuses are measured; where newer releases differ from it, stayd follows them in what is
//! accepted.
//!
//! # Taken as meant, where keepalived does something nobody can want
//!
//! - A misspelling that is common and beyond doubt is taken as the keyword that is meant, with a warning:
//!   `protocal` as `protocol` (keepalived makes the service UDP), `nb_get_retry` in any check as `retry`, and the other
//!   slips of the [keyword table](crate::keyword).
//! - The block of an unknown keyword is ignored whole. keepalived reads what is in it as if it stood around it, so that a
//!   `priority` in an unknown block of an instance becomes the instance's, and takes its `}` for that of the block around.
//! - Where braces do not pair, the file is read as if the missing one stood, or the surplus one did not stand, at the
//!   place that is reported. keepalived lets the contents of the next block run into the unclosed one. Only a block
//!   outside all others that lacks its `{` is lost, as with keepalived.
//! - A name in braces that is not defined, `${NAME}`, stays one word. keepalived falls over its braces.
//! - A byte order mark is skipped. keepalived takes it for part of the first word.
//! - `skip_check_adv_addr false` turns the check on. keepalived turns it off whatever the word.
//! - `inet` and `inet6` in routes and rules do not swallow the next word.
//! - `vrrp_garp_interval 0` and `vrrp_gna_interval 0`, as in keepalived's own sample, mean no spacing.
//! - A quorum is never lowered to 0, which no real server could miss.
//! - An address followed by `/` and nothing has the longest prefix. keepalived takes the length 0.
//! - An address that an instance lists twice is held once (newer releases of keepalived report it as well).
//! - The firewall mark 0, which packets without mark have, is refused.
//!
//! # Said, where keepalived is silent
//!
//! Without an effect on any status: notify scripts, checks and virtual_server_groups that do not exist, names that are not
//! defined, words beyond what a keyword takes, words beside the quotes of a command, a plain `include` of a missing file,
//! a netmask such as `24` (which is 0.0.0.24), a check that connects to port 0.
//!
//! # Accepted, where 2.2.7 is older
//!
//! - Keywords of all releases up to 2.4.3 and its head are known.
//! - `interval` and `timeout` of a vrrp_script take fractions of a second.
//! - `vrrp_strict` and `vrrp_skip_check_adv_addr` are switches.
//! - `\#` and `\!` are the characters themselves.
//!
//! # Bounded
//!
//! Files include each other at most 32 deep; definitions and sequences make at most a million lines; a
//! virtual_server_group has at most 65 536 addresses. Beyond that the daemon does not start (or ignores the group), with a
//! message.
//!
//! # At a reload
//!
//! A configuration with which keepalived would die ([`Loaded::start`](crate::Loaded::start)) is refused, and the old one
//! stays. keepalived ends, with its addresses left behind.
