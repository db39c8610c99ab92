//! `AMQP_CHECK`, which is ours.

use checker::{AmqpLogin, AmqpProbe, CheckSpec, ProbeSpec};

use super::super::Lowering;
use super::super::real_server::CheckContext;
use crate::resolve::Entry;

impl Lowering<'_> {
    pub(super) fn amqp(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Option<CheckSpec> {
        let mut login: Option<AmqpLogin> = None;
        for entry in entry.entries() {
            let Some(word) = entry.choice() else { continue };
            match entry.name() {
                "amqp_user" => word.clone_into(&mut login.get_or_insert_default().user),
                "amqp_password" => word.clone_into(&mut login.get_or_insert_default().password),
                "amqp_vhost" => word.clone_into(&mut login.get_or_insert_default().vhost),
                _ => {}
            }
        }
        self.connecting(entry, context, super::MOST, |connection| {
            ProbeSpec::Amqp(AmqpProbe { connection, login }.into())
        })
    }
}
