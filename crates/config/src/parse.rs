//! Words and braces to a tree of blocks, without knowing what any word means.
//!
//! A `{` belongs to the words just before it, on the same line or on the next; otherwise a line is an entry of its own,
//! and so is what stands before and after a brace. **Every file gives a tree**: braces that do not pair are put right
//! with as little as possible, and reported.
//!
//! Where the braces of a file do not balance, the count alone cannot say which one is wrong. A [`Nesting`] can: if an
//! entry fits the block around the current one but not the current one, a `}` is missing just before it; if it fits the
//! block just closed but not the one around, that `}` is one too many; and if it fits the block that the line before
//! would open, that line lacks its `{`. Files that balance are never touched.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::lex::{Token, Tokens, Word};
use crate::read::Line;
use crate::source::Span;

/// An entry: words, and the block that follows them, if any.
#[derive(Clone, Debug)]
pub struct Node<'t> {
    /// None only for a block without words before it.
    pub words: &'t [Word],
    /// The line that they stand in, and in which part.
    line: &'t Line,
    part: (u32, u32),
    /// The block; few entries have one.
    pub block: Option<Box<Block<'t>>>,
}

impl<'t> Node<'t> {
    /// The text of the words and what is between them.
    pub fn text(&self) -> &'t str {
        self.line.as_str().get(self.part.0 as usize..self.part.1 as usize).unwrap_or_default()
    }

    /// Where that stands.
    pub fn span(&self) -> Span {
        self.line.span(self.part.0 as usize..self.part.1 as usize)
    }
}

/// What stands between braces.
#[derive(Clone, Debug)]
pub struct Block<'t> {
    /// Its `{`, or where that should be.
    pub open: Span,
    /// Whether the `{` was missing.
    pub missing_open: bool,
    /// Its entries.
    pub items: Vec<Node<'t>>,
}

/// Which words belong where; asked only about files whose braces do not balance.
pub trait Nesting {
    /// A kind of block.
    type Context: Copy;

    /// Outside all blocks.
    fn root(&self) -> Self::Context;
    /// The block that `word` opens.
    fn inside(&self, context: Self::Context, word: &str) -> Self::Context;
    /// Whether an entry that starts with `word` fits.
    fn holds(&self, context: Self::Context, word: &str) -> bool;
    /// Whether the block of `word` is lost if its `{` is missing.
    fn loses(&self, context: Self::Context, word: &str) -> bool;
    /// Whether `word` needs a block.
    fn opens(&self, context: Self::Context, word: &str) -> bool;
}

/// Blocks may nest to this depth; keepalived's nest to five.
const MAX_DEPTH: usize = 32;

/// The words and braces of the whole configuration. Few and large allocations: a file may have a million words.
pub struct Events<'l> {
    lines: &'l [Line],
    words: Vec<Word>,
    list: Vec<Event>,
}

/// Lines and words by their numbers.
enum Event {
    /// From which to which word, in which part of which line.
    Words {
        words: (u32, u32),
        part: (u32, u32),
        line: u32,
    },
    /// In which line.
    Open(Span, u32),
    Close(Span),
}

impl<'l> Events<'l> {
    /// Reads the lines. Each brace ends the words before it.
    pub fn of(lines: &'l [Line], diagnostics: &mut Report) -> Self {
        let mut events =
            Self { lines, words: Vec::with_capacity(2 * lines.len()), list: Vec::with_capacity(lines.len()) };
        for (line, text) in (0..).zip(lines) {
            let mut continues = false;
            let mut tokens = Tokens::of(text, diagnostics);
            for token in tokens.by_ref() {
                match token {
                    Token::Word(word, range) => {
                        events.words.push(word);
                        events.word(narrow(range.start), narrow(range.end), line, continues);
                        continues = true;
                        continue;
                    }
                    Token::Open(span) => events.list.push(Event::Open(span, line)),
                    Token::Close(span) => events.list.push(Event::Close(span)),
                }
                continues = false;
            }
            if tokens.is_unterminated()
                && continues
                && let Some(Event::Words { part, .. }) = events.list.last_mut()
            {
                part.1 = narrow(text.as_str().len());
            }
        }
        events
    }

    /// Adds the last word to the entry before it, or starts one.
    fn word(&mut self, start: u32, end: u32, line: u32, continues: bool) {
        let count = narrow(self.words.len());
        match self.list.last_mut() {
            Some(Event::Words { words, part, .. }) if continues => (words.1, part.1) = (count, end),
            _ => self.list.push(Event::Words { words: (count - 1, count), part: (start, end), line }),
        }
    }

    fn words(&self, (start, end): (u32, u32)) -> &[Word] {
        self.words.get(start as usize..end as usize).unwrap_or_default()
    }

    fn line(&self, number: u32) -> Option<&'l Line> {
        self.lines.get(number as usize)
    }

    /// How many `{` and how many `}` there are.
    fn braces(&self) -> (usize, usize) {
        let count = |is: fn(&Event) -> bool| self.list.iter().filter(|event| is(event)).count();
        (count(|event| matches!(event, Event::Open(..))), count(|event| matches!(event, Event::Close(_))))
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The tree of the whole configuration.
pub fn parse<'t, N: Nesting>(events: &'t Events<'t>, nesting: &N, diagnostics: &mut Report) -> Vec<Node<'t>> {
    let (opened, closed) = events.braces();
    let root = Frame { items: Vec::new(), context: nesting.root(), owner: None };
    let mut parser = Parser {
        nesting,
        diagnostics,
        events,
        next: 0,
        stack: vec![root],
        attaches: false,
        missing: opened.saturating_sub(closed),
        surplus: closed.saturating_sub(opened),
        ignored: 0,
    };
    while let Some(event) = events.list.get(parser.next) {
        parser.next += 1;
        parser.event(event);
    }
    parser.finish()
}

/// A block that is being read.
struct Frame<'t, C> {
    items: Vec<Node<'t>>,
    context: C,
    /// The entry that it belongs to, with its `{`; none for the root.
    owner: Option<Owner<'t>>,
}

struct Owner<'t> {
    node: Node<'t>,
    open: Span,
    missing_open: bool,
}

struct Parser<'a, 't, N: Nesting> {
    nesting: &'a N,
    diagnostics: &'a mut Report,
    events: &'t Events<'t>,
    /// The event that comes next.
    next: usize,
    /// The root and the open blocks, never empty.
    stack: Vec<Frame<'t, N::Context>>,
    /// Whether a `{` would belong to the last entry.
    attaches: bool,
    /// How many `}` the file lacks.
    missing: usize,
    /// How many `}` it has too many.
    surplus: usize,
    /// `{` beyond the greatest depth that wait for their `}`.
    ignored: usize,
}

impl<'t, N: Nesting> Parser<'_, 't, N> {
    fn event(&mut self, event: &Event) {
        match *event {
            Event::Words { words, part, line } => {
                let words = self.events.words(words);
                if let Some(first) = words.first() {
                    self.close_missing(first);
                }
                if let Some(line) = self.events.line(line) {
                    self.push(Node { words, line, part, block: None });
                }
                self.attaches = true;
                self.open_missing();
            }
            Event::Open(span, line) => {
                if let Some(line) = self.events.line(line) {
                    self.open(span, line);
                }
            }
            Event::Close(span) => self.close(span),
        }
    }

    /// The first word of what comes next, unless that is a brace.
    fn next_word(&self) -> Option<&'t Word> {
        match self.events.list.get(self.next)? {
            Event::Words { words, .. } => self.events.words(*words).first(),
            Event::Open(..) | Event::Close(_) => None,
        }
    }

    fn context(&self) -> N::Context {
        self.stack.last().map_or_else(|| self.nesting.root(), |frame| frame.context)
    }

    fn push(&mut self, node: Node<'t>) {
        if let Some(frame) = self.stack.last_mut() {
            frame.items.push(node);
        }
    }

    fn open(&mut self, span: Span, line: &'t Line) {
        if self.stack.len() > MAX_DEPTH {
            self.ignored += 1;
            let message = format!("blocks nest more than {MAX_DEPTH} deep");
            let diagnostic =
                Diagnostic::warning(Code::UnexpectedOpenBrace, span, message).label("this brace is ignored");
            return self.diagnostics.push(diagnostic);
        }
        let attached = if std::mem::take(&mut self.attaches) {
            self.stack.last_mut().and_then(|frame| frame.items.pop())
        } else {
            None
        };
        let node = attached.unwrap_or(Node { words: &[], line, part: (0, 0), block: None });
        self.enter(node, span, false);
    }

    fn enter(&mut self, node: Node<'t>, open: Span, missing_open: bool) {
        let context = match node.words.first() {
            Some(word) => self.nesting.inside(self.context(), &word.text),
            None => self.context(),
        };
        let owner = Some(Owner { node, open, missing_open });
        self.stack.push(Frame { items: Vec::new(), context, owner });
    }

    fn close(&mut self, span: Span) {
        self.attaches = false;
        if self.ignored > 0 {
            self.ignored -= 1;
        } else if self.stack.len() < 2 || self.is_surplus() {
            self.surplus = self.surplus.saturating_sub(1);
            let diagnostic = Diagnostic::warning(Code::ExtraCloseBrace, span, "`}` that closes nothing")
                .label("ignored")
                .hint("remove it, or look above for a missing `{`");
            self.diagnostics.push(diagnostic);
        } else {
            self.leave();
        }
    }

    fn leave(&mut self) {
        let Some(Frame { mut items, owner: Some(mut owner), .. }) =
            self.stack.pop_if(|frame| frame.owner.is_some())
        else {
            return;
        };
        items.shrink_to_fit();
        let block = Block { open: owner.open, missing_open: owner.missing_open, items };
        owner.node.block = Some(Box::new(block));
        self.push(owner.node);
        self.attaches = false;
    }

    /// Whether what follows this `}` still belongs in the block, and nowhere else.
    fn is_surplus(&self) -> bool {
        let (Some(word), [.., outer, inner]) = (self.next_word(), self.stack.as_slice()) else {
            return false;
        };
        self.surplus > 0
            && !self.nesting.holds(outer.context, &word.text)
            && self.nesting.holds(inner.context, &word.text)
    }

    /// Closes blocks that `word` cannot belong in, if one around them holds it.
    fn close_missing(&mut self, first: &Word) {
        let (word, span) = (first.text.as_str(), first.span);
        if self.missing == 0 || self.nesting.holds(self.context(), word) {
            return;
        }
        let outer = self.stack.iter().rev().position(|frame| self.nesting.holds(frame.context, word));
        let Some(levels) = outer.filter(|levels| *levels <= self.missing) else { return };
        for _ in 0..levels {
            let opened = self.stack.last().and_then(|frame| frame.owner.as_ref());
            let Some(owner) = opened else { return };
            let name = owner.node.words.first().map_or("block", |word| word.text.as_str());
            let message = format!("the `}}` of `{name}` is missing before this line");
            let diagnostic = Diagnostic::warning(Code::MissingCloseBrace, span, message)
                .label("read as if it stood above")
                .related(owner.open, "this block is not closed")
                .hint(format!("write `}}` after the last line of `{name}`"));
            self.diagnostics.push(diagnostic);
            self.missing -= 1;
            self.leave();
        }
    }

    /// Opens the block of the last entry if what follows can only belong in it.
    fn open_missing(&mut self) {
        let last = self.stack.last().and_then(|frame| frame.items.last());
        let (Some(next), Some(node)) = (self.next_word(), last) else { return };
        let Some(first) = node.words.first() else { return };
        let context = self.context();
        let fits = self.surplus > 0
            && self.nesting.opens(context, &first.text)
            && !self.nesting.holds(context, &next.text)
            && self.nesting.holds(self.nesting.inside(context, &first.text), &next.text);
        if !fits {
            return;
        }
        self.surplus -= 1;
        let place = node.words.last().unwrap_or(first).span.after();
        let diagnostic = Diagnostic::warning(
            Code::MissingOpenBrace,
            place,
            format!("`{{` is missing after `{}`", first.text),
        )
        .label(if self.nesting.loses(context, &first.text) {
            "the whole block is ignored"
        } else {
            "read as if it stood here"
        })
        .hint("write `{` at the end of the line");
        self.diagnostics.push(diagnostic);
        let node = self.stack.last_mut().and_then(|frame| frame.items.pop());
        self.attaches = false;
        if let Some(node) = node {
            self.enter(node, place, true);
        }
    }

    fn finish(mut self) -> Vec<Node<'t>> {
        while self.stack.len() > 1 {
            let opened = self.stack.last().and_then(|frame| frame.owner.as_ref());
            if let Some(owner) = opened {
                let what = owner.node.words.first().map_or("block", |word| word.text.as_str());
                let message =
                    format!("`}}` is missing: this block of `{what}` goes on to the end of the file");
                let diagnostic = Diagnostic::warning(Code::MissingCloseBrace, owner.open, message)
                    .label("never closed; used as it was read")
                    .hint(format!("write `}}` after the last line of `{what}`"));
                self.diagnostics.push(diagnostic);
            }
            self.leave();
        }
        self.stack.pop().map(|root| root.items).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    /// Blocks are words in upper case and hold the words of their lower-case letters; the root holds `A` and `B`.
    struct Letters;

    impl Nesting for Letters {
        type Context = char;

        fn root(&self) -> char {
            '*'
        }
        fn inside(&self, _: char, word: &str) -> char {
            word.chars().next().unwrap_or('?')
        }
        fn holds(&self, context: char, word: &str) -> bool {
            match context {
                '*' => word == "A" || word == "B",
                'S' => word.starts_with('s'),
                other => word == "S" || word.starts_with(other.to_ascii_lowercase()),
            }
        }
        fn loses(&self, context: char, _: &str) -> bool {
            context == '*'
        }
        fn opens(&self, _: char, word: &str) -> bool {
            word.starts_with(char::is_uppercase)
        }
    }

    fn show(nodes: &[Node<'_>]) -> String {
        let one = |node: &Node<'_>| {
            let words: Vec<_> = node.words.iter().map(|word| word.text.as_str()).collect();
            let words = words.join(" ");
            match &node.block {
                Some(block) => format!("{words}{{{}}}", show(&block.items)),
                None => words,
            }
        };
        nodes.iter().map(one).collect::<Vec<_>>().join(";")
    }

    /// The tree, and each problem as code@line.
    fn parsed(text: &str) -> (String, Vec<String>) {
        let mut map = SourceMap::default();
        let id = map.add("f".into(), text.as_bytes());
        let source = map.get(id).unwrap();
        let lines: Vec<_> = (0..source.line_count())
            .map(|index| Line::of_source(id, source, source.line_range(index)))
            .collect();
        let mut diagnostics = Report::default();
        let events = Events::of(&lines, &mut diagnostics);
        let tree = parse(&events, &Letters, &mut diagnostics);
        let problem = |it: &Diagnostic| format!("{}@{}", it.code.as_str(), map.location(it.span).line);
        (show(&tree), diagnostics.into_list().iter().map(problem).collect())
    }

    #[track_caller]
    fn check(text: &str, tree: &str, problems: &[&str]) {
        assert_eq!(parsed(text), (tree.to_owned(), problems.iter().map(|it| (*it).to_owned()).collect()));
    }

    #[test]
    fn a_brace_belongs_to_the_words_before_it_on_either_line() {
        check("A x {\n a 1\n}\nB\n\n{\nb\n}", "A x{a 1};B{b}", &[]);
    }

    #[test]
    fn a_brace_ends_an_entry_on_its_line() {
        check("A { a 1\nS { s1 s2 } } B{b}", "A{a 1;S{s1 s2}};B{b}", &[]);
    }

    #[test]
    fn a_block_without_words_is_an_entry_without_words() {
        check("A { { a } }", "A{{a}}", &[]);
    }

    #[test]
    fn a_missing_closing_brace_is_found_where_the_next_entry_fits_only_outside() {
        check(
            "A {\na\nS {\ns\nB {\nb\n}",
            "A{a;S{s}};B{b}",
            &["missing-close-brace@5", "missing-close-brace@5"],
        );
        check("A {\nS {\ns\na\n}\nB {\n}", "A{S{s};a};B{}", &["missing-close-brace@4"]);
    }

    #[test]
    fn a_block_that_nothing_ends_is_reported_at_its_opening_brace() {
        check("A {\na\nS {\ns\n", "A{a;S{s}}", &["missing-close-brace@1", "missing-close-brace@3"]);
    }

    #[test]
    fn a_surplus_brace_amid_a_block_does_not_end_it() {
        check("A {\na1\n}\na2\n}\nB {\n}", "A{a1;a2};B{}", &["extra-close-brace@3"]);
    }

    #[test]
    fn a_surplus_brace_at_the_end_is_reported() {
        check("A {\n}\n}", "A{}", &["extra-close-brace@3"]);
    }

    #[test]
    fn a_missing_opening_brace_is_put_in_where_only_the_block_fits() {
        check(
            "A\na1\nS\ns\n}\na2\n}\nB {\n}",
            "A{a1;S{s};a2};B{}",
            &["missing-open-brace@1", "missing-open-brace@3"],
        );
    }

    #[test]
    fn a_file_that_balances_is_left_as_it_is() {
        check("A {\nB {\n}\n}", "A{B{}}", &[]);
    }

    #[test]
    fn depth_is_bounded() {
        let (tree, problems) = parsed(&"{".repeat(MAX_DEPTH + 3));
        assert_eq!(tree.matches('{').count(), MAX_DEPTH);
        assert_eq!(problems.iter().filter(|it| it.starts_with("unexpected-open-brace")).count(), 3);
    }
}
