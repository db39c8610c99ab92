//! `UDP_CHECK`.

use checker::{CheckSpec, MaskedByte, ProbeSpec, ReplySpec, UdpProbe};

use super::super::Lowering;
use super::super::real_server::CheckContext;
use crate::diagnostic::{Code, Diagnostic};
use crate::resolve::Entry;

impl Lowering<'_> {
    pub(super) fn udp(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Option<CheckSpec> {
        let mut payload = None;
        let (mut required, mut pattern, mut least, mut most) = (false, Vec::new(), 0, 255);
        let mut bounds = entry.word.span;
        for entry in entry.entries() {
            match entry.name() {
                "payload" => {
                    let bytes = self.hexadecimal(entry, false);
                    payload = bytes.map(|bytes| bytes.iter().map(|byte| byte.value).collect()).or(payload);
                }
                "require_reply" => {
                    required = true;
                    if !entry.args().is_empty() {
                        pattern = self.hexadecimal(entry, true).unwrap_or(pattern);
                    }
                }
                "min_reply_length" => (least, bounds) = (entry.integer().unwrap_or(0), entry.value_span()),
                "max_reply_length" => (most, bounds) = (entry.integer().unwrap_or(255), entry.value_span()),
                _ => {}
            }
        }
        if least > most {
            let message = format!("no answer is at least {least} and at most {most} bytes long");
            let diagnostic = Diagnostic::warning(Code::Conflict, bounds, message)
                .label("a check that requires a reply never succeeds");
            self.report(diagnostic);
        }
        let reply = required.then_some(ReplySpec { pattern, least, most });
        self.connecting(entry, context, super::MOST, |connection| {
            ProbeSpec::Udp(UdpProbe { connection, payload, reply }.into())
        })
    }

    /// The bytes of all words; `wild`: `x` stands for any digit.
    fn hexadecimal(&mut self, entry: &Entry<'_>, wild: bool) -> Option<Vec<MaskedByte>> {
        let mut bytes = Vec::new();
        for word in entry.args() {
            let Some(more) = parse_hexadecimal(&word.text, wild) else {
                let message = format!("`{}` takes hexadecimal digits, not `{}`", entry.name(), word.text);
                self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
                return None;
            };
            bytes.extend(more);
        }
        Some(bytes)
    }
}

/// Two digits are a byte; white space separates, and one that is left over is a byte by itself.
fn parse_hexadecimal(text: &str, wild: bool) -> Option<Vec<MaskedByte>> {
    let digit = |c: u8| match c {
        b'x' | b'X' if wild => Some(MaskedByte { value: 0, mask: 0 }),
        _ => char::from(c).to_digit(16).and_then(|value| u8::try_from(value).ok()).map(nibble),
    };
    let byte = |digits: &[u8]| match *digits {
        [low] => digit(low).map(|low| MaskedByte { mask: low.mask | 0xf0, ..low }),
        [high, low] => {
            let (high, low) = (digit(high)?, digit(low)?);
            Some(MaskedByte { value: high.value << 4 | low.value, mask: high.mask << 4 | low.mask })
        }
        _ => None,
    };
    let groups = text.split_ascii_whitespace().flat_map(|group| group.as_bytes().chunks(2));
    groups.map(byte).collect::<Option<Vec<_>>>().filter(|bytes| !bytes.is_empty())
}

const fn nibble(value: u8) -> MaskedByte {
    MaskedByte { value, mask: 0xf }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Option<Vec<u8>> {
        Some(parse_hexadecimal(text, false)?.iter().map(|byte| byte.value).collect())
    }

    #[test]
    fn hexadecimal_digits_are_paired_within_each_group() {
        assert_eq!(values("0011"), Some(vec![0x00, 0x11]));
        assert_eq!(values("123"), Some(vec![0x12, 0x03]));
        assert_eq!(values("12 3 aBc"), Some(vec![0x12, 0x03, 0xab, 0x0c]));
        for bad in ["", " ", "0x", "g", "ä", "+1"] {
            assert_eq!(values(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_x_stands_for_any_digit_where_that_makes_sense() {
        let byte = |value, mask| MaskedByte { value, mask };
        let expected = vec![byte(0x40, 0xf0), byte(0x02, 0x0f), byte(0, 0), byte(0x0a, 0xff)];
        assert_eq!(parse_hexadecimal("4xX2 xx a", true), Some(expected));
        assert_eq!(parse_hexadecimal("x", true), Some(vec![byte(0, 0xf0)]));
    }
}
