//! The tree, read by the keyword table: which keyword each entry is, and its values.
//!
//! **Whatever the table can say about an entry is said here**, once for all keywords: unknown and misplaced words,
//! misspellings, older names, missing and surplus words, values of the wrong kind or out of range, braces where none
//! belong, and keywords that have no effect yet. What remains for the lowering is what values mean together.
//!
//! An entry that cannot be used is left out, as keepalived ignores it; the default then holds.

mod entry;
mod wording;

use std::collections::{BTreeSet, HashMap};

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::keyword::{
    self, Again, AliasKind, Block, Body, Datum, Found, Header, Keyword, Missing, ROOT, Status, Takes, Value,
    ValueError,
};
use crate::lex::Word;
use crate::parse::{Nesting, Node};
use crate::source::Span;
use crate::suggest;
pub use entry::{Contents, Entry};
use wording::{home_names, meant, place_name, refused, shown, stray_brace};

/// The keyword table as the parser's knowledge of what belongs where; a block that it does not know is `None`.
pub struct Table;

impl Nesting for Table {
    type Context = Option<&'static Block>;

    fn root(&self) -> Self::Context {
        Some(&ROOT)
    }

    fn inside(&self, context: Self::Context, word: &str) -> Self::Context {
        context?.find(word)?.keyword.block()
    }

    fn holds(&self, context: Self::Context, word: &str) -> bool {
        match context.map(|block| (block, &block.body)) {
            Some((block, Body::Keywords(..))) => block.find(word).is_some(),
            // Lines and names may be anything, and what an unknown block holds is not known; but a keyword of the
            // blocks around is more likely that than an address or a name.
            Some((_, Body::Lines(_) | Body::Words(_))) => keyword::homes(word).is_empty(),
            None => ROOT.find(word).is_none(),
        }
    }

    /// keepalived loses a block of the root, but for that of global_defs, which another process than the others' reads;
    /// and it uses the contents of other blocks.
    fn loses(&self, context: Self::Context, word: &str) -> bool {
        context.is_some_and(|block| std::ptr::eq(block, &raw const ROOT)) && word != "global_defs"
    }

    fn opens(&self, context: Self::Context, word: &str) -> bool {
        self.inside(context, word).is_some()
    }
}

/// What is remembered from one part of a configuration to the next.
#[derive(Default)]
pub struct Memory {
    /// Keywords without effect that have been named.
    noted: BTreeSet<&'static str>,
    /// Where keywords of this block that may stand once did so.
    firsts: HashMap<&'static str, Span>,
    /// The same of all global_defs.
    globals: HashMap<&'static str, Span>,
    /// What an unknown word of a block is likely to mean: the search is long, and words are repeated.
    meant: HashMap<(&'static str, bool, String), Option<String>>,
}

/// Reads a tree, and adds its entries to those that there are.
pub fn resolve<'t>(
    nodes: &'t [Node<'t>],
    entries: &mut Vec<Entry<'t>>,
    memory: &mut Memory,
    diagnostics: &mut Report,
) {
    entries.reserve(nodes.len());
    Resolver { diagnostics, memory }.entries(&ROOT, nodes, false, entries);
}

/// The entry was reported and is left out.
struct Unusable;

struct Resolver<'a> {
    diagnostics: &'a mut Report,
    memory: &'a mut Memory,
}

impl Resolver<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// `covered`: a note about the block around says already that nothing in it has an effect.
    fn entries<'t>(
        &mut self,
        block: &'static Block,
        nodes: &'t [Node<'t>],
        covered: bool,
        entries: &mut Vec<Entry<'t>>,
    ) {
        for node in nodes {
            let Some(word) = node.words.first() else {
                if let Some(inner) = &node.block {
                    self.report(stray_brace(inner.open, "nothing before it that opens a block"));
                    self.entries(block, &inner.items, covered, entries);
                }
                continue;
            };
            match block.find(&word.text) {
                Some(found) if self.again(found.keyword, node, word) => {}
                Some(found) => self.entry(block, found, node, word, covered, entries),
                None => self.unknown(block, node, word),
            }
        }
    }

    /// The entries of a block of its own.
    fn inside<'t>(&mut self, block: &'static Block, nodes: &'t [Node<'t>], covered: bool) -> Vec<Entry<'t>> {
        let outer = std::mem::take(&mut self.memory.firsts);
        // All blocks of this kind are one.
        let global = block.name == "global_defs";
        if global {
            self.memory.firsts = std::mem::take(&mut self.memory.globals);
        }
        let mut entries = Vec::with_capacity(nodes.len());
        self.entries(block, nodes, covered, &mut entries);
        let own = std::mem::replace(&mut self.memory.firsts, outer);
        if global {
            self.memory.globals = own;
        }
        entries
    }

    /// Whether an entry is passed over because its keyword has stood in this block before.
    fn again(&mut self, keyword: &'static Keyword, node: &Node<'_>, word: &Word) -> bool {
        if keyword.again == Again::Counts {
            return false;
        }
        let Some(first) = self.memory.firsts.get(keyword.name).copied() else {
            self.memory.firsts.insert(keyword.name, word.span);
            return false;
        };
        let span = node.words.last().map_or(word.span, |last| word.span.to(last.span));
        let ignored = keyword.again == Again::Ignored;
        let message = format!("a second `{}`", word.text);
        let diagnostic = Diagnostic::warning(Code::Duplicate, span, message)
            .label(if ignored { "ignored: the first one counts" } else { "used: the last one counts" })
            .related(first, "the first is here")
            .hint("keep one of them");
        self.report(diagnostic);
        ignored
    }

    fn entry<'t>(
        &mut self,
        block: &'static Block,
        found: Found,
        node: &'t Node<'t>,
        word: &'t Word,
        covered: bool,
        entries: &mut Vec<Entry<'t>>,
    ) {
        let keyword = found.keyword;
        let args = node.words.get(1..).unwrap_or_default();
        self.spelling(found, word);
        self.status(keyword, word, covered);
        let checked = match keyword.takes {
            // A command that was lost with its quote has been reported, and keepalived goes on.
            Takes::Script(_) if args.is_empty() && has_open_quote(node.text()) => Err(Unusable),
            _ => self.check(keyword, word, args),
        };
        let covered = covered || keyword.status != Status::Done;
        let contents = match (keyword.block(), &node.block) {
            (None, None) => Contents::Nothing,
            (Some(inside), None) => {
                let place = args.last().unwrap_or(word).span.after();
                let message = format!("`{{` is missing after `{}`", word.text);
                let effect = inside.without_brace();
                let mut diagnostic = refused(Code::MissingOpenBrace, place, effect, message)
                    .hint("write `{ }` with its entries between, even if there are none");
                if effect != Missing::Fatal {
                    diagnostic = diagnostic.label("a block has to start here; the line is ignored");
                }
                return self.report(diagnostic);
            }
            (None, Some(inner)) => {
                self.report(stray_brace(inner.open, &format!("`{}` opens no block", word.text)));
                if let Ok(value) = checked {
                    let contents = Contents::Nothing;
                    let first = first(entries, keyword);
                    entries.push(Entry { keyword, word, value, node, contents, first });
                }
                return self.entries(block, &inner.items, covered, entries);
            }
            (Some(inside), Some(inner)) if inner.missing_open && Table.loses(Some(block), keyword.name) => {
                if inside.without_brace() == Missing::Fatal {
                    let message = format!("a `{}` cannot do without its `{{`", word.text);
                    self.report(refused(Code::MissingOpenBrace, word.span, Missing::Fatal, message));
                }
                return;
            }
            (Some(inside), Some(inner)) => match inside.body {
                Body::Keywords(..) => Contents::Entries(self.inside(inside, &inner.items, covered).into()),
                Body::Lines(_) => Contents::Lines(self.lines(&inner.items).into()),
                Body::Words(what) => {
                    let lines = self.lines(&inner.items);
                    if lines.is_empty() {
                        self.empty(word, what);
                    }
                    Contents::Lines(lines.into())
                }
            },
        };
        if let Ok(value) = checked {
            let first = first(entries, keyword);
            entries.push(Entry { keyword, word, value, node, contents, first });
        }
    }

    /// A list of names without any.
    fn empty(&mut self, word: &Word, what: &str) {
        let message = format!("`{}` has nothing between its braces", word.text);
        let diagnostic = Diagnostic::warning(Code::MissingSetting, word.span, message)
            .label("ignored")
            .hint(format!("write {what} between the braces, one on a line"));
        self.report(diagnostic);
    }

    /// The lines of a list, with what stands in braces of their own taken as lines too.
    fn lines<'t>(&mut self, nodes: &'t [Node<'t>]) -> Vec<&'t Node<'t>> {
        let mut lines = Vec::new();
        for node in nodes {
            if !node.words.is_empty() {
                lines.push(node);
            }
            if let Some(inner) = &node.block {
                self.report(stray_brace(inner.open, "a list has no blocks"));
                lines.extend(self.lines(&inner.items));
            }
        }
        lines
    }

    /// Says so if the word is another spelling, or if keepalived wants another keyword.
    fn spelling(&mut self, found: Found, word: &Word) {
        let means = found.keyword.name;
        let diagnostic = match found.alias.map(|alias| alias.kind) {
            Some(AliasKind::Slip(keepalived)) => {
                let message = format!("`{}` is no keyword; taken as `{means}`", word.text);
                Diagnostic::warning(Code::Misspelt, word.span, message)
                    .label(format!("keepalived {keepalived}"))
                    .hint(format!("write `{means}`"))
            }
            Some(AliasKind::Deprecated) => {
                let message = format!("`{}` is an old name", word.text);
                Diagnostic::warning(Code::Deprecated, word.span, message)
                    .label(format!("taken as `{means}`"))
                    .hint(format!("write `{means}`"))
            }
            Some(AliasKind::Synonym | AliasKind::Older) | None => {
                let Some(by) = found.keyword.superseded else { return };
                Diagnostic::warning(Code::Deprecated, word.span, format!("`{}` is deprecated", word.text))
                    .hint(format!("use `{by}` instead"))
            }
        };
        self.report(diagnostic);
    }

    /// Says, once for each keyword, that it has no effect.
    fn status(&mut self, keyword: &'static Keyword, word: &Word, covered: bool) {
        if covered || keyword.status == Status::Done || !self.memory.noted.insert(keyword.name) {
            return;
        }
        let diagnostic = match keyword.status {
            Status::Partly(what) => {
                let message = format!("`{}` is not fully supported by this version of stayd", keyword.name);
                Diagnostic::note(Code::SimplifiedCheck, word.span, message).label(what)
            }
            Status::Done | Status::NotYet => {
                let message = format!("`{}` has no effect in this version of stayd", keyword.name);
                Diagnostic::note(Code::NotSupported, word.span, message).label("checked, then passed over")
            }
        };
        self.report(diagnostic);
    }

    /// Checks the words after a keyword, and reads its value if it takes one.
    fn check(
        &mut self,
        keyword: &'static Keyword,
        word: &Word,
        args: &[Word],
    ) -> Result<Option<Datum>, Unusable> {
        let rest = args.get(1..).unwrap_or_default();
        match keyword.takes {
            Takes::One(value, missing) => match args.first() {
                Some(first) => self.only(keyword, value, word, first, rest),
                None => self.missing(word, &value.describe(), missing),
            },
            Takes::Maybe(value) => match args.first() {
                Some(first) => self.only(keyword, value, word, first, rest),
                None => Ok(None),
            },
            Takes::Many(value, missing) if args.is_empty() => self.missing(word, &value.describe(), missing),
            Takes::Many(value, _) => {
                for word in args {
                    // What is wrong with one does not touch the others.
                    let _ = self.value(keyword, value, word);
                }
                Ok(None)
            }
            Takes::Script(missing) if args.is_empty() => self.missing(word, "a command", missing),
            Takes::Words { syntax, least, missing } if args.len() < least => {
                self.missing(word, syntax, missing)
            }
            Takes::Script(_) | Takes::Words { .. } => Ok(None),
            Takes::Flag => {
                self.surplus(word, args);
                Ok(None)
            }
            Takes::Block(block) => self.header(block.header, word, args),
        }
    }

    /// The one value of a keyword.
    fn only(
        &mut self,
        keyword: &'static Keyword,
        value: Value,
        word: &Word,
        first: &Word,
        rest: &[Word],
    ) -> Result<Option<Datum>, Unusable> {
        self.surplus(word, rest);
        self.value(keyword, value, first).map(Some)
    }

    /// What stands between a keyword and its `{`.
    fn header(&mut self, header: Header, word: &Word, args: &[Word]) -> Result<Option<Datum>, Unusable> {
        match header {
            Header::Name(missing) | Header::OnlyName(missing) if args.is_empty() => {
                return self.missing(word, "a name", missing);
            }
            Header::OnlyName(effect) => {
                if let (Some(first), Some(last)) = (args.get(1), args.last()) {
                    let message = format!("`{}` takes one name", word.text);
                    let diagnostic = refused(Code::ExtraWords, first.span.to(last.span), effect, message)
                        .hint("put a name of several words in double quotes");
                    self.report(diagnostic);
                    return Err(Unusable);
                }
            }
            Header::Words { syntax, missing } if args.is_empty() => {
                return self.missing(word, syntax, missing);
            }
            Header::Words { .. } => {}
            Header::Nothing => self.surplus(word, args),
            Header::Name(_) => self.surplus(word, args.get(1..).unwrap_or_default()),
            Header::NothingElse => {
                if let (Some(first), Some(last)) = (args.first(), args.last()) {
                    let message = format!("`{}` takes nothing before its `{{`", word.text);
                    let diagnostic = Diagnostic::warning(Code::ExtraWords, first.span.to(last.span), message)
                        .label("ignored")
                        .hint("entries belong between the braces, one on a line");
                    self.report(diagnostic);
                }
            }
        }
        Ok(None)
    }

    /// keepalived passes over words that a keyword does not take.
    fn surplus(&mut self, word: &Word, surplus: &[Word]) {
        if let (Some(first), Some(last)) = (surplus.first(), surplus.last()) {
            let message = format!("more words than `{}` takes", word.text);
            self.report(
                Diagnostic::note(Code::ExtraWords, first.span.to(last.span), message).label("passed over"),
            );
        }
    }

    fn missing<T>(&mut self, word: &Word, needs: &str, missing: Missing) -> Result<T, Unusable> {
        let message = format!("`{}` needs {needs}", word.text);
        let diagnostic = refused(Code::MissingParameter, word.span, missing, message);
        self.report(diagnostic.hint("write the value after it, on the same line"));
        Err(Unusable)
    }

    fn value(&mut self, keyword: &'static Keyword, value: Value, word: &Word) -> Result<Datum, Unusable> {
        let error = match value.parse(&word.text) {
            Ok(datum) => return Ok(datum),
            Err(error) => error,
        };
        let message = format!("`{}` takes {}, not `{}`", keyword.name, value.describe(), word.text);
        let code = match error {
            ValueError::Kind => Code::BadValue,
            ValueError::Range => Code::OutOfRange,
            ValueError::Adjusted(_) => Code::Adjusted,
        };
        let used = match error {
            ValueError::Adjusted(datum) => Some(datum),
            ValueError::Kind | ValueError::Range => keyword.fallback.and_then(|word| value.parse(word).ok()),
        };
        let label = match &used {
            Some(datum) => format!("{} is used", shown(datum)),
            None if keyword.default.is_empty() => "the line is ignored".to_owned(),
            None => format!("ignored; the default is {}", keyword.default),
        };
        let mut diagnostic = Diagnostic::warning(code, word.span, message).label(label);
        if let Value::Choice { words, .. } = value
            && let Some(near) = suggest::nearest(&word.text, words.iter().copied())
        {
            diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
        }
        self.report(diagnostic);
        used.ok_or(Unusable)
    }

    fn unknown(&mut self, block: &'static Block, node: &Node<'_>, word: &Word) {
        let here = place_name(block);
        let homes = keyword::homes(&word.text);
        let what = if node.block.is_some() { "ignored with its block" } else { "the line is ignored" };
        let removed = keyword::REMOVED.iter().find(|(name, ..)| *name == word.text);
        let diagnostic = if let Some((name, _, last)) = removed {
            let message = format!("`{name}` no longer exists; keepalived {last} was the last to know it");
            Diagnostic::warning(Code::UnknownKeyword, word.span, message).label(what).hint("remove the line")
        } else if crate::read::is_include(&word.text) {
            let message = format!("`{}` needs the name of a file", word.text);
            let diagnostic = Diagnostic::warning(Code::UnknownKeyword, word.span, message).label(what);
            diagnostic.hint("write the name of a file, or a pattern, after it")
        } else if homes.is_empty() {
            let message = format!("unknown keyword `{}` {here}", word.text);
            let opens = node.block.is_some();
            let key = (block.name, opens, word.text.to_string());
            let hint =
                self.memory.meant.entry(key).or_insert_with(|| Some(meant(block, &word.text, opens))).clone();
            let diagnostic = Diagnostic::warning(Code::UnknownKeyword, word.span, message).label(what);
            Diagnostic { hint, ..diagnostic }
        } else {
            let message = format!("`{}` does not belong {here}", word.text);
            let diagnostic = Diagnostic::warning(Code::WrongBlock, word.span, message).label(what);
            diagnostic.hint(format!("`{}` belongs {}", word.text, home_names(block, homes)))
        };
        self.report(diagnostic);
    }
}

/// The first entry of a keyword among those of its block so far.
fn first(entries: &[Entry<'_>], keyword: &Keyword) -> Option<Span> {
    // The last one knows it, and mostly stands close by.
    let last = entries.iter().rev().find(|entry| entry.name() == keyword.name)?;
    Some(last.first.unwrap_or(last.word.span))
}

fn has_open_quote(text: &str) -> bool {
    text.matches('"').count() % 2 == 1
}
