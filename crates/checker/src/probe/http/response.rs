//! Reading an answer, piece by piece.
//!
//! **However long an answer is, no more of it is kept than the head, at most [`LONGEST_HEAD`], and what a pattern has to
//! see, at most [`LONGEST_TEXT`].** As keepalived (2.2.7, measured): the head ends with an empty line of CR LF; a status is
//! the second of the words before the first line's third, whatever the first says; a `Content-Length` ends what the digest
//! sees where it is short, and is no fault where it is long; a chunked body is taken as it comes, with its chunk lines.

use md5::{Digest, Md5};

use crate::outcome::PageFault;

/// What keepalived's buffer takes.
pub const LONGEST_HEAD: usize = 4096;
/// A pattern sees this much of a body.
pub const LONGEST_TEXT: usize = 1 << 20;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// What is to be found out about a body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Its MD5.
    pub digest: bool,
    /// Its text, for a pattern.
    pub text: bool,
}

/// An answer as far as it was read.
#[derive(Debug)]
pub struct Response {
    wanted: Wanted,
    head: Vec<u8>,
    status: Option<u16>,
    length: Option<u64>,
    in_body: bool,
    received: u64,
    digest: Md5,
    text: Vec<u8>,
}

impl Response {
    /// An answer of which nothing was read.
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            head: Vec::new(),
            status: None,
            length: None,
            in_body: false,
            received: 0,
            digest: Md5::new(),
            text: Vec::new(),
        }
    }

    /// Takes in what was read.
    ///
    /// # Errors
    /// A head without end.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), PageFault> {
        if self.in_body {
            self.push_body(bytes);
            return Ok(());
        }
        let before = self.head.len();
        let room = LONGEST_HEAD + END_OF_HEAD.len() - before;
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        // The end may lie across the border of two pieces.
        let from = before.saturating_sub(END_OF_HEAD.len() - 1);
        let Some(end) = find(&self.head[from..], END_OF_HEAD).map(|at| from + at + END_OF_HEAD.len()) else {
            return if self.head.len() > LONGEST_HEAD { Err(PageFault::HeadTooLong) } else { Ok(()) };
        };
        self.head.truncate(end);
        self.status = status(&self.head);
        self.length = content_length(&self.head);
        self.in_body = true;
        let rest = &bytes[end - before..];
        self.push_body(rest);
        Ok(())
    }

    fn push_body(&mut self, bytes: &[u8]) {
        let left = self.length.map_or(u64::MAX, |length| length.saturating_sub(self.received));
        let counted = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.received += bytes.len() as u64;
        if self.wanted.digest {
            self.digest.update(&bytes[..counted]);
        }
        if self.wanted.text {
            let room = LONGEST_TEXT - self.text.len();
            self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// The status line and the header fields, with the empty line that ends them; empty if they have no end.
    pub fn head(&self) -> &[u8] {
        if self.in_body { &self.head } else { &[] }
    }

    /// Whether the head ended.
    pub const fn has_head(&self) -> bool {
        self.in_body
    }

    /// The status code, if the first line has one.
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// How many of the first `received` bytes of the body the digest sees.
    pub fn counted(&self, received: usize) -> usize {
        self.length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX).min(received)
    }

    /// MD5 of the body as far as it was read.
    pub fn digest(&self) -> [u8; 16] {
        self.digest.clone().finalize().into()
    }

    /// The body as far as it was read and a pattern can see it.
    pub fn into_text(self) -> Vec<u8> {
        self.text
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The number between the first two spaces.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (_protocol, code, _reason) = (words.next()?, words.next()?, words.next()?);
    if code.len() != 3 || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(code).ok()?.parse().ok()
}

fn content_length(head: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"content-length:";
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        if !name.eq_ignore_ascii_case(NAME) {
            return None;
        }
        std::str::from_utf8(value).ok()?.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Wanted = Wanted { digest: true, text: true };

    fn read(answer: &[u8]) -> Response {
        let mut response = Response::new(ALL);
        response.push(answer).unwrap();
        response
    }

    #[test]
    fn a_status_is_three_digits_between_the_first_two_spaces() {
        for (line, expected) in [
            ("HTTP/1.0 200 OK", Some(200)),
            ("HTTP/1.1 503 ", Some(503)),
            ("ICY 200 OK", Some(200)),
            ("HTTP/1.0 200", None),
            ("HTTP/1.0  200 OK", None),
            ("HTTP/1.0 2000 OK", None),
            ("HTTP/1.0 20 OK", None),
            ("HTTP/1.0 +20 OK", None),
            ("HTTP/1.0 200x OK", None),
            ("garbage", None),
            ("", None),
        ] {
            assert_eq!(read(format!("{line}\r\n\r\n").as_bytes()).status(), expected, "{line}");
        }
    }

    #[test]
    fn a_digest_sees_the_body_up_to_its_length_and_a_pattern_all_of_it() {
        for (length, digested) in
            [("3", "hel"), ("5", "hello"), ("50", "hello"), ("-1", "hello"), ("x", "hello")]
        {
            let mut response = Response::new(ALL);
            let answer = format!("HTTP/1.0 200 OK\r\ncontent-LENGTH: {length}\r\n\r\nhello");
            response.push(answer.as_bytes()).unwrap();
            assert_eq!(response.digest(), <[u8; 16]>::from(Md5::digest(digested)), "{length}");
            assert_eq!(response.into_text(), b"hello");
        }
    }

    #[test]
    fn a_head_without_end_is_given_up_and_not_kept() {
        let mut response = Response::new(ALL);
        let outcome = (0..1000).find_map(|_| response.push(&[b'x'; 1000]).err());
        assert_eq!(outcome, Some(PageFault::HeadTooLong));
        assert!(response.head.len() <= LONGEST_HEAD + END_OF_HEAD.len());
    }

    #[test]
    fn an_endless_body_is_kept_up_to_what_a_pattern_sees() {
        let mut response = Response::new(ALL);
        response.push(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
        for _ in 0..2 * LONGEST_TEXT / 8192 {
            response.push(&[b'x'; 8192]).unwrap();
        }
        assert_eq!(response.text.len(), LONGEST_TEXT);
        assert!(response.text.capacity() <= 2 * LONGEST_TEXT);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            answer in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b' '), Just(b'2'), any::<u8>()], 0..60),
            length in proptest::option::of(0u8..20),
            cuts in proptest::collection::vec(0usize..100, 0..8),
        ) {
            let mut whole = length.map(|length| format!("A 200 B\r\nContent-Length: {length}\r\n\r\n")).unwrap_or_default().into_bytes();
            whole.extend(answer);
            let once = read(&whole);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(whole.len())).chain([0, whole.len()]).collect();
            cuts.sort_unstable();
            let mut pieces = Response::new(ALL);
            for pair in cuts.windows(2) {
                pieces.push(&whole[pair[0]..pair[1]]).unwrap();
            }
            prop_assert_eq!(pieces.head(), once.head());
            prop_assert_eq!(&pieces.text, &once.text);
            prop_assert_eq!((pieces.status(), pieces.digest()), (once.status(), once.digest()));
        }
    }
}
