//! `vrrp_sync_group`: instances that change state together.
//!
//! **A group has members that exist, each in no other group**; one without any is left out.

use std::collections::{BTreeMap, BTreeSet};

use vrrp::{SyncGroupSpec, Track};

use super::Lowering;
use super::tracker::Kind;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{GroupEvents, NotifySpec};
use crate::resolve::Entry;
use crate::source::Span;

impl Lowering<'_> {
    /// All groups, when all instances are known.
    pub(super) fn sync_groups(&mut self, entries: &[Entry<'_>]) {
        let mut names: BTreeMap<&str, Span> = BTreeMap::new();
        let mut taken: BTreeMap<&str, Span> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.name() == "vrrp_sync_group") {
            if let Some(first) = names.get(entry.text()) {
                let message = format!("a second `vrrp_sync_group {}`", entry.text());
                let diagnostic = Diagnostic::warning(Code::Duplicate, entry.value_span(), message)
                    .label("the whole group is ignored")
                    .related(*first, "the first is here");
                self.report(diagnostic);
                continue;
            }
            names.insert(entry.text(), entry.value_span());
            self.sync_group(entry, &mut taken);
        }
    }

    fn sync_group<'t>(&mut self, entry: &Entry<'t>, taken: &mut BTreeMap<&'t str, Span>) {
        let (mut notify, mut tracks, mut interfaces) = (NotifySpec::default(), Vec::new(), Vec::new());
        let (mut members, mut weighted) = (Vec::new(), false);
        let (mut smtp_alert, mut priority_changes) = (None, None);
        for entry in entry.entries() {
            if let Some(kind) = Kind::of_block(entry.name()) {
                self.tracks(kind, entry, &mut tracks);
                continue;
            }
            match entry.name() {
                "group" => self.members(entry, taken, &mut members),
                "track_interface" => self.track_interfaces(entry, &mut interfaces),
                "notify_master" => self.set_notify(entry, |notify| &mut notify.master, &mut notify),
                "notify_backup" => self.set_notify(entry, |notify| &mut notify.backup, &mut notify),
                "notify_fault" => self.set_notify(entry, |notify| &mut notify.fault, &mut notify),
                "notify_stop" => self.set_notify(entry, |notify| &mut notify.stop, &mut notify),
                "notify" => self.set_notify(entry, |notify| &mut notify.any, &mut notify),
                "smtp_alert" => smtp_alert = Some(entry.switch()),
                "notify_priority_changes" => priority_changes = Some(entry.switch()),
                "sync_group_tracking_weight" | "global_tracking" => weighted = true,
                _ => {}
            }
        }
        let followed: Vec<_> =
            interfaces.iter().map(|(track, span)| (track.interface.as_str(), *span)).collect();
        self.compare_members(&members, &followed, weighted);
        self.count_members(entry, members.len());
        if !weighted {
            self.take_weights(&members);
        }
        for member in &members {
            if let (Some(changes), Some(events)) = (priority_changes, self.model.vrrp_events.get_mut(*member))
                && !self.own_priority_changes.contains(*member)
            {
                events.priority_changes = changes;
            }
        }
        // What cannot be run has been reported; the group keeps together what can.
        let usable = |member: &&str| self.model.vrrp.instances.iter().any(|spec| spec.name == **member);
        let members: Vec<_> = members.into_iter().filter(usable).map(str::to_owned).collect();
        if members.is_empty() {
            return;
        }
        let name = entry.text().to_owned();
        let smtp_alert = smtp_alert.or(self.defaults.alert_vrrp).unwrap_or(false);
        self.model.group_events.insert(name.clone(), GroupEvents { notify, smtp_alert });
        self.model.vrrp.sync_groups.push(SyncGroupSpec {
            name,
            members,
            track_interfaces: interfaces.into_iter().map(|(track, _)| track).collect(),
            tracks,
            tracking_weight: weighted,
        });
    }

    /// Where the group does not allow weights, members follow interfaces without them, and what else has one not at all.
    /// As in keepalived, processes keep theirs.
    fn take_weights(&mut self, members: &[&str]) {
        for spec in self.model.vrrp.instances.iter_mut().filter(|it| members.contains(&it.name.as_str())) {
            spec.track_interfaces.iter_mut().for_each(|track| track.weight = 0);
            spec.tracks.retain(|track| !is_lost(track));
        }
    }

    fn members<'t>(
        &mut self,
        entry: &Entry<'t>,
        taken: &mut BTreeMap<&'t str, Span>,
        members: &mut Vec<&'t str>,
    ) {
        for word in entry.names() {
            if !self.instances.iter().any(|seen| seen.name == word.text) {
                self.undefined("vrrp_instance", word, "ignored");
            } else if let Some(first) = taken.get(word.text.as_str()) {
                let message = format!("`{}` is in a group already", word.text);
                let diagnostic = Diagnostic::warning(Code::Duplicate, word.span, message)
                    .label("ignored")
                    .related(*first, "here");
                self.report(diagnostic);
            } else {
                taken.insert(&word.text, word.span);
                members.push(&word.text);
            }
        }
    }

    /// A group and its members may not follow the same interface, nor, by default, anything with a weight.
    fn compare_members(&mut self, members: &[&str], followed: &[(&str, Span)], weighted: bool) {
        let mut reports = Vec::new();
        for spec in self.model.vrrp.instances.iter().filter(|spec| members.contains(&spec.name.as_str())) {
            let own = spec.track_interfaces.iter().map(|track| track.interface.as_str());
            let own: BTreeSet<_> = own.chain([spec.interface.as_str()]).collect();
            for (interface, span) in followed.iter().filter(|(interface, _)| own.contains(interface)) {
                let message = format!("`{}` follows `{interface}` too", spec.name);
                let diagnostic = Diagnostic::warning(Code::Duplicate, *span, message)
                    .label("the group's line has no effect for it")
                    .hint("let only the group, or only the instance, follow it");
                reports.push(diagnostic);
            }
            let interfaces = spec.track_interfaces.iter().any(|track| track.weight != 0);
            let others = spec.tracks.iter().any(is_lost);
            let place = self.instances.iter().find(|seen| seen.name == spec.name);
            if (interfaces || others)
                && !weighted
                && let Some(seen) = place
            {
                let message =
                    format!("`{}` is in a sync group and follows something with a weight", spec.name);
                let diagnostic = Diagnostic::warning(Code::Conflict, seen.span, message)
                    .label("interfaces count without their weight, and scripts, files and sessions with one are not followed")
                    .hint("leave the weights out, or write `sync_group_tracking_weight` in the group");
                reports.push(diagnostic);
            }
        }
        for diagnostic in reports {
            self.report(diagnostic);
        }
    }

    fn count_members(&mut self, entry: &Entry<'_>, count: usize) {
        let (message, label) = match count {
            0 => ("a sync group without members", "ignored"),
            1 => ("a sync group with one member", "it has nothing to keep together"),
            _ => return,
        };
        let diagnostic = Diagnostic::warning(Code::MissingSetting, entry.span(), message)
            .label(label)
            .hint("list the instances in its block `group`");
        self.report(diagnostic);
    }
}

/// Whether a member of a group without `sync_group_tracking_weight` does not follow this.
fn is_lost(track: &Track) -> bool {
    track.weight != 0 && track.tracker.kind != vrrp::TrackerKind::Process
}
