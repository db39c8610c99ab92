//! What instances can follow: `vrrp_script`, `track_file`, `vrrp_track_process`; and the lines that name it.
//!
//! **What is followed has to be defined above what follows it**, as in keepalived.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use vrrp::{InterfaceTrack, Track, TrackerId, TrackerKind};

use super::Lowering;
use super::command::Runner;
use crate::diagnostic::{Code, Diagnostic};
use crate::host::ScriptFacts;
use crate::keyword::parse_integer;
use crate::lex::Word;
use crate::model::{Command, FileCreate, FileSpec, ParameterMatch, ProcessTrackSpec, ScriptSpec};
use crate::parse::Node;
use crate::resolve::Entry;
use crate::source::Span;
use crate::suggest;

/// A kind of thing that can be followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Script,
    File,
    Process,
    Bfd,
}

impl Kind {
    /// The keyword of the block that defines one.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Script => "vrrp_script",
            Self::File => "track_file",
            Self::Process => "vrrp_track_process",
            Self::Bfd => "bfd_instance",
        }
    }

    /// The kind that a block `track_*` lists.
    pub fn of_block(name: &str) -> Option<Self> {
        match name {
            "track_script" => Some(Self::Script),
            "track_file" => Some(Self::File),
            "track_process" => Some(Self::Process),
            "track_bfd" => Some(Self::Bfd),
            _ => None,
        }
    }

    /// What the machine calls it.
    const fn tracker(self) -> TrackerKind {
        match self {
            Self::Script => TrackerKind::Script,
            Self::File => TrackerKind::File,
            Self::Process => TrackerKind::Process,
            Self::Bfd => TrackerKind::Bfd,
        }
    }

    /// Greatest weight.
    pub const fn weight(self) -> i64 {
        match self {
            Self::Script | Self::Bfd => 253,
            Self::File | Self::Process => 254,
        }
    }
}

/// What has been defined so far.
#[derive(Default)]
pub struct Trackers {
    defined: BTreeSet<(Kind, String)>,
    /// Definitions that are unusable, and were reported.
    broken: BTreeSet<(Kind, String)>,
    /// Where the whole file defines what.
    anywhere: BTreeMap<(Kind, String), Span>,
    /// What the numbers in files are multiplied with, and whether that is reversed.
    file_weights: BTreeMap<String, (i64, bool)>,
    /// Programs of scripts, to be looked for when it is known that there is an instance.
    programs: Vec<(usize, Span)>,
}

impl Lowering<'_> {
    /// Looks through the whole file, so that what is defined too late can be said to be.
    pub(super) fn foresee_trackers(&mut self, entries: &[Entry<'_>]) {
        for kind in [Kind::Script, Kind::File, Kind::Process, Kind::Bfd] {
            for entry in entries.iter().filter(|entry| entry.name() == kind.keyword()) {
                let key = (kind, entry.text().to_owned());
                self.trackers.anywhere.entry(key).or_insert(entry.value_span());
            }
        }
    }

    pub(super) fn define_tracker(&mut self, kind: Kind, name: &str, usable: bool) {
        let set = if usable { &mut self.trackers.defined } else { &mut self.trackers.broken };
        set.insert((kind, name.to_owned()));
    }

    pub(super) fn script(&mut self, entry: &Entry<'_>) {
        let name = entry.text().to_owned();
        let (mut argv, mut identity, mut script) = (None, None, entry.value_span());
        let mut usable = true;
        let mut interval = Duration::from_secs(1);
        let mut timeout = None;
        let (mut weight, mut rise, mut fall, mut init_fail) = ((0, false), 1, 1, false);
        for entry in entry.entries() {
            match entry.name() {
                "script" => {
                    argv = self.quoted_command(entry);
                    script = entry.value_span();
                }
                "interval" => interval = self.period(entry).unwrap_or(interval),
                "timeout" => timeout = self.period(entry),
                "weight" => {
                    weight = self.weight(entry.args(), Kind::Script.weight(), &["reverse"]).unwrap_or(weight);
                }
                "rise" => rise = entry.integer().unwrap_or(1),
                "fall" => fall = entry.integer().unwrap_or(1),
                "init_fail" => init_fail = true,
                "user" => {
                    identity = self.user(entry);
                    usable &= identity.is_some();
                }
                _ => {}
            }
        }
        let Some(argv) = argv.filter(|argv| !argv.is_empty()) else {
            self.define_tracker(Kind::Script, &name, false);
            let message = format!("`vrrp_script {name}` has no `script`");
            let diagnostic = Diagnostic::warning(Code::MissingSetting, entry.span(), message)
                .label("ignored")
                .hint("write `script \"COMMAND ARGUMENTS\"` in the block");
            return self.report(diagnostic);
        };
        if usable && identity.is_none() {
            usable = self.default_identity(entry).is_some();
        }
        self.define_tracker(Kind::Script, &name, usable);
        if !usable || self.model.scripts.iter().any(|script| script.name == name) {
            return;
        }
        self.trackers.programs.push((self.model.scripts.len(), script));
        let weight_number = i16::try_from(weight.0).unwrap_or(0);
        self.model.scripts.push(ScriptSpec {
            name,
            command: Command { argv, identity },
            interval,
            timeout,
            weight: weight_number,
            reverse: weight.1,
            rise,
            fall,
            init_fail,
        });
    }

    /// A time of which 0 becomes 1 s.
    fn period(&mut self, entry: &Entry<'_>) -> Option<Duration> {
        let period = entry.time()?;
        if !period.is_zero() {
            return Some(period);
        }
        let message = format!("`{}` has to be more than 0", entry.name());
        self.report(Diagnostic::warning(Code::Adjusted, entry.value_span(), message).label("1 is used"));
        Some(Duration::from_secs(1))
    }

    /// keepalived looks for the programs of scripts only if there is an instance.
    pub(super) fn look_for_scripts(&mut self) {
        let programs = std::mem::take(&mut self.trackers.programs);
        if self.instances.is_empty() || self.interface_missing {
            self.scripts_found.vrrp = None;
            return;
        }
        let mut gone = BTreeSet::new();
        for (index, span) in programs {
            let Some(script) = self.model.scripts.get(index) else { continue };
            let Some(program) = script.command.argv.first().cloned() else { continue };
            // A test of whether a file can be opened is no script of its own.
            if script.command.argv.get(2).is_some_and(|argument| argument.starts_with('<')) {
                continue;
            }
            let identity = script.command.identity.clone();
            let problem = match self.host.script(&program) {
                ScriptFacts::NotFound => {
                    let message = format!("there is no executable script `{program}`");
                    let hint = "correct the path, or make the file executable".to_owned();
                    Some((Code::ScriptNotFound, message, hint))
                }
                ScriptFacts::Found { exposed: Some(exposure) } if self.is_closed_to(identity.as_ref()) => {
                    let message = format!("others than root can change `{program}`");
                    Some((Code::ScriptSecurity, message, exposure.to_string()))
                }
                ScriptFacts::Found { .. } => None,
            };
            if let Some((code, message, hint)) = problem {
                gone.insert(index);
                let diagnostic = Diagnostic::warning(code, span, message)
                    .label("the script is not run, and nothing follows it")
                    .hint(hint);
                self.report(diagnostic);
            } else {
                self.found(Runner::Vrrp, span);
            }
        }
        let mut index = 0;
        self.model.scripts.retain(|_| {
            index += 1;
            !gone.contains(&(index - 1))
        });
        let names: BTreeSet<_> = self.model.scripts.iter().map(|script| script.name.clone()).collect();
        let lives =
            |track: &Track| track.tracker.kind != TrackerKind::Script || names.contains(&track.tracker.name);
        for instance in &mut self.model.vrrp.instances {
            instance.tracks.retain(lives);
        }
    }

    pub(super) fn track_file(&mut self, entry: &Entry<'_>) {
        let name = entry.text();
        let (mut path, mut weight, mut create) = (None, None, None);
        for entry in entry.entries() {
            match entry.name() {
                "file" if path.is_some() => self.second(entry),
                "weight" if weight.is_some() => self.second(entry),
                "file" => path = entry.choice().map(str::to_owned),
                "weight" => weight = self.weight(entry.args(), Kind::File.weight(), &["reverse"]).or(weight),
                "init_file" => create = Some(self.init_file(entry)),
                _ => {}
            }
        }
        // Without a weight a check goes up and down with the file, and an instance adds the number in it.
        self.trackers.file_weights.entry(name.to_owned()).or_insert(weight.unwrap_or((0, false)));
        let (weight, reverse) = weight.unwrap_or((1, false));
        self.finish_tracker(Kind::File, entry, path.is_some(), "file");
        if let Some(path) = path
            && !self.model.track_files.iter().any(|file| file.name == name)
        {
            let weight = i16::try_from(weight).unwrap_or(0);
            self.model.track_files.push(FileSpec { name: name.to_owned(), path, weight, reverse, create });
        }
    }

    /// `[NUMBER] [overwrite]`.
    fn init_file(&mut self, entry: &Entry<'_>) -> FileCreate {
        let mut create = FileCreate::default();
        for word in entry.args() {
            match parse_integer(&word.text).map(i32::try_from) {
                _ if word.text == "overwrite" => create.overwrite = true,
                None => self.unknown_option(word, "init_file", &["overwrite"]),
                Some(Ok(value)) => create.value = value,
                Some(Err(_)) => {
                    let message = format!("`init_file` takes a number of 32 bits, not {}", word.text);
                    self.report(Diagnostic::warning(Code::OutOfRange, word.span, message).label("ignored"));
                }
            }
        }
        create
    }

    /// The weight of a `track_file`, and whether it is reversed.
    pub(super) fn file_weight(&self, name: &str) -> (i64, bool) {
        self.trackers.file_weights.get(name).copied().unwrap_or_default()
    }

    pub(super) fn track_process(&mut self, entry: &Entry<'_>) {
        let mut spec = ProcessTrackSpec {
            name: entry.text().to_owned(),
            program: String::new(),
            parameters: Vec::new(),
            parameters_match: ParameterMatch::Unset,
            full_command: false,
            weight: 0,
            reverse: false,
            quorum: 1,
            quorum_max: None,
            terminate_delay: Duration::ZERO,
            fork_delay: Duration::ZERO,
        };
        let (mut named, mut weighted) = (false, false);
        for entry in entry.entries() {
            match entry.name() {
                "process" if named => self.second(entry),
                "weight" if weighted => self.second(entry),
                "process" => {
                    named = true;
                    entry.text().clone_into(&mut spec.program);
                    spec.parameters = entry.args().iter().skip(1).map(|word| word.text.to_string()).collect();
                    spec.full_command |= !spec.parameters.is_empty();
                }
                name => {
                    weighted |= name == "weight";
                    self.process_line(&mut spec, entry);
                }
            }
        }
        self.finish_tracker(Kind::Process, entry, named, "process");
        if named && !self.model.track_processes.iter().any(|process| process.name == spec.name) {
            self.model.track_processes.push(spec);
        }
    }

    fn process_line(&mut self, spec: &mut ProcessTrackSpec, entry: &Entry<'_>) {
        let delay = || entry.time().unwrap_or_default();
        match entry.name() {
            "param_match" => {
                spec.full_command = true;
                spec.parameters_match = match entry.choice() {
                    Some("initial") => ParameterMatch::Initial,
                    Some(_) => ParameterMatch::Partial,
                    None => ParameterMatch::Exact,
                };
            }
            "quorum" => spec.quorum = entry.integer().unwrap_or(1),
            "quorum_max" => match entry.integer::<u16>() {
                Some(0) => (spec.quorum, spec.quorum_max) = (0, Some(0)),
                Some(most) if most < spec.quorum => {
                    let message = format!("`quorum_max` {most} is less than `quorum` {}", spec.quorum);
                    let diagnostic =
                        Diagnostic::warning(Code::Conflict, entry.value_span(), message).label("ignored");
                    self.report(diagnostic);
                }
                most => spec.quorum_max = most,
            },
            "weight" => {
                if let Some((weight, reverse)) =
                    self.weight(entry.args(), Kind::Process.weight(), &["reverse"])
                {
                    (spec.weight, spec.reverse) = (i16::try_from(weight).unwrap_or(0), reverse);
                }
            }
            "delay" => (spec.terminate_delay, spec.fork_delay) = (delay(), delay()),
            "terminate_delay" => spec.terminate_delay = delay(),
            "fork_delay" => spec.fork_delay = delay(),
            "full_command" => spec.full_command = true,
            _ => {}
        }
    }

    pub(super) fn finish_tracker(&mut self, kind: Kind, entry: &Entry<'_>, complete: bool, needs: &str) {
        let name = entry.text();
        self.define_tracker(kind, name, complete);
        if !complete {
            let message = format!("`{} {name}` has no `{needs}`", kind.keyword());
            let diagnostic =
                Diagnostic::warning(Code::MissingSetting, entry.span(), message).label("ignored");
            self.report(diagnostic.hint(format!("write `{needs}` in it: `stayd explain {needs}` shows how")));
        }
    }

    /// A line of `track_script` or its like: the name, and the weight if it has one. `None` if it names nothing.
    pub(super) fn track_line<'t>(
        &mut self,
        kind: Kind,
        name: Option<&'t Word>,
        node: Option<&Node<'_>>,
    ) -> Option<(&'t Word, Option<(i64, bool)>)> {
        let name = name?;
        let weight = node.and_then(|node| self.track_weight(node, kind.weight(), &["reverse", "noreverse"]));
        let key = (kind, name.text.to_string());
        if self.trackers.defined.contains(&key) {
            return Some((name, weight));
        }
        if !self.trackers.broken.contains(&key) {
            self.undefined_tracker(kind, name);
        }
        None
    }

    fn track_weight(&mut self, node: &Node<'_>, most: i64, options: &[&'static str]) -> Option<(i64, bool)> {
        let option = node.words.get(1)?;
        if option.text != "weight" {
            let message = format!("`{}` is no option here", option.text);
            let mut diagnostic =
                Diagnostic::warning(Code::UnknownOption, option.span, message).label("ignored");
            diagnostic = match option.text.strip_prefix("weight=") {
                Some(weight) => diagnostic.hint(format!("write `weight {weight}`")),
                None => diagnostic.hint("one name on a line; `weight NUMBER` may follow"),
            };
            self.report(diagnostic);
            return None;
        }
        let rest = node.words.get(2..).unwrap_or_default();
        if rest.is_empty() {
            self.missing_option_value(option);
        }
        self.weight(rest, most, options)
    }

    fn undefined_tracker(&mut self, kind: Kind, name: &Word) {
        let keyword = kind.keyword();
        let message = format!("there is no `{keyword} {}`", name.text);
        let mut diagnostic = Diagnostic::warning(Code::Undefined, name.span, message)
            .label("ignored: the instance does not follow it");
        let key = (kind, name.text.to_string());
        if let Some(later) = self.trackers.anywhere.get(&key) {
            diagnostic = diagnostic
                .related(*later, "defined here, too late")
                .hint(format!("move `{keyword} {}` above what follows it", name.text));
        } else {
            let names = self
                .trackers
                .defined
                .iter()
                .filter(|(other, _)| *other == kind)
                .map(|(_, name)| name.as_str());
            diagnostic = match suggest::nearest(&name.text, names) {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                None => diagnostic.hint(format!("define it above: `{keyword} {} {{ ... }}`", name.text)),
            };
        }
        self.report(diagnostic);
    }

    /// Something of which there is no definition.
    pub(super) fn undefined(&mut self, keyword: &str, name: &Word, label: &str) {
        let message = format!("there is no `{keyword} {}`", name.text);
        self.report(Diagnostic::warning(Code::Undefined, name.span, message).label(label));
    }

    /// A block `track_script`, `track_file`, `track_process` or `track_bfd`: what the instance follows.
    pub(super) fn tracks(&mut self, kind: Kind, entry: &Entry<'_>, tracks: &mut Vec<Track>) {
        for node in entry.lines() {
            let Some((name, weight)) = self.track_line(kind, node.words.first(), Some(node)) else {
                continue;
            };
            let tracker = TrackerId::new(kind.tracker(), name.text.as_str());
            if tracks.iter().any(|track| track.tracker == tracker) {
                self.duplicate_track(name, entry);
                continue;
            }
            if kind == Kind::Bfd && self.only_checks_follow(&name.text) {
                self.undefined_tracker(kind, name);
                continue;
            }
            let (default, default_reverse) = self.default_weight(kind, &name.text);
            let weight = weight.map_or(default, |(weight, _)| i16::try_from(weight).unwrap_or(0));
            // Without either word the weight of a line is reversed if that of the block is.
            let says = |option: &str| node.words.iter().skip(3).any(|word| word.text == option);
            let reverse = says("reverse") || (default_reverse && !says("noreverse"));
            tracks.push(Track { tracker, weight, reverse });
        }
    }

    /// Whether a session is for checks only.
    fn only_checks_follow(&self, name: &str) -> bool {
        self.model.bfd.iter().any(|session| session.name == name && !session.followers.vrrp)
    }

    /// The weight of what is followed, for lines that give none.
    fn default_weight(&self, kind: Kind, name: &str) -> (i16, bool) {
        let model = &self.model;
        let weight = match kind {
            Kind::Script => model.scripts.iter().find(|it| it.name == name).map(|it| (it.weight, it.reverse)),
            Kind::File => {
                model.track_files.iter().find(|it| it.name == name).map(|it| (it.weight, it.reverse))
            }
            Kind::Process => {
                model.track_processes.iter().find(|it| it.name == name).map(|it| (it.weight, it.reverse))
            }
            Kind::Bfd => model.bfd.iter().find(|it| it.name == name).map(|it| (it.weight, it.reverse)),
        };
        weight.unwrap_or_default()
    }

    fn duplicate_track(&mut self, name: &Word, entry: &Entry<'_>) {
        let message = format!("`{}` a second time", name.text);
        let diagnostic = Diagnostic::warning(Code::Duplicate, name.span, message).label("ignored");
        self.report(diagnostic.first(entry.first_line(name)));
    }

    /// A block `track_interface`, with the place of each line.
    pub(super) fn track_interfaces(&mut self, entry: &Entry<'_>, tracks: &mut Vec<(InterfaceTrack, Span)>) {
        for node in entry.lines() {
            let Some(name) = node.words.first() else { continue };
            let weight = self.track_weight(node, Kind::Script.weight(), &["reverse"]);
            if tracks.iter().any(|(track, _)| track.interface == name.text) {
                self.duplicate_track(name, entry);
                continue;
            }
            if !self.interface_exists(&name.text, name.span, " to follow") {
                continue;
            }
            let (weight, reverse) = weight.unwrap_or((0, false));
            let weight = i16::try_from(weight).unwrap_or(0);
            tracks.push((InterfaceTrack { interface: name.text.to_string(), weight, reverse }, name.span));
        }
    }
}
