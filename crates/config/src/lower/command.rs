//! Commands, and who runs them.
//!
//! **A command that could not be run is left out and said to be**: its program does not exist, its user does not exist,
//! or it is open to others and script security is on. keepalived says nothing of a missing notify script; we do, without
//! an effect on any status.
//!
//! keepalived reads the line of a command with rules of its own: single quotes hold words together as double ones do.
//! The first word is the command, program and arguments; USER and GROUP follow.

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic};
use crate::host::ScriptFacts;
use crate::lex::Word;
use crate::model::{Command, Identity};
use crate::resolve::Entry;
use crate::source::Span;

/// Who runs scripts that name no user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DefaultUser {
    /// `script_user` is not given: keepalived_script if there is such a user, else root.
    Unset,
    /// `script_user` names an existing user.
    Known,
    /// `script_user` names none.
    Unknown,
}

/// What part of the daemon runs a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runner {
    /// The parent, at start and stop.
    System,
    /// VRRP.
    Vrrp,
    /// The checker.
    Checks,
    /// The checker, if there is a virtual server.
    LvsFifo,
    /// VRRP or the checker, if either has something to do.
    AnyFifo,
}

impl Lowering<'_> {
    /// The command of a `notify_*`, `quorum_*` or the like, if it can be run.
    pub(super) fn notify(&mut self, entry: &Entry<'_>, runner: Runner) -> Option<Command> {
        let (command, rest) = self.command_line(entry)?;
        let identity = match rest.as_slice() {
            [] => self.default_identity(entry)?,
            [user] => Some(self.identity(entry, user, None)?),
            [user, group, ..] => Some(self.identity(entry, user, Some(group))?),
        };
        let argv = split_command(&command);
        self.runnable(&argv, identity.as_ref(), entry, runner).then_some(Command { argv, identity })
    }

    /// A command of which keepalived drops the words that are not in its quotes.
    pub(super) fn quoted_command(&mut self, entry: &Entry<'_>) -> Option<Vec<String>> {
        let (command, rest) = self.command_line(entry)?;
        let dropped = entry.args().len().saturating_sub(rest.len());
        if let (false, Some(first), Some(last)) =
            (rest.is_empty(), entry.args().get(dropped), entry.args().last())
        {
            let diagnostic = Diagnostic::quiet(
                Code::ExtraWords,
                first.span.to(last.span),
                format!("only `{command}` is run, without these words"),
            )
            .label("passed over, as in keepalived")
            .hint("put the whole command in double quotes if they are its arguments");
            self.report(diagnostic);
        }
        Some(split_command(&command))
    }

    /// The first word of the line after the keyword, and the others.
    fn command_line(&mut self, entry: &Entry<'_>) -> Option<(String, Vec<String>)> {
        let after = entry.node.text().get(entry.word.text.len()..).unwrap_or_default();
        let mut words = split_line(after).into_iter();
        let command = words.next().filter(|command| !command.trim().is_empty());
        if command.is_none() {
            let message = format!("`{}` names no command", entry.word.text);
            let diagnostic =
                Diagnostic::quiet(Code::MissingParameter, entry.word.span, message).label("ignored");
            self.report(diagnostic);
        }
        Some((command?, words.collect()))
    }

    /// The identity of a script that names no user; `None` if there is nobody to run it.
    #[expect(clippy::option_option, reason = "outer: whether it can run; inner: whether it names somebody")]
    pub(super) fn default_identity(&mut self, entry: &Entry<'_>) -> Option<Option<Identity>> {
        let security = self.model.globals.script_security;
        let message = match self.script_user {
            DefaultUser::Unknown => "nobody to run this script: `script_user` is unusable".to_owned(),
            DefaultUser::Unset if security && !self.host.has_user("keepalived_script") => {
                "nobody to run this script: there is no user `keepalived_script`".to_owned()
            }
            DefaultUser::Unset | DefaultUser::Known => return Some(None),
        };
        let diagnostic = Diagnostic::warning(Code::UnknownUser, entry.span(), message)
            .label("it is not run")
            .hint("name an existing user with `script_user` in global_defs, or after the command");
        self.report(diagnostic);
        None
    }

    /// keepalived says nothing of a notify script whose user does not exist, it just does not run it; but it reports the
    /// parent's own scripts.
    fn identity(&mut self, entry: &Entry<'_>, user: &str, group: Option<&String>) -> Option<Identity> {
        let unknown = if self.host.has_user(user) {
            group
                .filter(|group| !self.host.has_group(group))
                .map(|group| format!("there is no group `{group}`"))
        } else {
            Some(format!("there is no user `{user}`"))
        };
        if let Some(why) = unknown {
            let own = matches!(entry.name(), "startup_script" | "shutdown_script");
            let report = if own { Diagnostic::warning } else { Diagnostic::quiet };
            let mut diagnostic = report(Code::UnknownUser, entry.span(), why).label("the script is not run");
            if !entry.args().first().is_some_and(|word| word.quoted) {
                diagnostic =
                    diagnostic.hint("put the command and its arguments in double quotes; a user may follow");
            }
            self.report(diagnostic);
            return None;
        }
        Some(Identity { user: user.to_owned(), group: group.cloned() })
    }

    /// `user USER [GROUP]` of a script; `None` if it does not exist.
    pub(super) fn user(&mut self, entry: &Entry<'_>) -> Option<Identity> {
        let (user, group) = (entry.args().first()?, entry.args().get(1));
        let unknown = |lowering: &mut Self, word: &Word, what: &str| {
            let message = format!("there is no {what} `{}`", word.text);
            let diagnostic =
                Diagnostic::warning(Code::UnknownUser, word.span, message).label("the script is not run");
            lowering.report(diagnostic);
        };
        if !self.host.has_user(&user.text) {
            unknown(self, user, "user");
            return None;
        }
        if let Some(group) = group.filter(|group| !self.host.has_group(&group.text)) {
            unknown(self, group, "group");
            return None;
        }
        Some(Identity { user: user.text.to_string(), group: group.map(|group| group.text.to_string()) })
    }

    /// Whether the program is there, and may be run.
    fn runnable(
        &mut self,
        argv: &[String],
        identity: Option<&Identity>,
        entry: &Entry<'_>,
        runner: Runner,
    ) -> bool {
        let Some(program) = argv.first() else { return false };
        match self.host.script(program) {
            ScriptFacts::NotFound => {
                let message = format!("there is no executable script `{program}`");
                let diagnostic = Diagnostic::quiet(Code::ScriptNotFound, entry.value_span(), message)
                    .label("it is not run; keepalived does not say so")
                    .hint("correct the path, or make the file executable");
                self.report(diagnostic);
                false
            }
            ScriptFacts::Found { exposed: Some(exposure) } if self.is_closed_to(identity) => {
                let message = format!("others than root can change `{program}`");
                let diagnostic = Diagnostic::quiet(Code::ScriptSecurity, entry.value_span(), message)
                    .label("not run as root, because of enable_script_security")
                    .hint(exposure.to_string());
                self.report(diagnostic);
                false
            }
            ScriptFacts::Found { .. } => {
                self.found(runner, entry.value_span());
                true
            }
        }
    }

    /// Whether script security forbids to run a script that others can change.
    pub(super) fn is_closed_to(&self, identity: Option<&Identity>) -> bool {
        let default = self.model.globals.script_user.as_ref();
        let root = match identity.or(default) {
            Some(identity) => identity.user == "root",
            None => !self.host.has_user("keepalived_script"),
        };
        root && self.model.globals.script_security
    }

    /// Remembers that a script would be run.
    pub(super) fn found(&mut self, runner: Runner, span: Span) {
        let first = match runner {
            Runner::System => &mut self.scripts_found.system,
            Runner::Vrrp => &mut self.scripts_found.vrrp,
            Runner::Checks => &mut self.scripts_found.checks,
            Runner::LvsFifo => &mut self.scripts_found.lvs_fifo,
            Runner::AnyFifo => &mut self.scripts_found.any_fifo,
        };
        first.get_or_insert(span);
    }

    /// keepalived says so, and gives `-t` status 6, when scripts are run without `enable_script_security`.
    pub(super) fn report_script_security(&mut self) {
        if self.model.globals.script_security {
            return;
        }
        let scripts = &self.scripts_found;
        let balances = !self.model.virtual_servers.is_empty();
        let elects = !self.instances.is_empty() && !self.interface_missing;
        let found = [
            scripts.system,
            // Without an instance there is no VRRP process to run them.
            scripts.vrrp.filter(|_| !self.instances.is_empty()),
            scripts.checks,
            scripts.lvs_fifo.filter(|_| balances),
            scripts.any_fifo.filter(|_| balances || elects),
        ];
        let Some(first) = found.into_iter().flatten().min() else { return };
        let message = "scripts are run without `enable_script_security`";
        let diagnostic = Diagnostic {
            effect: crate::diagnostic::Effect::Security,
            ..Diagnostic::warning(Code::ScriptSecurity, first, message)
        };
        let diagnostic = diagnostic
            .label("the first of them")
            .hint("write `enable_script_security` and `script_user USER` in global_defs");
        self.report(diagnostic);
    }

    /// `startup_script`, `shutdown_script`.
    pub(super) fn system_script(&mut self, entry: &Entry<'_>) -> Option<Command> {
        self.notify(entry, Runner::System)
    }

    /// `notify_fifo_script` and its like.
    pub(super) fn fifo_script(&mut self, entry: &Entry<'_>) -> Option<Command> {
        let runner = match entry.name() {
            "lvs_notify_fifo_script" => Runner::LvsFifo,
            "vrrp_notify_fifo_script" => Runner::Vrrp,
            _ => Runner::AnyFifo,
        };
        self.notify(entry, runner)
    }
}

/// Words of a line: white space separates, quotes of either kind hold together.
fn split_line(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = if first == '"' || first == '\'' {
            let inside = &rest[1..];
            inside.split_once(first).unwrap_or((inside, ""))
        } else {
            rest.split_at(
                rest.find(|c: char| c.is_whitespace() || c == '"' || c == '\'').unwrap_or(rest.len()),
            )
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// Program and arguments: quotes of either kind, and backslash escapes outside single quotes.
pub fn split_command(command: &str) -> Vec<String> {
    // `</path` tests whether a file can be opened; keepalived leaves that to the shell.
    if command.trim_start().starts_with('<') {
        return ["/bin/sh", "-c", command.trim()].map(str::to_owned).to_vec();
    }
    split_quoted(command, &['"'])
}

/// Words in quotes of either kind, with backslash escapes everywhere: how a `regex` is read.
pub fn split_escaped(text: &str) -> Vec<String> {
    split_quoted(text, &['"', '\''])
}

/// `escaping`: the quotes within which a backslash is an escape.
fn split_quoted(text: &str, escaping: &[char]) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', quote) if quote.is_none_or(|quote| escaping.contains(&quote)) => {
                let escaped = escape(&mut chars);
                word.get_or_insert_default().extend(escaped);
            }
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What a backslash and the characters after it stand for.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let simple = match chars.next()? {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'E' | 'e' => '\u{1b}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => return digits(chars, 0, 16, 2),
        digit @ '0'..='7' => return digits(chars, digit.to_digit(8)?, 8, 2),
        'c' => return chars.next().map(|c| char::from(u8::try_from(u32::from(c) & 0x1f).unwrap_or(0))),
        other => other,
    };
    Some(simple)
}

fn digits(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    mut value: u32,
    radix: u32,
    most: usize,
) -> Option<char> {
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
        value = value * radix + digit;
        chars.next();
    }
    char::from_u32(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_command_then_a_user_and_a_group() {
        assert_eq!(split_line(" '/bin/true a b' root wheel"), ["/bin/true a b", "root", "wheel"]);
        assert_eq!(split_line(r#" "/bin/true 'a b'" x"#), ["/bin/true 'a b'", "x"]);
        assert_eq!(split_line(" /bin/true a"), ["/bin/true", "a"]);
        assert_eq!(split_line("  "), [] as [&str; 0]);
    }

    #[test]
    fn a_command_is_split_with_quotes_and_escapes() {
        assert_eq!(split_command("/s 'a b' \"c d\" e\\ f"), ["/s", "a b", "c d", "e f"]);
        assert_eq!(split_command(r"/s \x41\102 \t"), ["/s", "AB", "\t"]);
        assert_eq!(split_command(r"/s '\n' ''"), ["/s", r"\n", ""]);
        assert_eq!(split_command("</run/x"), ["/bin/sh", "-c", "</run/x"]);
        assert_eq!(split_command("/s 'open"), ["/s", "open"]);
    }

    #[test]
    fn a_pattern_is_one_word_with_escapes_in_quotes_of_either_kind() {
        for (text, pattern) in [
            (r#" "a b""#, "a b"),
            (" 'a b'", "a b"),
            (r" a\\d+", r"a\d+"),
            (r" ^HTTP.*\r\n", "^HTTP.*\r\n"),
            (r#" "x\dy\b\.""#, "xdy\u{8}."),
            (r" 'a\db'", "adb"),
            (r#" "\x41\102""#, "AB"),
            (r#" ab"cd""#, "abcd"),
            (r#" """#, ""),
        ] {
            assert_eq!(split_escaped(text), [pattern], "{text}");
        }
        assert_eq!(split_escaped(r#" "a" "b""#).len(), 2);
    }
}
