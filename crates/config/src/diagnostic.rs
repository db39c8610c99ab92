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
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $advice:literal;)+) => {
        /// What kind of problem it is. The text of a code never changes its meaning.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code as it is printed.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_start(),)+ }
            }

            /// What its reader is to do.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)+ }
            }
        }
    };
}

codes! {
    /// The configuration file does not exist, or its pattern matches nothing.
    NoConfiguration = "no-configuration",
        "Name the file with `-f`, or with `check FILE`. It has to be a regular file without execute bit.";
    /// A file cannot be read, is a directory, or is executable.
    UnusableFile = "unusable-file",
        "Make the file readable for the daemon's user, take its execute bits away (`chmod a-x FILE`), and name files, not directories.";
    /// The name of the configuration is a pattern that matches several files.
    SeveralFiles = "several-files",
        "Nothing, if all of them are meant; otherwise name one file.";
    /// What `include` names is not there.
    MissingInclude = "missing-include",
        "Correct the name. Relative names start from the folder of the file that includes. Where the file may be absent, `include` takes that; its strict forms do not.";
    /// Files include each other without end.
    IncludeTooDeep = "include-too-deep",
        "Take out the `include` that leads back to a file that is being read; 32 levels are the limit.";
    /// The configuration expands to more than can be read.
    TooLong = "too-long",
        "Look for a sequence or definition that multiplies lines: a million is the limit.";
    /// A line is longer than keepalived reads.
    LineTooLong = "line-too-long",
        "Break the line: 1023 bytes are the limit. Lists take several lines.";
    /// A line has a NUL byte.
    NulByte = "nul-byte",
        "Save the file as plain text (UTF-8); UTF-16 is not read.";
    /// The file starts with a byte order mark.
    ByteOrderMark = "byte-order-mark",
        "Save the file as UTF-8 without byte order mark.";
    /// `$NAME` is used and nowhere defined.
    UndefinedName = "undefined-name",
        "Define the name above its use (`$NAME=value` at the start of a line), or correct it.";
    /// A definition of several lines is used amid a line.
    MisplacedDefinition = "misplaced-definition",
        "Use a definition of several lines on a line of its own.";
    /// A definition contains itself.
    RecursiveDefinition = "recursive-definition",
        "Break the circle: a definition may use others, but not itself.";
    /// `~SEQ` or `~LST` that cannot be understood.
    BadSequence = "bad-sequence",
        "Write `~SEQ(NAME, START, STEP, END) text` or `~LST(NAME, VALUE, VALUE ...) text`; the step has to lead from start to end.";
    /// A double quote without its partner.
    UnterminatedQuote = "unterminated-quote",
        "Close the quote on the same line.";
    /// `{` is missing after a keyword that opens a block.
    MissingOpenBrace = "missing-open-brace",
        "Write `{` at the end of the line, or alone on the next.";
    /// `}` is missing.
    MissingCloseBrace = "missing-close-brace",
        "Write the `}` where the message points.";
    /// `}` that closes nothing.
    ExtraCloseBrace = "extra-close-brace",
        "Remove the `}`, or write the `{` that is missing above it.";
    /// `{` after something that opens no block.
    UnexpectedOpenBrace = "unexpected-open-brace",
        "Remove the brace and its partner; the keyword before it opens no block.";
    /// A word that is no keyword anywhere.
    UnknownKeyword = "unknown-keyword",
        "Correct the word (`stayd explain WORD` searches all of them), or remove the line.";
    /// A keyword of another block.
    WrongBlock = "wrong-block",
        "Move the line into the block that the hint names.";
    /// A misspelling that is taken as meant.
    Misspelt = "misspelt",
        "Write the keyword that the hint names: keepalived ignores the misspelt line.";
    /// A keyword that has a newer name.
    Deprecated = "deprecated",
        "Write the newer form that the hint names. The old one still works.";
    /// A keyword that keepalived knows and this version of stayd does nothing about.
    NotSupported = "not-supported",
        "Nothing, if the service can do without it; otherwise stay with keepalived until a release of stayd supports it.";
    /// A keyword without the word that it needs.
    MissingParameter = "missing-parameter",
        "Write the value behind the keyword, on the same line. `stayd explain KEYWORD` shows what it takes.";
    /// More words than the keyword takes.
    ExtraWords = "extra-words",
        "Remove the words, or put what belongs together in double quotes.";
    /// A value of the wrong kind.
    BadValue = "bad-value",
        "Write a value of the kind that the message names.";
    /// A number outside its range.
    OutOfRange = "out-of-range",
        "Write a number within the range that the message names.";
    /// A value that was rounded, cut or limited.
    Adjusted = "adjusted",
        "Write the value that is meant; the label says which one is used.";
    /// An option word that the line does not take.
    UnknownOption = "unknown-option",
        "Remove or correct the word. `stayd explain KEYWORD` shows what the line takes.";
    /// A name that is defined twice.
    Duplicate = "duplicate",
        "Keep one of the two, or give one another name or number.";
    /// A name that is nowhere defined.
    Undefined = "undefined",
        "Correct the name, or define it. What VRRP instances follow has to be defined above them.";
    /// An interface that does not exist.
    UnknownInterface = "unknown-interface",
        "Correct the name (`ip link` lists them), make the interface, or write `dynamic_interfaces` in global_defs if it comes later.";
    /// A network namespace that does not exist.
    UnknownNamespace = "unknown-namespace",
        "Make the namespace first: `ip netns add NAME`.";
    /// A user or group that does not exist.
    UnknownUser = "unknown-user",
        "Name an existing user and group, or create them.";
    /// A script that does not exist or is not executable.
    ScriptNotFound = "script-not-found",
        "Correct the path, or make the file executable (`chmod +x FILE`).";
    /// Scripts are run without `enable_script_security`, or one is open to other users.
    ScriptSecurity = "script-security",
        "Write `enable_script_security` and `script_user USER` in global_defs, and let only root write the script and the folders above it.";
    /// Something that the block cannot do without.
    MissingSetting = "missing-setting",
        "Write the setting that the message names.";
    /// Settings that exclude each other.
    Conflict = "conflict",
        "Decide for one of the settings, and remove the other.";
    /// An address of the wrong family.
    WrongFamily = "wrong-family",
        "Use addresses of one family, IPv4 or IPv6, in one virtual router or service.";
    /// A health check that this version of stayd replaces by a simpler one.
    SimplifiedCheck = "simplified-check",
        "Know that a real server can be broken and pass; nothing else has to be done.";
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

    /// Takes a warning as an error.
    pub(crate) fn harden(&mut self) {
        if self.severity == Severity::Warning {
            self.severity = Severity::Error;
        }
    }

    /// Points at the first of two, if its place is known.
    #[must_use]
    pub(crate) fn first(self, first: Option<Span>) -> Self {
        match first {
            Some(span) => self.related(span, "the first is here"),
            None => self,
        }
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
