//! The number in a tracked file.

/// The number that this text stands for: decimal, with a sign if need be, white space around it. `None` if it is none;
/// keepalived takes it for 0 then. A number that is too large is the largest.
///
/// ```
/// assert_eq!(track::number(b"-20\n"), Some(-20));
/// assert_eq!(track::number(b"nonsense"), None);
/// ```
pub fn number(text: &[u8]) -> Option<i64> {
    let text = core::str::from_utf8(text).ok()?.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (least, most) = (i64::from(i32::MIN), i64::from(i32::MAX));
    match text.parse::<i64>() {
        Ok(number) => Some(number.clamp(least, most)),
        Err(_) => Some(if text.starts_with('-') { least } else { most }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_have_a_sign_and_white_space_around_it() {
        assert_eq!(number(b"5"), Some(5));
        assert_eq!(number(b" +7\n"), Some(7));
        assert_eq!(number(b"-300\r\n"), Some(-300));
        assert_eq!(number(b"007"), Some(7));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "\n", "nonsense", "5 apples", "1.5", "0x10", "+", "--1"] {
            assert_eq!(number(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(number(&[0xff]), None);
    }

    #[test]
    fn a_number_too_large_is_the_largest() {
        assert_eq!(number(b"99999999999999999999999"), Some(i64::from(i32::MAX)));
        assert_eq!(number(b"-99999999999"), Some(i64::from(i32::MIN)));
    }
}
