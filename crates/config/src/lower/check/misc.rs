//! `MISC_CHECK`.

use std::time::Duration;

use checker::{CheckSpec, MiscProbe, ProbeSpec};

use super::super::Lowering;
use super::super::command::Runner;
use super::super::real_server::CheckContext;
use super::Lines;
use crate::diagnostic::{Code, Diagnostic};
use crate::host::ScriptFacts;
use crate::model::Identity;
use crate::resolve::Entry;
use crate::source::Span;

impl Lowering<'_> {
    pub(super) fn misc(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Option<CheckSpec> {
        let (mut argv, mut path, mut timeout, mut dynamic, mut user) = (None, None, None, false, None);
        for entry in entry.entries() {
            match entry.name() {
                "misc_path" => {
                    argv = self.quoted_command(entry);
                    path = Some(entry.value_span());
                }
                "misc_timeout" => timeout = entry.time(),
                "misc_dynamic" => dynamic = true,
                "user" => user = Some(entry),
                _ => {}
            }
        }
        let (Some(argv), Some(path)) = (argv.filter(|argv| !argv.is_empty()), path) else {
            let diagnostic = Diagnostic::warning(
                Code::MissingSetting,
                entry.word.span,
                "`MISC_CHECK` without `misc_path`",
            )
            .label("the check is ignored, and the server counts as up")
            .hint("write `misc_path \"COMMAND ARGUMENTS\"` in it");
            self.report(diagnostic);
            return None;
        };
        let identity = match user {
            Some(user) => Some(self.user(user)?),
            None => self.default_identity(entry)?,
        };
        self.misc_can_run(argv.first()?, path, identity.as_ref())?;
        let lines = Lines::of(entry);
        let period = lines.timing.within(context.timing).delay_loop.unwrap_or(Duration::from_secs(60));
        let written = timeout.filter(|timeout: &Duration| !timeout.is_zero());
        let (timeout, timeout_written) = (written.unwrap_or(period), written.is_some());
        let (user, group) = identity.map_or((None, None), |identity| (Some(identity.user), identity.group));
        let probe =
            ProbeSpec::Misc(Box::new(MiscProbe { argv, user, group, timeout, timeout_written, dynamic }));
        Some(self.scheduled(&lines, context, super::MISC, probe))
    }

    fn misc_can_run(&mut self, program: &str, path: Span, identity: Option<&Identity>) -> Option<()> {
        match self.host.script(program) {
            ScriptFacts::NotFound => {
                let message = format!("there is no executable script `{program}`");
                let diagnostic = Diagnostic::quiet(Code::ScriptNotFound, path, message)
                    .label("the check is ignored, and the server counts as up; keepalived does not say so")
                    .hint("correct the path, or make the file executable");
                self.report(diagnostic);
                None
            }
            ScriptFacts::Found { exposed: Some(exposure) } if self.is_closed_to(identity) => {
                let message = format!("others than root can change `{program}`");
                let diagnostic = Diagnostic::quiet(Code::ScriptSecurity, path, message)
                    .label("not run as root, because of enable_script_security")
                    .hint(exposure.to_string());
                self.report(diagnostic);
                None
            }
            ScriptFacts::Found { .. } => {
                self.found(Runner::Checks, path);
                Some(())
            }
        }
    }
}
