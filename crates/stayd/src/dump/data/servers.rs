//! Virtual and real servers.

use checker::{Scheduler, VirtualServerSpec};
use config::model::Model;

use super::Page;

pub(super) fn page(page: &mut Page, _model: &Model, servers: &[VirtualServerSpec], _scheduler: &Scheduler) {
    if servers.is_empty() {
        return;
    }
    page.section("LVS Topology");
}
