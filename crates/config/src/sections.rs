//! Which lines can be read apart from the others.
//!
//! A load balancer's file is a few blocks that matter to all, and thousands of `virtual_server` blocks that matter to
//! none but themselves. **The latter are read one by one, each forgotten before the next**, so that what is in memory at a
//! time is small and stays in the processor's caches; that is worth more than any care about what each line costs. A
//! file whose braces do not balance, or a block written in an unusual way, is read as a whole: the result is the same.

use std::ops::Range;

use crate::lex::braces;
use crate::read::{Line, is_folded};

/// The keyword of the blocks that are read apart.
const APART: &str = "virtual_server";

/// Lines by their numbers, in order and without gaps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Section {
    /// To be read first, and kept.
    Kept(Range<usize>),
    /// One block, which nothing else refers to; or several that follow each other, if each is one line.
    Apart(Range<usize>),
}

/// Divides the lines of a configuration.
pub fn sections(lines: &[Line]) -> Vec<Section> {
    let mut sections = Vec::new();
    let (mut depth, mut kept, mut apart) = (0_usize, 0, None);
    for (index, line) in lines.iter().enumerate() {
        if depth == 0 && is_folded(line) {
            apart = None;
            match sections.last_mut() {
                Some(Section::Apart(range))
                    if kept == index && lines.get(range.start).is_some_and(is_folded) =>
                {
                    range.end = index + 1;
                }
                _ => {
                    if kept < index {
                        sections.push(Section::Kept(kept..index));
                    }
                    sections.push(Section::Apart(index..index + 1));
                }
            }
            kept = index + 1;
            continue;
        }
        let (opened, closed) = braces(line);
        let text = line.as_str();
        if depth == 0 && !(apart.is_some() && text.starts_with('{')) {
            apart = starts_apart(text).then_some(index);
        }
        if closed >= depth && closed > 0 {
            // The block ends here; it can be cut out only if nothing else stands on the line.
            if let Some(start) = apart.take().filter(|_| text == "}") {
                if kept < start {
                    sections.push(Section::Kept(kept..start));
                }
                sections.push(Section::Apart(start..index + 1));
                kept = index + 1;
            }
        }
        match (depth + opened).checked_sub(closed) {
            Some(inner) => depth = inner,
            None => return vec![Section::Kept(0..lines.len())],
        }
    }
    if depth > 0 {
        return vec![Section::Kept(0..lines.len())];
    }
    if kept < lines.len() {
        sections.push(Section::Kept(kept..lines.len()));
    }
    sections
}

/// Whether this may be the first line of such a block.
pub fn starts_apart(text: &str) -> bool {
    text.strip_prefix(APART).is_some_and(|rest| rest.starts_with([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    #[track_caller]
    fn check(text: &str, expected: &[Section]) {
        let mut map = SourceMap::default();
        let id = map.add("f".into(), text.as_bytes());
        let source = map.get(id).unwrap();
        let line = |index| Line::of_source(id, source, source.line_range(index)).trim();
        let lines: Vec<_> = (0..source.line_count()).map(line).collect();
        assert_eq!(sections(&lines), expected, "{text}");
    }

    use Section::{Apart, Kept};

    #[test]
    fn virtual_servers_are_read_apart_wherever_they_stand() {
        let server = "virtual_server 10.0.0.1 80 {\n real_server 10.0.0.2 80 {\n }\n}\n";
        check(
            &format!("{server}a {{\n}}\n{server}{server}b"),
            &[Apart(0..4), Kept(4..6), Apart(6..10), Apart(10..14), Kept(14..15)],
        );
        check("virtual_server a\n{\n}", &[Apart(0..3)]);
    }

    #[test]
    fn a_block_that_does_not_end_on_a_line_of_its_own_is_kept() {
        check("virtual_server a { }\nb", &[Kept(0..2)]);
        check("virtual_server a {\n} b {\n}", &[Kept(0..3)]);
        check("virtual_server a {\n} {\n}", &[Kept(0..3)]);
        check("virtual_server a\nb {\n}", &[Kept(0..3)]);
        check("virtual_server_group a {\n}", &[Kept(0..2)]);
    }

    #[test]
    fn a_brace_in_quotes_is_none() {
        check("virtual_server a {\n p \"}\"\n}", &[Apart(0..3)]);
    }

    #[test]
    fn a_file_that_does_not_balance_is_read_as_a_whole() {
        check("virtual_server a {\n}\n}", &[Kept(0..3)]);
        check("virtual_server a {\n}\nb {", &[Kept(0..3)]);
    }
}
