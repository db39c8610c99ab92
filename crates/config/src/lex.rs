//! Lines to words and braces.
//!
//! keepalived's rules: words are separated by white space; braces stand for themselves wherever they are; double quotes
//! make one word of what is between them, without escapes, and end a word that they touch; `#` and `!` start a comment
//! that ends with the line unless they are quoted or follow a backslash. **Every word has the place of its characters.**
//!
//! Where lines end matters to the parser, so tokens come line by line.

use std::ops::Range;

use compact_str::CompactString;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::read::Line;
use crate::source::Span;

/// A word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// Without its quotes and escapes.
    pub text: CompactString,
    /// Where it stands, quotes included.
    pub span: Span,
    /// Whether it was quoted.
    pub quoted: bool,
}

/// A word or a brace. The range is its place within the line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    /// A word.
    Word(Word, Range<usize>),
    /// `{`
    Open(Span),
    /// `}`
    Close(Span),
}

/// Of [`kinds`]: a brace.
pub const BRACE: u8 = 1;
/// Of [`kinds`]: a quote or a dollar, in which a brace may be none.
const HIDES: u8 = 2;
/// Of [`kinds`]: all but braces, blanks, ends of lines, and what means nothing but itself.
pub const SIGN: u8 = 4;

/// Of which kinds the bytes of a text are.
pub fn kinds(text: &[u8]) -> u8 {
    text.iter().fold(0, |kinds, byte| kinds | KINDS[usize::from(*byte)])
}

const KINDS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte {
            // Quote and dollar.
            0x22 | 0x24 => SIGN | HIDES,
            // The signs of comments, conditions and sequences, the backslash.
            0x21 | 0x23 | 0x40 | 0x5c | 0x7e => SIGN,
            0x7b | 0x7d => BRACE,
            0x09 | 0x0a | 0x0d | 0x20..=0x7d => 0,
            // Other control characters; beyond ASCII, there may be white space.
            _ => SIGN,
        };
        byte += 1;
    }
    table
};

/// Where the comment of a line starts; the length of the line if it has none.
pub fn comment_start(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' | '!' if !quoted && !escaped => return at,
            _ => {}
        }
        escaped = c == '\\' && !quoted;
    }
    text.len()
}

/// How many `{` and `}` a line has.
pub fn braces(line: &Line) -> (usize, usize) {
    let text = line.as_str();
    let kinds = kinds(text.as_bytes());
    if kinds & BRACE == 0 {
        return (0, 0);
    }
    if kinds & HIDES == 0 {
        let count = |brace: u8| text.bytes().filter(|byte| *byte == brace).count();
        return (count(b'{'), count(b'}'));
    }
    let mut nowhere = Report::default();
    Tokens::of(line, &mut nowhere).fold((0, 0), |(opened, closed), token| match token {
        Token::Word(..) => (opened, closed),
        Token::Open(_) => (opened + 1, closed),
        Token::Close(_) => (opened, closed + 1),
    })
}

/// The tokens of a line from which the comment has been cut.
pub struct Tokens<'l> {
    line: &'l Line,
    text: &'l str,
    at: usize,
    /// Whether the rest of the line was lost with a quote that has no partner.
    unterminated: bool,
    diagnostics: &'l mut Report,
}

impl<'l> Tokens<'l> {
    pub fn of(line: &'l Line, diagnostics: &'l mut Report) -> Self {
        Self { line, text: line.as_str(), at: 0, unterminated: false, diagnostics }
    }

    /// Whether a quote without its partner ended the line.
    pub const fn is_unterminated(&self) -> bool {
        self.unterminated
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at + trim_start(self.text.get(self.at..)?);
        let rest = self.text.get(start..)?;
        let word = |text: CompactString, span: Span, quoted: bool| Word { text, span, quoted };
        match rest.as_bytes().first()? {
            brace @ (b'{' | b'}') => {
                self.at = start + 1;
                let span = self.line.span(start..self.at);
                Some(if *brace == b'{' { Token::Open(span) } else { Token::Close(span) })
            }
            b'"' => {
                let inside = rest.get(1..)?;
                let Some(length) = inside.find('"') else {
                    let end = start + rest.trim_end().len();
                    self.at = self.text.len();
                    self.unterminated = true;
                    self.diagnostics.push(unterminated(self.line.span(start..end)));
                    return None;
                };
                self.at = start + length + 2;
                let range = start..self.at;
                let text = inside.get(..length)?.into();
                Some(Token::Word(word(text, self.line.span(range.clone()), true), range))
            }
            _ => {
                let (length, text) = plain(rest);
                self.at = start + length;
                let range = start..self.at;
                Some(Token::Word(word(text, self.line.span(range.clone()), false), range))
            }
        }
    }
}

/// The unquoted word that `text` starts with: its bytes, and what it says.
fn plain(text: &str) -> (usize, CompactString) {
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|byte| SPECIAL[usize::from(*byte)]).unwrap_or(text.len());
    match bytes.get(end) {
        // Most words are nothing special.
        None | Some(b'\t'..=b'\r' | b' ' | b'}' | b'"') => (end, text[..end].into()),
        Some(_) => {
            let length = plain_length(text);
            (length, unescape(&text[..length]))
        }
    }
}

/// Bytes of the unquoted word that `text` starts with.
fn plain_length(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | '"'));
        let Some(end) = end else { return text.len() };
        // What a definition left of `${NAME}` is one word: its braces are no braces of the file's.
        let name = rest[end..].strip_prefix('{').filter(|_| rest[..end].ends_with('$'));
        match name.and_then(|name| name.find('}').filter(|close| !name[..*close].contains(['"', '{']))) {
            Some(close) => at += end + close + 2,
            None => return at + end,
        }
    }
}

/// Bytes that may end an unquoted word or are not what they seem in it; beyond ASCII they may be white space.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        // Tab to carriage return, blank, quote, backslash, braces.
        table[byte] = matches!(byte, 0x09..=0x0d | 0x20 | 0x22 | 0x5c | 0x7b | 0x7d | 0x80..);
        byte += 1;
    }
    table
};

/// Bytes of white space at the start; mostly blanks and tabs.
fn trim_start(text: &str) -> usize {
    let blanks = text.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match text.as_bytes().get(blanks) {
        Some(b'!'..=b'~') | None => blanks,
        Some(_) => text.len() - text.trim_start().len(),
    }
}

/// `\#` and `\!` are the characters themselves.
fn unescape(text: &str) -> CompactString {
    if text.bytes().any(|byte| byte == b'\\') {
        text.replace("\\#", "#").replace("\\!", "!").into()
    } else {
        text.into()
    }
}

/// What is said of a quote at the start of `span`, which goes on to the end of the line.
pub fn unterminated(span: Span) -> Diagnostic {
    Diagnostic::warning(Code::UnterminatedQuote, span, "double quote without its partner")
        .label("everything from here to the end of the line is ignored")
        .hint("close the quote on the same line; a quoted text cannot go on in the next one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    /// Words in quotes, braces as they are.
    fn shown(text: &str) -> (Vec<String>, Vec<Diagnostic>) {
        let mut map = SourceMap::default();
        let id = map.add("f".into(), text.as_bytes());
        let source = map.get(id).unwrap();
        let line = Line::of_source(id, source, source.line_range(0));
        let line = line.part(0..comment_start(line.as_str()));
        let mut diagnostics = Report::default();
        let tokens: Vec<_> = Tokens::of(&line, &mut diagnostics).collect();
        let shown = tokens.iter().map(|token| match token {
            Token::Word(word, _) => format!("{}={}", word.text, map.text(word.span)),
            Token::Open(span) | Token::Close(span) => map.text(*span).to_owned(),
        });
        (shown.collect(), diagnostics.into_list())
    }

    fn tokens(text: &str) -> Vec<String> {
        let (tokens, diagnostics) = shown(text);
        assert_eq!(diagnostics, [], "{text}");
        tokens
    }

    #[test]
    fn words_are_separated_by_any_white_space() {
        assert_eq!(tokens(" a\tb\u{c}c \r"), ["a=a", "b=b", "c=c"]);
        assert_eq!(tokens(""), [] as [&str; 0]);
    }

    #[test]
    fn braces_stand_for_themselves_wherever_they_are() {
        assert_eq!(tokens("v{10.0.0.1}}"), ["v=v", "{", "10.0.0.1=10.0.0.1", "}", "}"]);
        assert_eq!(tokens("p \"a{b}c\""), ["p=p", "a{b}c=\"a{b}c\""]);
    }

    #[test]
    fn a_name_that_is_not_filled_in_keeps_its_braces() {
        assert_eq!(
            tokens("a ${X}/24 b${Y:-1 2}c {"),
            ["a=a", "${X}/24=${X}/24", "b${Y:-1 2}c=b${Y:-1 2}c", "{"]
        );
        assert_eq!(tokens("a $ {"), ["a=a", "$=$", "{"]);
        assert_eq!(tokens("${"), ["$=$", "{"]);
    }

    #[test]
    fn a_quote_starts_and_ends_a_word() {
        assert_eq!(tokens("i et\"h 0\"x"), ["i=i", "et=et", "h 0=\"h 0\"", "x=x"]);
        assert_eq!(tokens("p \"\""), ["p=p", "=\"\""]);
        assert_eq!(tokens("p 'a b'"), ["p=p", "'a='a", "b'=b'"]);
    }

    #[test]
    fn a_comment_starts_anywhere_outside_quotes() {
        assert_eq!(tokens("a b#c"), ["a=a", "b=b"]);
        assert_eq!(tokens("a !b"), ["a=a"]);
        assert_eq!(tokens("! b"), [] as [&str; 0]);
        assert_eq!(tokens("p \"a#!b\" # c"), ["p=p", "a#!b=\"a#!b\""]);
    }

    #[test]
    fn a_backslash_saves_a_comment_character() {
        assert_eq!(tokens(r"p a\#b\!c # d"), ["p=p", r"a#b!c=a\#b\!c"]);
        assert_eq!(tokens(r"p a\b"), ["p=p", r"a\b=a\b"]);
    }

    #[test]
    fn an_unterminated_quote_swallows_the_rest_of_the_line() {
        let (tokens, diagnostics) = shown("p \"abc # d  ");
        assert_eq!(tokens, ["p=p"]);
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(diagnostics[0].code, Code::UnterminatedQuote);
        assert_eq!((diagnostics[0].span.start, diagnostics[0].span.end), (2, 10));
    }

    #[test]
    fn places_are_right_behind_chinese_text() {
        assert_eq!(tokens("路由 {主 备}"), ["路由=路由", "{", "主=主", "备=备", "}"]);
    }
}
