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

use std::collections::VecDeque;
use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::lex::{Token, Tokens, Word, braces};
use crate::read::{Line, LineBuilder};
use crate::source::Span;

/// An entry: words, and the block that follows them, if any.
#[derive(Clone, Debug)]
pub struct Node {
    /// None only for a block without words before it.
    pub words: Box<[Word]>,
    /// The text of the words and what is between them.
    pub line: Line,
    /// The block; few entries have one.
    pub block: Option<Box<Block>>,
}

/// What stands between braces.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its `{`, or where that should be.
    pub open: Span,
    /// Whether the `{` was missing.
    pub missing_open: bool,
    /// Its entries.
    pub items: Vec<Node>,
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
    /// Whether `word` needs a block.
    fn opens(&self, context: Self::Context, word: &str) -> bool;
}

/// Blocks may nest to this depth; keepalived's nest to five.
const MAX_DEPTH: usize = 32;

/// The tree of the whole configuration.
pub fn parse<N: Nesting>(lines: Vec<Line>, nesting: &N, diagnostics: &mut Report) -> Vec<Node> {
    let (opened, closed) =
        lines.iter().map(braces).fold((0, 0), |sum, line| (sum.0 + line.0, sum.1 + line.1));
    let root = Frame { items: Vec::new(), context: nesting.root(), owner: None };
    let mut parser = Parser {
        nesting,
        diagnostics,
        lines: lines.into_iter(),
        words: Vec::new(),
        events: VecDeque::new(),
        stack: vec![root],
        attaches: false,
        missing: opened.saturating_sub(closed),
        surplus: closed.saturating_sub(opened),
        ignored: 0,
    };
    parser.read_on();
    while let Some(event) = parser.events.pop_front() {
        parser.read_on();
        parser.event(event);
    }
    parser.finish()
}

enum Event {
    Words(Box<[Word]>, Line),
    Open(Span),
    Close(Span),
}

/// Each brace ends the words before it. Leaves `words` empty.
fn split(line: &Line, words: &mut Vec<Word>, events: &mut VecDeque<Event>, diagnostics: &mut Report) {
    let mut range = 0..0;
    let mut flush = |words: &mut Vec<Word>, range: &Range<usize>, event: Option<Event>| {
        if !words.is_empty() {
            // Collected apart, so that each entry has a box of the right size.
            events.push_back(Event::Words(words.drain(..).collect(), line.part(range.clone())));
        }
        events.extend(event);
    };
    for token in Tokens::of(line, diagnostics) {
        match token {
            Token::Word(word, at) => {
                range = if words.is_empty() { at } else { range.start..at.end };
                words.push(word);
            }
            Token::Open(span) => flush(words, &range, Some(Event::Open(span))),
            Token::Close(span) => flush(words, &range, Some(Event::Close(span))),
        }
    }
    flush(words, &range, None);
}

/// A block that is being read.
struct Frame<C> {
    items: Vec<Node>,
    context: C,
    /// The entry that it belongs to, with its `{`; none for the root.
    owner: Option<Owner>,
}

struct Owner {
    node: Node,
    open: Span,
    missing_open: bool,
}

struct Parser<'a, N: Nesting> {
    nesting: &'a N,
    diagnostics: &'a mut Report,
    lines: std::vec::IntoIter<Line>,
    /// Room for those of a line.
    words: Vec<Word>,
    /// The next event is always here, unless there is none.
    events: VecDeque<Event>,
    /// The root and the open blocks, never empty.
    stack: Vec<Frame<N::Context>>,
    /// Whether a `{` would belong to the last entry.
    attaches: bool,
    /// How many `}` the file lacks.
    missing: usize,
    /// How many `}` it has too many.
    surplus: usize,
    /// `{` beyond the greatest depth that wait for their `}`.
    ignored: usize,
}

impl<N: Nesting> Parser<'_, N> {
    /// Reads lines until an event is waiting.
    fn read_on(&mut self) {
        while self.events.is_empty()
            && let Some(line) = self.lines.next()
        {
            split(&line, &mut self.words, &mut self.events, self.diagnostics);
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Words(words, line) => {
                if let Some(first) = words.first() {
                    self.close_missing(first);
                }
                self.push(Node { words, line, block: None });
                self.attaches = true;
                self.open_missing();
            }
            Event::Open(span) => self.open(span),
            Event::Close(span) => self.close(span),
        }
    }

    fn context(&self) -> N::Context {
        self.stack.last().map_or_else(|| self.nesting.root(), |frame| frame.context)
    }

    fn push(&mut self, node: Node) {
        if let Some(frame) = self.stack.last_mut() {
            frame.items.push(node);
        }
    }

    fn open(&mut self, span: Span) {
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
        self.enter(attached, span, false);
    }

    fn enter(&mut self, attached: Option<Node>, open: Span, missing_open: bool) {
        let context = match attached.as_ref().and_then(|node| node.words.first()) {
            Some(word) => self.nesting.inside(self.context(), &word.text),
            None => self.context(),
        };
        let place = || LineBuilder::default().finish(open);
        let node = attached.unwrap_or_else(|| Node { words: Box::default(), line: place(), block: None });
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
        let (Some(Event::Words(words, _)), [.., outer, inner]) = (self.events.front(), self.stack.as_slice())
        else {
            return false;
        };
        let Some(word) = words.first() else { return false };
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
        let Some(Event::Words(next, _)) = self.events.front() else { return };
        let last = self.stack.last().and_then(|frame| frame.items.last());
        let (Some(next), Some(node)) = (next.first(), last) else { return };
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
        .label(if self.stack.len() > 1 {
            "read as if it stood here"
        } else {
            "the whole block is ignored"
        });
        self.diagnostics.push(diagnostic);
        let node = self.stack.last_mut().and_then(|frame| frame.items.pop());
        self.attaches = false;
        self.enter(node, place, true);
    }

    fn finish(mut self) -> Vec<Node> {
        while self.stack.len() > 1 {
            let opened = self.stack.last().and_then(|frame| frame.owner.as_ref());
            if let Some(owner) = opened {
                let what = owner.node.words.first().map_or("block", |word| word.text.as_str());
                let message =
                    format!("`}}` is missing: this block of `{what}` goes on to the end of the file");
                let diagnostic = Diagnostic::warning(Code::MissingCloseBrace, owner.open, message)
                    .label("never closed; used as it was read");
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
        fn opens(&self, _: char, word: &str) -> bool {
            word.starts_with(char::is_uppercase)
        }
    }

    fn show(nodes: &[Node]) -> String {
        let one = |node: &Node| {
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
        let tree = parse(lines, &Letters, &mut diagnostics);
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
