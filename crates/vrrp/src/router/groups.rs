//! What sync groups make of their members.

use clock::Instant;

use super::Router;
use crate::action::{Action, InstanceId};
use crate::event::{Transition, Why};
use crate::group::{Group, Member, Order};
use crate::instance::Instance;

impl Router {
    pub(super) fn members(&self, group: &Group) -> Vec<Member> {
        let running = group.members.iter().filter_map(|id| self.instances.get(id));
        running
            .map(|instance| Member {
                id: instance.id,
                name: instance.spec.name.clone(),
                state: instance.state_name(),
                faulty: instance.is_faulty(),
                pending: instance.is_pending(),
                willing: instance.is_willing(),
                ready: instance.is_ready(),
                claim: instance.claim(),
                bond: instance.bond().clone(),
            })
            .collect()
    }

    /// Lets the sync group of an instance that may have changed follow it.
    pub(super) fn settle(&mut self, now: Instant, changed: InstanceId) {
        if self.groups.is_empty() {
            return;
        }
        let Some(index) = self.groups.iter().position(|group| group.members.contains(&changed)) else {
            return;
        };
        if self.instances.get_mut(&changed).is_some_and(Instance::take_contended) {
            for id in self.groups[index].members.clone() {
                if id != changed {
                    self.act(now, id, Instance::announce_again);
                }
            }
        }
        if let Some(transition) = self.settle_group(now, index, changed) {
            self.actions.push_back(Action::Notify(transition));
        }
    }

    pub(super) fn settle_group(
        &mut self,
        now: Instant,
        index: usize,
        first: InstanceId,
    ) -> Option<Transition> {
        let why = Why::SyncGroup {
            group: self.groups.get(index)?.spec.name.clone(),
            member: self.instances.get(&first).map(|instance| instance.spec.name.clone()).unwrap_or_default(),
        };
        loop {
            let members = self.members(self.groups.get(index)?);
            let group = self.groups.get_mut(index)?;
            let orders = group.orders(first, &members);
            if orders.is_empty() {
                return group.transition(&members, why);
            }
            for (id, order) in orders {
                self.act(now, id, |instance, cx| match order {
                    Order::Bind(bond) => instance.bind(cx, bond),
                    Order::StepDown(why) => instance.step_down(cx, why),
                    Order::Join => instance.join_master(cx),
                });
            }
        }
    }
}
