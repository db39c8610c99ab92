//! What is wrong with a configuration, where, and what follows from it.
//!
//! **Every diagnostic has a stable code, a severity, a place, and the exit status that keepalived gives it.** Severity
//! follows keepalived: an [`Error`](Severity::Error) is what a starting keepalived dies of, a
//! [`Warning`](Severity::Warning) is what is wrong and then ignored or put right, a [`Note`](Severity::Note) has no
//! effect on any status. Exit statuses are those of keepalived 2.2.7, measured.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is wrong, but the reader should know.
    Note,
    /// Wrong; ignored, corrected, or taken as meant.
    Warning,
    /// The daemon does not start with this, and does not take it at a reload.
    Error,
}

/// What keepalived does about it: the status of `keepalived -t`, and whether a starting daemon dies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing.
    None,
    /// `-t` gives 5; the daemon runs.
    Reported,
    /// `-t` gives 4 if nothing else is wrong; the daemon runs.
    Interface,
    /// `-t` gives 5; the daemon exits 2, because one of its instances cannot be used.
    Unusable,
    /// `-t` gives 6; the daemon runs.
    Security,
    /// `-t` gives 2, whatever else is wrong; the daemon exits 2.
    Fatal,
    /// `-t` gives 6; the daemon exits 6.
    Include,
    /// There is no configuration: `-t` gives 0; the daemon exits 6.
    NoConfiguration,
    /// The network namespace does not exist: `-t` and the daemon end there with 0, whatever else is wrong.
    NoNamespace,
}

impl Effect {
    /// Exit status with which a starting daemon dies of this; `None`: it runs.
    pub const fn start_status(self) -> Option<u8> {
        match self {
            Self::None | Self::Reported | Self::Interface | Self::Security => None,
            Self::NoNamespace => Some(0),
            Self::Unusable | Self::Fatal => Some(2),
            Self::Include | Self::NoConfiguration => Some(6),
        }
    }

    /// Exit status of a configuration test in which this is the worst.
    pub const fn test_status(self) -> u8 {
        match self {
            Self::None | Self::NoConfiguration | Self::NoNamespace => 0,
            Self::Interface => 4,
            Self::Reported | Self::Unusable => 5,
            Self::Fatal => 2,
            Self::Security | Self::Include => 6,
        }
    }

    /// Which of several decides the status of a test: keepalived ends at once at a missing parameter, before that at a
    /// missing namespace, and before that at an inclusion; otherwise its largest code counts.
    const fn test_rank(self) -> u8 {
        match self {
            Self::None | Self::NoConfiguration => 0,
            Self::Interface => 1,
            Self::Reported | Self::Unusable => 2,
            Self::Security => 3,
            Self::Fatal => 4,
            Self::NoNamespace => 5,
            Self::Include => 6,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        /// What kind of problem it is. The text of a code never changes its meaning.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Code { $($(#[$doc])+ $name,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code as it is printed.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

codes! {
    /// The configuration file does not exist, or its pattern matches nothing.
    NoConfiguration = "no-configuration",
    /// A file cannot be read, is a directory, or is executable.
    UnusableFile = "unusable-file",
    /// The name of the configuration is a pattern that matches several files.
    SeveralFiles = "several-files",
    /// What `include` names is not there.
    MissingInclude = "missing-include",
    /// Files include each other without end.
    IncludeTooDeep = "include-too-deep",
    /// The configuration expands to more than can be read.
    TooLong = "too-long",
    /// A line is longer than keepalived reads.
    LineTooLong = "line-too-long",
    /// A line has a NUL byte.
    NulByte = "nul-byte",
    /// The file starts with a byte order mark.
    ByteOrderMark = "byte-order-mark",
    /// `$NAME` is used and nowhere defined.
    UndefinedName = "undefined-name",
    /// A definition of several lines is used amid a line.
    MisplacedDefinition = "misplaced-definition",
    /// A definition contains itself.
    RecursiveDefinition = "recursive-definition",
    /// `~SEQ` or `~LST` that cannot be understood.
    BadSequence = "bad-sequence",
    /// A double quote without its partner.
    UnterminatedQuote = "unterminated-quote",
    /// `{` is missing after a keyword that opens a block.
    MissingOpenBrace = "missing-open-brace",
    /// `}` is missing.
    MissingCloseBrace = "missing-close-brace",
    /// `}` that closes nothing.
    ExtraCloseBrace = "extra-close-brace",
    /// `{` after something that opens no block.
    UnexpectedOpenBrace = "unexpected-open-brace",
    /// A word that is no keyword anywhere.
    UnknownKeyword = "unknown-keyword",
    /// A keyword of another block.
    WrongBlock = "wrong-block",
    /// A misspelling that is taken as meant.
    Misspelt = "misspelt",
    /// A keyword that has a newer name.
    Deprecated = "deprecated",
    /// A keyword that keepalived knows and this version of stayd does nothing about.
    NotSupported = "not-supported",
    /// A keyword without the word that it needs.
    MissingParameter = "missing-parameter",
    /// More words than the keyword takes.
    ExtraWords = "extra-words",
    /// A value of the wrong kind.
    BadValue = "bad-value",
    /// A number outside its range.
    OutOfRange = "out-of-range",
    /// A value that was rounded, cut or limited.
    Adjusted = "adjusted",
    /// An option word that the line does not take.
    UnknownOption = "unknown-option",
    /// A name that is defined twice.
    Duplicate = "duplicate",
    /// A name that is nowhere defined.
    Undefined = "undefined",
    /// An interface that does not exist.
    UnknownInterface = "unknown-interface",
    /// A network namespace that does not exist.
    UnknownNamespace = "unknown-namespace",
    /// A user or group that does not exist.
    UnknownUser = "unknown-user",
    /// A script that does not exist or is not executable.
    ScriptNotFound = "script-not-found",
    /// Scripts are run without `enable_script_security`, or one is open to other users.
    ScriptSecurity = "script-security",
    /// Something that the block cannot do without.
    MissingSetting = "missing-setting",
    /// Settings that exclude each other.
    Conflict = "conflict",
    /// An address of the wrong family.
    WrongFamily = "wrong-family",
    /// A health check that this version of stayd replaces by a simpler one.
    SimplifiedCheck = "simplified-check",
}

/// One problem.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What kind of problem.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What keepalived does about it.
    pub effect: Effect,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What happens now; stands beside the carets.
    pub label: String,
    /// Other places that matter.
    pub related: Vec<(Span, String)>,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A problem that keepalived dies of.
    pub fn error(code: Code, effect: Effect, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, effect, span, message.into())
    }

    /// A problem that keepalived reports.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, Effect::Reported, span, message.into())
    }

    /// A problem about which keepalived is silent, or which it mentions without an effect on any status.
    pub fn quiet(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, Effect::None, span, message.into())
    }

    /// No problem, but worth knowing.
    pub fn note(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, Effect::None, span, message.into())
    }

    fn new(code: Code, severity: Severity, effect: Effect, span: Span, message: String) -> Self {
        let (label, related, hint) = (String::new(), Vec::new(), None);
        Self { code, severity, effect, message, span, label, related, hint }
    }

    /// Says beside the carets what happens now.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }
}

/// Exit status of a configuration test with these problems.
pub fn test_status(diagnostics: &[Diagnostic]) -> u8 {
    let worst =
        diagnostics.iter().map(|diagnostic| diagnostic.effect).max_by_key(|effect| effect.test_rank());
    worst.unwrap_or(Effect::None).test_status()
}

/// `Ok` if a daemon starts with these problems, otherwise the exit status with which it dies.
///
/// # Errors
/// 6 if there is no configuration or an inclusion failed, which comes first; 0 if the network namespace does not exist;
/// otherwise 2.
pub fn start(diagnostics: &[Diagnostic]) -> Result<(), u8> {
    let fatal =
        diagnostics.iter().map(|diagnostic| diagnostic.effect).filter(|it| it.start_status().is_some());
    fatal.max_by_key(|effect| effect.test_rank().max(1)).and_then(Effect::start_status).map_or(Ok(()), Err)
}

/// Where the phases put what they find. **Each problem is kept once**: `~SEQ` repeats a line, not what is wrong with it.
#[derive(Default)]
pub(crate) struct Report {
    list: Vec<Diagnostic>,
    /// Place, code and hash of the message of each.
    seen: HashSet<(Span, Code, u64)>,
}

impl Report {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let mut hasher = DefaultHasher::new();
        diagnostic.message.hash(&mut hasher);
        if self.seen.insert((diagnostic.span, diagnostic.code, hasher.finish())) {
            self.list.push(diagnostic);
        }
    }

    /// In the order of files and lines.
    pub fn into_list(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| (diagnostic.span.source, diagnostic.span.start));
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    fn with(effects: &[Effect]) -> Vec<Diagnostic> {
        let source = SourceMap::default().add("f".into(), b"");
        let span = Span { source, start: 0, end: 0 };
        let one =
            |effect: &Effect| Diagnostic { effect: *effect, ..Diagnostic::warning(Code::Conflict, span, "") };
        effects.iter().map(one).collect()
    }

    #[test]
    fn the_worst_effect_decides_the_status_of_a_test() {
        use Effect::{
            Fatal, Include, Interface, NoConfiguration, NoNamespace, None, Reported, Security, Unusable,
        };
        let cases: &[(&[Effect], u8)] = &[
            (&[], 0),
            (&[None], 0),
            (&[NoConfiguration], 0),
            (&[Interface], 4),
            (&[Interface, Reported], 5),
            (&[Unusable], 5),
            (&[Reported, Security], 6),
            (&[Security, Fatal], 2),
            (&[Include, Fatal], 6),
            (&[Include, Reported], 6),
            (&[NoNamespace, Reported, Fatal], 0),
            (&[NoNamespace, Include], 6),
        ];
        for (effects, status) in cases {
            assert_eq!(test_status(&with(effects)), *status, "{effects:?}");
        }
    }

    #[test]
    fn a_daemon_dies_only_of_errors() {
        assert_eq!(
            start(&with(&[Effect::Reported, Effect::Security, Effect::Interface, Effect::None])),
            Ok(())
        );
        assert_eq!(start(&with(&[Effect::NoNamespace, Effect::Unusable])), Err(0));
        assert_eq!(start(&with(&[Effect::Unusable])), Err(2));
        assert_eq!(start(&with(&[Effect::Fatal, Effect::Include])), Err(6));
        assert_eq!(start(&with(&[Effect::NoConfiguration])), Err(6));
    }

    #[test]
    fn a_code_is_printed_as_its_name_in_kebab_case() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{}\"", code.as_str()));
        }
    }
}
