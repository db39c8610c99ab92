//! What VRRP instances can follow, and the groups that move together.

use super::instance::{NOTIFY, TRACK_BFD, TRACK_FILE_ENTRIES, TRACK_INTERFACE, TRACK_PROCESS, TRACK_SCRIPT};
use super::{Block, Body, Header, INT, Keyword, Missing, SWITCH, Takes, Value, kw, later, one, wants};

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
    kw(
        "group",
        Takes::Block(&SYNC_GROUP_MEMBERS),
        "Names of the VRRP instances of the group, as many on a line as one likes. An instance is in \
         one group only.",
    )
    .since("0.6.4"),
    kw(
        "track_interface",
        Takes::Block(&TRACK_INTERFACE),
        "Interfaces that every member of the group follows, one on a line.",
    )
    .since("2.0.0"),
    kw(
        "track_script",
        Takes::Block(&TRACK_SCRIPT),
        "Scripts that every member of the group follows, one on a line; their `vrrp_script` has to \
         stand before.",
    )
    .since("2.0.0"),
    kw(
        "track_file",
        Takes::Block(&TRACK_FILE_ENTRIES),
        "Files that every member of the group follows, one on a line; their `track_file` has to stand \
         before.",
    )
    .since("2.0.0"),
    kw(
        "track_process",
        Takes::Block(&TRACK_PROCESS),
        "Processes that every member of the group follows, one on a line; their `vrrp_track_process` \
         has to stand before.",
    )
    .since("2.0.11"),
    later(
        "track_bfd",
        Takes::Block(&TRACK_BFD),
        "BFD sessions that every member of the group follows, one on a line; their `bfd_instance` has \
         to stand before.",
    )
    .since("2.0.0"),
    kw("notify_master", NOTIFY, "A command to run when the whole group has become master.")
        .since("0.6.4")
        .once()
        .once(),
    kw("notify_backup", NOTIFY, "A command to run when the group becomes backup.").since("0.6.4").once(),
    kw("notify_fault", NOTIFY, "A command to run when the group enters FAULT.").since("0.6.4").once(),
    kw("notify_stop", NOTIFY, "A command to run when the daemon stops; it is not waited for.")
        .since("2.0.0")
        .once()
        .once(),
    kw(
        "notify",
        NOTIFY,
        "A command to run at every change of state of the group. It gets `GROUP`, the name, the state \
         and 0 as further arguments.",
    )
    .since("1.1.2")
    .once()
    .once(),
    kw("smtp_alert", SWITCH, "Whether changes of state of the group are mailed.")
        .default("smtp_alert_vrrp")
        .since("1.0.0"),
    kw(
        "global_tracking",
        Takes::Flag,
        "Lets members follow things with a weight, as `sync_group_tracking_weight`.",
    )
    .superseded("track_interface`, `track_script` and the like in the group")
    .since("1.2.3"),
    kw(
        "sync_group_tracking_weight",
        Takes::Flag,
        "Lets members follow things with a weight, which is refused otherwise, because their \
         priorities may then differ.",
    )
    .since("2.0.0"),
    kw(
        "notify_priority_changes",
        SWITCH,
        "Writes a line to the notify pipes when the effective priority of a member changes.",
    )
    .default("vrrp_notify_priority_changes")
    .since("2.2.0"),
];

pub static VRRP_SCRIPT: Block =
    Block { name: "vrrp_script", header: Header::Name(Missing::Fatal), body: Body::Keywords(&[SCRIPT], &[]) };

/// Seconds to the millisecond of which 0 becomes 1, as keepalived since 2.3 takes them; 2.2.7 takes whole ones.
const PERIOD: Takes = one(Value::Time { least: 0, most: 4_294_000_000, unit: 1_000_000 });

const SCRIPT: &[Keyword] = &[
    kw(
        "script",
        Takes::Script(Missing::Silent),
        "The command, in double quotes if it has arguments. `</path` tests that a file can be opened. \
         Status 0 is a success.",
    )
    .since("1.1.13"),
    kw(
        "interval",
        PERIOD,
        "Seconds from one run to the next. A run that still goes on is not doubled. 0 becomes 1, and \
         2.2.7 takes whole seconds only.",
    )
    .default("1")
    .since("1.1.13"),
    kw(
        "timeout",
        PERIOD,
        "Seconds that a run may take before it is ended and counts as failed. 0 becomes 1.",
    )
    .default("interval")
    .since("1.2.6"),
    kw(
        "weight",
        Takes::Words { syntax: "NUMBER [reverse]", least: 1, missing: Missing::Fatal },
        "How much the script changes the priority of the instances that follow it, from -253 to 253: \
         0 makes them enter FAULT when it fails, a positive number is added while it succeeds, a \
         negative one while it fails; `reverse` changes the sign of what is added.",
    )
    .default("0")
    .since("1.1.13"),
    kw(
        "rise",
        one(Value::int(1, INT)),
        "So many successes in a row make it count as good. The very first run counts at once.",
    )
    .default("1")
    .fallback("1")
    .since("1.1.18"),
    kw(
        "fall",
        one(Value::int(1, INT)),
        "So many failures in a row make it count as bad. The very first run counts at once.",
    )
    .default("1")
    .fallback("1")
    .since("1.1.18"),
    kw(
        "user",
        Takes::Words { syntax: "USER [GROUP]", least: 1, missing: Missing::Fatal },
        "User, and group, that the script runs as. If they do not exist, the script is not run.",
    )
    .default("script_user")
    .since("1.3.0"),
    kw(
        "init_fail",
        Takes::Flag,
        "Counts the script as bad until it has succeeded. Otherwise nothing follows from it until its \
         first run has ended.",
    )
    .since("1.3.2"),
];

pub static VRRP_TRACK_PROCESS: Block = Block {
    name: "vrrp_track_process",
    header: Header::Name(Missing::Fatal),
    body: Body::Keywords(&[PROCESS], &[]),
};

const WEIGHT_254: Takes = Takes::Words { syntax: "NUMBER [reverse]", least: 1, missing: Missing::Reported };
const DELAY: Takes = one(Value::time(1, 3_600_000_000));

const PROCESS: &[Keyword] = &[
    kw(
        "process",
        Takes::Words { syntax: "NAME [PARAMETER ...]", least: 1, missing: Missing::Fatal },
        "Name of the program, as `ps -o comm` shows it, or its path. With parameters the whole \
         command line is compared.",
    )
    .since("2.0.11")
    .once()
    .once(),
    kw(
        "param_match",
        Takes::Maybe(Value::choice(&["initial", "partial"])),
        "How the parameters of a process have to match: all, if no word is given; the first ones \
         (`initial`); or anywhere (`partial`).",
    )
    .since("2.0.16"),
    kw(
        "weight",
        WEIGHT_254,
        "How much the process changes the priority of the instances that follow it, from -254 to 254: \
         0 makes them enter FAULT when it is missing, a positive number is added while it runs, a \
         negative one while it does not.",
    )
    .default("0")
    .since("2.0.11")
    .once()
    .once(),
    kw("quorum", one(Value::int(1, 65535)), "How many such processes there have to be at least.")
        .default("1")
        .since("2.0.11"),
    kw(
        "quorum_max",
        one(Value::int(0, 65535)),
        "How many such processes there may be at most; 0: it must not run. No limit unless given.",
    )
    .since("2.0.16"),
    kw(
        "delay",
        DELAY,
        "How many seconds a change is waited for before it counts: `terminate_delay` and `fork_delay` \
         in one.",
    )
    .since("2.0.11"),
    kw(
        "terminate_delay",
        DELAY,
        "How many seconds after there are too few processes that counts, so that a restart does not.",
    )
    .since("2.0.16"),
    kw("fork_delay", DELAY, "How many seconds after there are enough processes that counts.").since("2.0.16"),
    kw("full_command", Takes::Flag, "Compares the whole command line of processes instead of their name.")
        .since("2.0.11"),
];

pub static TRACK_FILE: Block =
    Block { name: "track_file", header: Header::Name(Missing::Fatal), body: Body::Keywords(&[FILE], &[]) };

const FILE: &[Keyword] = &[
    kw(
        "file",
        wants(Value::Text),
        "Path of the file. Its folder is watched, so it cannot be on NFS, FUSE or /proc.",
    )
    .since("2.0.0")
    .once()
    .once(),
    kw(
        "weight",
        WEIGHT_254,
        "The number in the file times this, from -254 to 254, is added to the priority; -254 and \
         below is FAULT. With weight 0 any number but 0 is FAULT.",
    )
    .default("1")
    .since("2.0.0")
    .once()
    .once(),
    kw(
        "init_file",
        Takes::Words { syntax: "[NUMBER] [overwrite]", least: 0, missing: Missing::Silent },
        "Creates the file at start, with this number in it, 0 unless given; one that exists stays as \
         it is without `overwrite`.",
    )
    .since("2.0.0"),
];
