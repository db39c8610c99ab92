//! `FILE_CHECK` and `BFD_CHECK`: checks that follow something defined above them.

use checker::{FollowSpec, RealServerSpec};

use super::super::Lowering;
use super::super::real_server::CheckContext;
use super::super::tracker::Kind;
use crate::diagnostic::{Code, Diagnostic};
use crate::resolve::Entry;

impl Lowering<'_> {
    pub(super) fn follow_file(&mut self, entry: &Entry<'_>) -> Option<FollowSpec> {
        let (mut file, mut weight) = (None, None);
        for entry in entry.entries() {
            match entry.name() {
                "track_file" => file = self.track_line(Kind::File, entry.args().first(), None),
                "weight" => {
                    let read = self.weight(entry.args(), crate::keyword::INT, &["reverse", "noreverse"]);
                    weight = read.or(weight);
                }
                _ => {}
            }
        }
        let Some((file, _)) = file else { return self.follows_nothing(entry, "track_file") };
        let (weight, reverse) = weight.unwrap_or_else(|| self.file_weight(&file.text));
        let weight = i32::try_from(weight).unwrap_or(0);
        Some(FollowSpec::File { file: file.text.to_string(), weight, reverse })
    }

    pub(super) fn follow_session(
        &mut self,
        entry: &Entry<'_>,
        context: &CheckContext<'_>,
        server: &mut RealServerSpec,
    ) {
        let (follows, place) = (&mut server.follows, server.checks.len());
        let (mut session, mut alpha) = (None, context.alpha);
        for entry in entry.entries() {
            match entry.name() {
                "name" => session = self.track_line(Kind::Bfd, entry.args().first(), None),
                "alpha" => alpha = entry.switch(),
                _ => {}
            }
        }
        let Some((session, _)) = session else {
            follows.extend(self.follows_nothing(entry, "name"));
            return;
        };
        let known = |follow: &FollowSpec| matches!(follow, FollowSpec::Bfd { session: known, .. } if *known == session.text);
        if follows.iter().any(known) {
            let message = format!("the server follows `{}` already", session.text);
            let diagnostic = Diagnostic::warning(Code::Duplicate, session.span, message);
            return self.report(diagnostic.label("the second check is ignored"));
        }
        follows.push(FollowSpec::Bfd { session: session.text.to_string(), alpha, place });
    }

    fn follows_nothing(&mut self, entry: &Entry<'_>, needs: &str) -> Option<FollowSpec> {
        let message = format!("`{}` without a usable `{needs}`", entry.name());
        let diagnostic = Diagnostic::warning(Code::MissingSetting, entry.word.span, message)
            .label("the check is ignored, and the server counts as up")
            .hint(format!("write `{needs} NAME` in it, with the name of a block that stands before"));
        self.report(diagnostic);
        None
    }
}
