//! What the tree becomes: entries of the keyword table.

use std::net::IpAddr;
use std::time::Duration;

use crate::keyword::{Datum, Keyword};
use crate::lex::Word;
use crate::parse::Node;
use crate::source::Span;

/// An entry whose keyword is known and whose values are of the right kind.
#[derive(Debug)]
pub struct Entry<'t> {
    /// The keyword, under its right name.
    pub keyword: &'static Keyword,
    /// As it is written.
    pub word: &'t Word,
    /// The value, for keywords that take one.
    pub value: Option<Datum>,
    /// Where it comes from.
    pub node: &'t Node<'t>,
    /// Its block.
    pub contents: Contents<'t>,
    /// The place of the first entry of the same keyword in the same block, if that is not this one.
    pub first: Option<Span>,
}

/// What stands in the block of an entry.
#[derive(Debug)]
pub enum Contents<'t> {
    /// It has none.
    Nothing,
    /// Entries of the table.
    Entries(Box<[Entry<'t>]>),
    /// Lines with a syntax of their own, and lines of names.
    Lines(Box<[&'t Node<'t>]>),
}

impl<'t> Entry<'t> {
    /// The keyword's name in the table.
    pub const fn name(&self) -> &'static str {
        self.keyword.name
    }

    /// The words after the keyword.
    pub fn args(&self) -> &'t [Word] {
        self.node.words.get(1..).unwrap_or_default()
    }

    /// The entries of its block.
    pub fn entries(&self) -> &[Entry<'t>] {
        match &self.contents {
            Contents::Entries(entries) => entries,
            Contents::Nothing | Contents::Lines(_) => &[],
        }
    }

    /// The lines of its block.
    pub fn lines(&self) -> &[&'t Node<'t>] {
        match &self.contents {
            Contents::Lines(lines) => lines,
            Contents::Nothing | Contents::Entries(_) => &[],
        }
    }

    /// The place of the first line that starts with the same word, if that is another one.
    pub fn first_line(&self, word: &Word) -> Option<Span> {
        let words = self.lines().iter().filter_map(|node| node.words.first());
        words
            .into_iter()
            .find(|first| first.text == word.text)
            .map(|first| first.span)
            .filter(|span| *span != word.span)
    }

    /// The names in its block.
    pub fn names(&self) -> impl Iterator<Item = &'t Word> {
        self.lines().iter().flat_map(|node| node.words)
    }

    /// From the keyword to the last word.
    pub fn span(&self) -> Span {
        self.args().last().map_or(self.word.span, |last| self.word.span.to(last.span))
    }

    /// The place of the first word after the keyword; without one, of the keyword.
    pub fn value_span(&self) -> Span {
        self.args().first().map_or(self.word.span, |word| word.span)
    }

    /// The first word after the keyword.
    pub fn text(&self) -> &'t str {
        self.args().first().map_or("", |word| &word.text)
    }

    /// A switch: yes unless the word says no.
    pub fn switch(&self) -> bool {
        self.value != Some(Datum::Bool(false))
    }

    /// The number that it takes.
    pub fn integer<N: TryFrom<i64>>(&self) -> Option<N> {
        match &self.value {
            Some(Datum::Integer(number)) => N::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The time that it takes.
    pub fn time(&self) -> Option<Duration> {
        match &self.value {
            Some(Datum::Time(time)) => Some(*time),
            _ => None,
        }
    }

    /// The time of a keyword that takes whole seconds.
    pub fn seconds(&self) -> Option<Duration> {
        self.integer().map(Duration::from_secs)
    }

    /// The address that it takes.
    pub fn address(&self) -> Option<IpAddr> {
        match &self.value {
            Some(Datum::Address(address)) => Some(*address),
            _ => None,
        }
    }

    /// The word that it takes, as the table or the value writes it.
    pub fn choice(&self) -> Option<&str> {
        match self.value.as_ref()? {
            Datum::Choice(word) => Some(word),
            Datum::Text(word) => Some(word),
            _ => None,
        }
    }
}
