//! What VRRP instances can follow, and the groups that move together.

use super::instance::{NOTIFY, TRACK_BFD, TRACK_FILE_ENTRIES, TRACK_INTERFACE, TRACK_PROCESS, TRACK_SCRIPT};
use super::{Block, Body, Header, INT, Keyword, Missing, SWITCH, Takes, Value, later, one, wants};

pub static VRRP_SYNC_GROUP: Block = Block {
    name: "vrrp_sync_group",
    header: Header::Name(Missing::Reported),
    body: Body::Keywords(&[SYNC_GROUP], &[]),
};

static SYNC_GROUP_MEMBERS: Block = Block {
    name: "vrrp_sync_group/group",
    header: Header::NothingElse,
    body: Body::Words("names of VRRP instances"),
};

const SYNC_GROUP: &[Keyword] = &[
    later("group", Takes::Block(&SYNC_GROUP_MEMBERS), "The VRRP instances of the group.").since("0.6.4"),
    later("track_interface", Takes::Block(&TRACK_INTERFACE), "Interfaces that every member follows.").since("2.0.0"),
    later("track_script", Takes::Block(&TRACK_SCRIPT), "Scripts that every member follows.").since("2.0.0"),
    later("track_file", Takes::Block(&TRACK_FILE_ENTRIES), "Files that every member follows.").since("2.0.0"),
    later("track_process", Takes::Block(&TRACK_PROCESS), "Processes that every member follows.").since("2.0.11"),
    later("track_bfd", Takes::Block(&TRACK_BFD), "BFD sessions that every member follows.").since("2.0.0"),
    later("notify_master", NOTIFY, "A command to run when the group becomes master.").since("0.6.4"),
    later("notify_backup", NOTIFY, "A command to run when the group becomes backup.").since("0.6.4"),
    later("notify_fault", NOTIFY, "A command to run when the group enters FAULT.").since("0.6.4"),
    later("notify_stop", NOTIFY, "A command to run when the daemon stops.").since("2.0.0"),
    later(
        "notify",
        NOTIFY,
        "A command to run at every change of state. It gets `GROUP`, the name, the state and 0 as further arguments.",
    )
    .since("1.1.2"),
    later("smtp_alert", SWITCH, "Mails changes of state.").default("smtp_alert_vrrp").since("1.0.0"),
    later("global_tracking", Takes::Flag, "Has no effect since trackers can be given to the group itself.")
        .superseded("track_interface`, `track_script` and the like in the group")
        .since("1.2.3"),
    later(
        "sync_group_tracking_weight",
        Takes::Flag,
        "Lets members follow things with a weight; their priorities may then differ.",
    )
    .since("2.0.0"),
    later("notify_priority_changes", SWITCH, "Writes changes of the members' priorities to the notify pipe.")
        .default("vrrp_notify_priority_changes")
        .since("2.2.0"),
];

pub static VRRP_SCRIPT: Block =
    Block { name: "vrrp_script", header: Header::Name(Missing::Fatal), body: Body::Keywords(&[SCRIPT], &[]) };

/// Seconds to the millisecond of which 0 becomes 1, as keepalived since 2.3 takes them; 2.2.7 takes whole ones.
const PERIOD: Takes = one(Value::Time { least: 0, most: 4_294_000_000, unit: 1_000_000 });

const SCRIPT: &[Keyword] = &[
    later(
        "script",
        Takes::Script(Missing::Silent),
        "The command, in quotes if it has arguments. `</path` tests that a file can be opened.",
    )
    .since("1.1.13"),
    later("interval", PERIOD, "Seconds from one run to the next.").default("1").since("1.1.13"),
    later("timeout", PERIOD, "Seconds that a run may take before it counts as failed.").default("interval").since("1.2.6"),
    later(
        "weight",
        Takes::Words { syntax: "NUMBER [reverse]", least: 1, missing: Missing::Fatal },
        "How much the script changes the priority of the instances that follow it: 0 makes them enter FAULT when it \
         fails, a positive number is added while it succeeds, a negative one while it fails.",
    )
    .default("0")
    .since("1.1.13"),
    later("rise", one(Value::int(1, INT)), "Successes in a row until it counts as good.").default("1")
        .fallback("1").since("1.1.18"),
    later("fall", one(Value::int(1, INT)), "Failures in a row until it counts as bad.").default("1")
        .fallback("1").since("1.1.18"),
    later(
        "user",
        Takes::Words { syntax: "USER [GROUP]", least: 1, missing: Missing::Fatal },
        "User, and group, that it runs as.",
    )
    .default("script_user")
    .since("1.3.0"),
    later("init_fail", Takes::Flag, "Counts it as bad until it has succeeded.").since("1.3.2"),
];

pub static VRRP_TRACK_PROCESS: Block = Block {
    name: "vrrp_track_process",
    header: Header::Name(Missing::Fatal),
    body: Body::Keywords(&[PROCESS], &[]),
};

const WEIGHT_254: Takes = Takes::Words { syntax: "NUMBER [reverse]", least: 1, missing: Missing::Reported };
const DELAY: Takes = one(Value::time(1, 3_600_000_000));

const PROCESS: &[Keyword] = &[
    later(
        "process",
        Takes::Words { syntax: "NAME [PARAMETER ...]", least: 1, missing: Missing::Fatal },
        "Name of the program, with parameters if they have to be the same.",
    )
    .since("2.0.11"),
    later(
        "param_match",
        Takes::Maybe(Value::choice(&["initial", "partial"])),
        "How the parameters have to match: all, the first ones, or anywhere.",
    )
    .since("2.0.16"),
    later("weight", WEIGHT_254, "How much the process changes the priority of the instances that follow it.")
        .default("0")
        .since("2.0.11"),
    later("quorum", one(Value::int(1, 65535)), "How many such processes there have to be.")
        .default("1")
        .since("2.0.11"),
    later("quorum_max", one(Value::int(0, 65535)), "How many there may be at most; 0: none.").since("2.0.16"),
    later("delay", DELAY, "How long a change is waited for, both ways, in seconds.").since("2.0.11"),
    later("terminate_delay", DELAY, "How long an end is waited for, in seconds.").since("2.0.16"),
    later("fork_delay", DELAY, "How long a start is waited for, in seconds.").since("2.0.16"),
    later(
        "full_command",
        Takes::Flag,
        "Compares with the whole command line instead of the name of the process.",
    )
    .since("2.0.11"),
];

pub static TRACK_FILE: Block =
    Block { name: "track_file", header: Header::Name(Missing::Fatal), body: Body::Keywords(&[FILE], &[]) };

const FILE: &[Keyword] = &[
    later("file", wants(Value::Text), "Path of the file.").since("2.0.0"),
    later("weight", WEIGHT_254, "The number in the file times this is added to the priority.")
        .default("1")
        .since("2.0.0"),
    later(
        "init_file",
        Takes::Words { syntax: "[NUMBER] [overwrite]", least: 0, missing: Missing::Silent },
        "Creates the file at start, with this number in it.",
    )
    .since("2.0.0"),
];
