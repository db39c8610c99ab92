//! `keepalived.json`: an object for each instance; consumers decode it into records of their own.

use std::time::Duration;

use config::model::{Command, NotifyDeleted, ParameterMatch, ProcessTrackSpec};
use serde::{Serialize, Serializer};
use vrrp::{
    Authentication, Counters, InstanceSpec, InstanceStatus, StateName, TrackerId, TrackerKind, TrackerState,
};

use super::{VrrpView, quoted};

/// The text of the file; none if there is no instance, for then keepalived writes no file.
pub fn json(view: &VrrpView<'_>) -> Option<String> {
    let instances: Vec<_> = view.instances().map(|(spec, status)| instance(view, spec, status)).collect();
    if instances.is_empty() {
        return None;
    }
    let text = if view.model.globals.files.json_version == 2 {
        let track_process = view.model.track_processes.iter().map(|spec| process(view, spec)).collect();
        serde_json::to_string(&Version2 { vrrp: instances, track_process })
    } else {
        serde_json::to_string(&instances)
    };
    // keepalived escapes slashes, which stand in strings only.
    text.ok().map(|text| text.replace('/', "\\/") + "\n")
}

#[derive(Serialize)]
struct Version2 {
    vrrp: Vec<Instance>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track_process: Vec<Process>,
}

#[derive(Serialize)]
struct Instance {
    data: Data,
    stats: Stats,
}

/// A number without a point where it is whole: some decode it into an integer.
struct Number(f64);

impl Number {
    fn micros(micros: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
        Self(micros as f64 / 1e6)
    }

    const fn seconds(duration: Duration) -> Self {
        Self(duration.as_secs_f64())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
        if self.0.fract() == 0.0 && self.0.abs() < 9e15 {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// keepalived's names and order.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "keepalived's keys")]
struct Data {
    iname: String,
    dont_track_primary: u8,
    skip_check_adv_addr: u8,
    strict_mode: u8,
    vmac_ifname: String,
    ifp_ifname: String,
    master_priority: u8,
    last_transition: Number,
    garp_delay: Number,
    garp_refresh: u64,
    garp_rep: u32,
    garp_refresh_rep: u32,
    garp_lower_prio_delay: u64,
    garp_lower_prio_rep: u32,
    lower_prio_no_advert: u8,
    higher_prio_send_advert: u8,
    vrid: u8,
    base_priority: u8,
    effective_priority: u8,
    vipset: bool,
    promote_secondaries: bool,
    adver_int: Number,
    master_adver_int: Number,
    accept: u8,
    nopreempt: bool,
    preempt_delay: u64,
    state: u8,
    wantstate: u8,
    version: u8,
    smtp_alert: bool,
    notify_deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_backup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_master: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_stop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_deleted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_master_rx_lower_pri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vips: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evips: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vroutes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vrules: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track_ifp: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track_script: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track_process: Vec<String>,
    auth_type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_data: Option<&'static str>,
}

#[derive(Serialize)]
struct Stats {
    advert_rcvd: u64,
    advert_sent: u64,
    become_master: u64,
    release_master: u64,
    packet_len_err: u64,
    advert_interval_err: u64,
    ip_ttl_err: u64,
    invalid_type_rcvd: u64,
    addr_list_err: u64,
    invalid_authtype: u64,
    authtype_mismatch: u64,
    auth_failure: u64,
    #[serde(flatten)]
    extension: Option<ExtensionStats>,
    pri_zero_rcvd: u64,
    pri_zero_sent: u64,
}

/// Of an instance with `auth_hmac`.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "keepalived's keys")]
struct ExtensionStats {
    auth_ext_missing: u64,
    auth_ext_malformed: u64,
    auth_ext_unknown_key: u64,
    auth_ext_invalid_hmac: u64,
    auth_ext_stale: u64,
    auth_ext_replay: u64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "keepalived's keys")]
struct Process {
    process: String,
    parameters: String,
    param_match: &'static str,
    min_processes: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_processes: Option<u16>,
    current_processes: usize,
    have_quorum: bool,
    weight: i16,
    terminate_delay: Number,
    fork_delay: Number,
    fork_delay_timer_running: bool,
    terminate_delay_timer_running: bool,
    full_command: bool,
}

const fn number(state: StateName) -> u8 {
    match state {
        StateName::Init => 0,
        StateName::Backup => 1,
        StateName::Master => 2,
        StateName::Fault => 3,
        StateName::Stop => 98,
    }
}

fn instance(view: &VrrpView<'_>, spec: &InstanceSpec, status: &InstanceStatus) -> Instance {
    let [vips, evips, vroutes, vrules] = view.held(spec, status);
    let events = view.model.vrrp_events.get(&spec.name).cloned().unwrap_or_default();
    let script = |command: &Option<Command>| command.as_ref().map(quoted);
    let tracked = |kind| spec.tracks.iter().map(|track| &track.tracker).filter(move |id| id.kind == kind);
    let command_of = |id: &TrackerId| {
        let known = view.model.scripts.iter().find(|script| script.name == id.name);
        known.map(|script| quoted(&script.command))
    };
    let (auth_type, auth_data) = match spec.authentication {
        Authentication::None => (0, None),
        Authentication::Password(_) => (1, Some("********")),
        Authentication::Ah { .. } => (2, Some("********")),
    };
    let vmac = spec.vmac.as_ref().map(|vmac| vmac.name.clone()).unwrap_or_default();
    let data = Data {
        iname: spec.name.clone(),
        dont_track_primary: u8::from(!spec.track_primary),
        skip_check_adv_addr: u8::from(spec.skip_check_adv_addr),
        strict_mode: u8::from(spec.strict),
        vmac_ifname: vmac,
        ifp_ifname: VrrpView::interface(spec).to_owned(),
        master_priority: status.master.map(|(_, priority)| priority).unwrap_or_default(),
        last_transition: Number::micros(
            status.since.map(|since| view.calendar.micros(since)).unwrap_or_default(),
        ),
        garp_delay: Number::seconds(spec.announce.delay),
        garp_refresh: spec.announce.refresh.as_secs(),
        garp_rep: spec.announce.repeat,
        garp_refresh_rep: spec.announce.refresh_repeat,
        garp_lower_prio_delay: spec.announce.lower_priority_delay.as_secs(),
        garp_lower_prio_rep: spec.announce.lower_priority_repeat,
        lower_prio_no_advert: u8::from(spec.lower_prio_no_advert),
        higher_prio_send_advert: u8::from(spec.higher_prio_send_advert),
        vrid: spec.vrid.get(),
        base_priority: spec.priority.get(),
        effective_priority: status.priority.get(),
        vipset: status.state == StateName::Master && status.held.contains(&true),
        promote_secondaries: spec.promote_secondaries,
        adver_int: Number::seconds(spec.advert_interval.duration()),
        master_adver_int: Number::seconds(status.master_interval.duration()),
        accept: u8::from(spec.accept),
        nopreempt: spec.nopreempt,
        preempt_delay: spec.preempt_delay.as_secs(),
        state: number(status.state),
        wantstate: number(status.state),
        version: spec.version.get(),
        smtp_alert: events.smtp_alert,
        notify_deleted: events.deleted != NotifyDeleted::Fault,
        script_backup: script(&events.notify.backup),
        script_master: script(&events.notify.master),
        script_fault: script(&events.notify.fault),
        script_stop: script(&events.notify.stop),
        script_deleted: match &events.deleted {
            NotifyDeleted::Run(command) => Some(quoted(command)),
            NotifyDeleted::Fault | NotifyDeleted::Deleted => None,
        },
        script: script(&events.notify.any),
        script_master_rx_lower_pri: script(&events.rx_lower_priority),
        vips,
        evips,
        vroutes,
        vrules,
        track_ifp: spec.track_interfaces.iter().map(|track| track.interface.clone()).collect(),
        track_script: tracked(TrackerKind::Script).filter_map(command_of).collect(),
        // Version 1 is as 2.2.7 writes it.
        track_process: tracked(TrackerKind::Process)
            .filter(|_| view.model.globals.files.json_version == 2)
            .map(|id| id.name.clone())
            .collect(),
        auth_type,
        auth_data,
    };
    Instance { data, stats: stats(spec, &status.counters) }
}

fn stats(spec: &InstanceSpec, counters: &Counters) -> Stats {
    let extension = || ExtensionStats {
        auth_ext_missing: counters.auth_ext_missing,
        auth_ext_malformed: counters.auth_ext_malformed,
        auth_ext_unknown_key: counters.auth_ext_unknown_key,
        auth_ext_invalid_hmac: counters.auth_ext_invalid_hmac,
        auth_ext_stale: counters.auth_ext_stale,
        auth_ext_replay: counters.auth_ext_replay,
    };
    Stats {
        advert_rcvd: counters.advert_received,
        advert_sent: counters.advert_sent,
        become_master: counters.became_master,
        release_master: counters.released_master,
        packet_len_err: counters.packet_length_errors,
        advert_interval_err: counters.advert_interval_errors,
        ip_ttl_err: counters.ttl_errors,
        invalid_type_rcvd: counters.invalid_type_received,
        addr_list_err: counters.address_list_errors,
        invalid_authtype: counters.invalid_auth_type,
        authtype_mismatch: counters.auth_type_mismatch,
        auth_failure: counters.auth_failure,
        extension: spec.auth_hmac.is_some().then(extension),
        pri_zero_rcvd: counters.priority_zero_received,
        pri_zero_sent: counters.priority_zero_sent,
    }
}

fn process(view: &VrrpView<'_>, spec: &ProcessTrackSpec) -> Process {
    let id = TrackerId::new(TrackerKind::Process, spec.name.as_str());
    let watched = view.facts.watched;
    Process {
        process: spec.program.clone(),
        parameters: spec.parameters.join(" "),
        param_match: match spec.parameters_match {
            ParameterMatch::Unset => "none",
            ParameterMatch::Exact => "exact",
            ParameterMatch::Initial => "initial",
            ParameterMatch::Partial => "partial",
        },
        min_processes: spec.quorum,
        max_processes: spec.quorum_max,
        current_processes: watched.counts.get(&spec.name).copied().unwrap_or_default(),
        have_quorum: watched.states.get(&id) == Some(&TrackerState::Up),
        weight: spec.weight,
        terminate_delay: Number::seconds(spec.terminate_delay),
        fork_delay: Number::seconds(spec.fork_delay),
        fork_delay_timer_running: false,
        terminate_delay_timer_running: false,
        full_command: spec.full_command,
    }
}
