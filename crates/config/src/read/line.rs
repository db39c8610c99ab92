//! A line to be parsed: text, and for each byte of it the place that it comes from.
//!
//! **Every byte of a line has a place in a source**: text that stands in a file has its own, text that a definition put
//! there has the place of the `$NAME` that asked for it.

use std::ops::Range;
use std::rc::Rc;

use crate::source::{Source, SourceId, Span};

/// A line, or a part of one. Cheap to clone and to cut, and small: there are as many as the files have lines.
#[derive(Clone, Debug)]
pub struct Line {
    origin: Origin,
    /// Which part of the text of its origin.
    start: u32,
    end: u32,
}

#[derive(Clone, Debug)]
enum Origin {
    /// The text of this source: an offset in it is an offset in the source.
    Source(SourceId, Rc<String>),
    /// A text that was put together.
    Pieces(Rc<Pieces>),
}

/// A text, and what it was put together from.
#[derive(Debug)]
struct Pieces {
    text: String,
    /// In order.
    list: Vec<Piece>,
    /// The place of what is in none of them.
    whole: Span,
}

/// A part of a line that was put together.
#[derive(Clone, Debug)]
struct Piece {
    text: Range<usize>,
    span: Span,
    /// Whether the piece is the text of its span, so that its bytes have places of their own.
    verbatim: bool,
}

impl Line {
    /// A range of a source.
    pub fn of_source(id: SourceId, source: &Source, range: Range<u32>) -> Self {
        let Range { start, end } = range;
        Self { origin: Origin::Source(id, source.shared_text()), start, end }
    }

    /// Which part of the text.
    const fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let text = match &self.origin {
            Origin::Source(_, text) => text,
            Origin::Pieces(pieces) => &pieces.text,
        };
        text.get(self.range()).unwrap_or_default()
    }

    /// The place of the whole line.
    pub fn whole(&self) -> Span {
        self.span(0..self.range().len())
    }

    /// The place of a part (offsets from the start of this line). An empty part has the place where it would stand.
    pub fn span(&self, part: Range<usize>) -> Span {
        let start = self.start as usize + part.start;
        let end = self.start as usize + part.end;
        match &self.origin {
            Origin::Source(source, _) => Span { source: *source, start: narrow(start), end: narrow(end) },
            Origin::Pieces(pieces) => {
                let Pieces { list, whole, .. } = &**pieces;
                let first = locate(list, start, end.max(start + 1)).unwrap_or(*whole);
                let last = locate(list, end.max(start + 1) - 1, end).unwrap_or(*whole);
                if start == end { Span { end: first.start, ..first } } else { first.to(last) }
            }
        }
    }

    /// A part of this line (offsets from its start).
    #[must_use]
    pub fn part(&self, part: Range<usize>) -> Self {
        self.clone().into_part(part)
    }

    /// Cuts this line to a part of itself.
    #[must_use]
    pub fn into_part(self, part: Range<usize>) -> Self {
        let at = |offset: usize| narrow(self.start as usize + offset);
        Self { start: at(part.start), end: at(part.end), ..self }
    }

    /// Without white space at both ends.
    #[must_use]
    pub fn trim(self) -> Self {
        let text = self.as_str();
        let mut trimmed = text.trim_ascii();
        let outer = [trimmed.as_bytes().first(), trimmed.as_bytes().last()];
        if !outer.into_iter().flatten().all(u8::is_ascii_graphic) {
            // There is white space beyond that of ASCII.
            trimmed = text.trim();
        }
        let start = trimmed.as_ptr().addr() - text.as_ptr().addr();
        let end = start + trimmed.len();
        self.into_part(start..end)
    }
}

fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// The place of a range, as far as it lies within the piece of its start; past the end, the place of the last piece.
fn locate(pieces: &[Piece], start: usize, end: usize) -> Option<Span> {
    let index = pieces.partition_point(|piece| piece.text.end <= start);
    let piece = pieces.get(index).or(pieces.last())?;
    Some(if piece.verbatim { piece.place(start, end) } else { piece.span })
}

impl Piece {
    /// The place of a part of a verbatim piece.
    fn place(&self, start: usize, end: usize) -> Span {
        let at = |offset: usize| {
            narrow(self.span.start as usize + offset.saturating_sub(self.text.start)).min(self.span.end)
        };
        Span { start: at(start), end: at(end), ..self.span }
    }
}

/// Puts a line together.
#[derive(Default)]
pub struct LineBuilder {
    text: String,
    pieces: Vec<Piece>,
}

impl LineBuilder {
    /// Adds a line with its places.
    pub fn push_line(&mut self, line: &Line) {
        let range = line.range();
        let shift = |offset: usize| offset - range.start + self.text.len();
        match &line.origin {
            _ if range.is_empty() => {}
            Origin::Source(..) => {
                let text = self.text.len()..self.text.len() + range.len();
                self.pieces.push(Piece { text, span: line.whole(), verbatim: true });
            }
            Origin::Pieces(pieces) => {
                // They are in order, and a line that was put in again and again has thousands.
                let first = pieces.list.partition_point(|piece| piece.text.end <= range.start);
                let parts = pieces.list.get(first..).unwrap_or_default().iter();
                let parts: Vec<_> = parts
                    .take_while(|piece| piece.text.start < range.end)
                    .map(|piece| {
                        let (start, end) = (piece.text.start.max(range.start), piece.text.end.min(range.end));
                        let span = if piece.verbatim { piece.place(start, end) } else { piece.span };
                        Piece { text: shift(start)..shift(end), span, verbatim: piece.verbatim }
                    })
                    .collect();
                self.pieces.extend(parts);
            }
        }
        self.text.push_str(line.as_str());
    }

    /// Adds text that stands for something at `span`.
    pub fn push_text(&mut self, text: &str, span: Span) {
        if !text.is_empty() {
            let range = self.text.len()..self.text.len() + text.len();
            self.text.push_str(text);
            self.pieces.push(Piece { text: range, span, verbatim: false });
        }
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// The line; `place` is where it stands as a whole.
    pub fn finish(self, place: Span) -> Line {
        let (start, end) = (0, narrow(self.text.len()));
        let pieces = Pieces { text: self.text, list: self.pieces, whole: place };
        Line { origin: Origin::Pieces(Rc::new(pieces)), start, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    fn line(map: &mut SourceMap, text: &str) -> Line {
        let id = map.add("f".into(), text.as_bytes());
        let source = map.get(id).unwrap();
        Line::of_source(id, source, source.line_range(0))
    }

    #[test]
    fn a_word_of_the_file_has_its_own_place_and_an_expanded_one_that_of_its_name() {
        let mut map = SourceMap::default();
        let source = line(&mut map, "interface $IF extra");
        let mut builder = LineBuilder::default();
        builder.push_line(&source.part(0..10));
        builder.push_text("eth0", source.span(10..13));
        builder.push_line(&source.part(13..19));
        let expanded = builder.finish(source.whole());
        assert_eq!(expanded.as_str(), "interface eth0 extra");
        assert_eq!(map.text(expanded.span(0..9)), "interface");
        assert_eq!(map.text(expanded.span(10..14)), "$IF");
        assert_eq!(map.text(expanded.span(12..13)), "$IF");
        assert_eq!(map.text(expanded.span(15..20)), "extra");
        assert_eq!(map.text(expanded.whole()), "interface $IF extra");
    }

    #[test]
    fn a_word_of_pieces_in_another_order_than_their_places_has_the_place_of_its_first_piece() {
        let mut map = SourceMap::default();
        let source = line(&mut map, "b$X 路由");
        let mut builder = LineBuilder::default();
        builder.push_line(&source.part(4..10));
        builder.push_line(&source.part(0..1));
        let swapped = builder.finish(source.whole());
        assert_eq!(swapped.as_str(), "路由b");
        assert_eq!(map.text(swapped.whole()), "路由");
    }

    #[test]
    fn a_part_of_an_expanded_line_keeps_its_places_when_it_is_expanded_again() {
        let mut map = SourceMap::default();
        let source = line(&mut map, "a $X b $Y c");
        let mut builder = LineBuilder::default();
        builder.push_line(&source.part(0..2));
        builder.push_text("xx", source.span(2..4));
        builder.push_line(&source.part(4..11));
        let once = builder.finish(source.whole());
        assert_eq!(once.as_str(), "a xx b $Y c");
        let mut builder = LineBuilder::default();
        builder.push_line(&once.part(0..7));
        builder.push_text("y", once.span(7..9));
        builder.push_line(&once.part(9..11));
        let twice = builder.finish(once.whole());
        assert_eq!(twice.as_str(), "a xx b y c");
        assert_eq!(map.text(twice.span(2..4)), "$X");
        assert_eq!(map.text(twice.span(5..6)), "b");
        assert_eq!(map.text(twice.span(7..8)), "$Y");
        assert_eq!(map.text(twice.span(9..10)), "c");
        assert_eq!(map.text(twice.part(5..10).trim().whole()), "b $Y c");
    }
}
