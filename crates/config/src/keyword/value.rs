//! The kinds of value that keywords take, and how their words are read.
//!
//! **A value that keepalived takes is taken, one that it refuses is refused**, number for number; what is said about it
//! is ours.

use std::net::IpAddr;
use std::time::Duration;

/// A kind of value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// Any word.
    Text,
    /// Any word; what is longer than so many bytes is cut off.
    Short(usize),
    /// `true on yes` or `false off no`.
    Bool,
    /// A whole number.
    Integer {
        /// Least.
        least: i64,
        /// Greatest.
        most: i64,
        /// What it counts, for people; may be empty.
        unit: &'static str,
        /// What happens to a number outside the range.
        outside: Outside,
    },
    /// A time with fraction. All figures in microseconds.
    Time {
        /// Least.
        least: u64,
        /// Greatest.
        most: u64,
        /// Microseconds of the written unit: 1 000 000 for seconds, 1000 for milliseconds.
        unit: u64,
    },
    /// An address, IPv4 or IPv6; `/length` is passed over.
    Address,
    /// One of some words.
    Choice {
        /// The words.
        words: &'static [&'static str],
        /// Whether their case matters.
        exact: bool,
    },
    /// The name of an interface, at most 15 bytes.
    Interface,
}

/// What happens to a number outside its range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outside {
    /// It is reported and ignored.
    Ignored,
    /// One that is too small is reported and raised, one too great is ignored.
    Raised,
    /// It is reported and brought into the range.
    Limited,
}

/// A value that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Datum {
    /// Of [`Value::Text`], [`Value::Short`] and [`Value::Interface`].
    Text(Box<str>),
    /// Of [`Value::Bool`].
    Bool(bool),
    /// Of [`Value::Integer`].
    Integer(i64),
    /// Of [`Value::Time`].
    Time(Duration),
    /// Of [`Value::Address`].
    Address(IpAddr),
    /// Of [`Value::Choice`]: the word as the table writes it.
    Choice(&'static str),
}

/// What is wrong with a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ValueError {
    /// Not of this kind; it is ignored.
    Kind,
    /// A number outside the range; it is ignored.
    Range,
    /// Wrong, but usable as this.
    Adjusted(Datum),
}

impl Value {
    /// A number from `least` to `most`, else ignored.
    pub const fn int(least: i64, most: i64) -> Self {
        Self::Integer { least, most, unit: "", outside: Outside::Ignored }
    }

    /// Whole seconds.
    pub const fn secs(least: i64, most: i64) -> Self {
        Self::Integer { least, most, unit: "seconds", outside: Outside::Ignored }
    }

    /// A number of which one below `least` becomes `least`.
    pub const fn raised(least: i64, most: i64) -> Self {
        Self::Integer { least, most, unit: "", outside: Outside::Raised }
    }

    /// Seconds with fraction; bounds in microseconds.
    pub const fn time(least: u64, most: u64) -> Self {
        Self::Time { least, most, unit: 1_000_000 }
    }

    /// One of some words, case-sensitive.
    pub const fn choice(words: &'static [&'static str]) -> Self {
        Self::Choice { words, exact: true }
    }

    /// Reads a word.
    ///
    /// # Errors
    /// What is wrong with it, and what can be used instead.
    pub fn parse(self, word: &str) -> Result<Datum, ValueError> {
        match self {
            Self::Interface if word.len() > 15 || word.is_empty() => Err(ValueError::Kind),
            Self::Text | Self::Interface => Ok(Datum::Text(word.into())),
            Self::Short(most) => short(word, most),
            Self::Bool => match word {
                "true" | "on" | "yes" => Ok(Datum::Bool(true)),
                "false" | "off" | "no" => Ok(Datum::Bool(false)),
                _ => Err(ValueError::Kind),
            },
            Self::Integer { least, most, outside, .. } => integer(word, least, most, outside),
            Self::Time { least, most, unit } => time(word, least, most, unit),
            Self::Address => parse_address(word).map(Datum::Address).ok_or(ValueError::Kind),
            Self::Choice { words, exact } => {
                let same = |known: &&&str| **known == word || (!exact && known.eq_ignore_ascii_case(word));
                words.iter().find(same).map(|known| Datum::Choice(known)).ok_or(ValueError::Kind)
            }
        }
    }

    /// What is expected, for people: "a number from 1 to 255".
    pub fn describe(self) -> String {
        match self {
            Self::Text => "a word".to_owned(),
            Self::Short(most) => format!("a word of at most {most} bytes"),
            Self::Bool => "`true`, `on`, `yes`, `false`, `off` or `no`".to_owned(),
            Self::Integer { least, most, unit, .. } => {
                let what =
                    if unit.is_empty() { "a whole number".to_owned() } else { format!("whole {unit}") };
                // Where the upper bound is only that of the machine's word, naming it helps nobody.
                if most >= i64::from(i32::MAX) {
                    format!("{what} from {least} up")
                } else {
                    format!("{what} from {least} to {most}")
                }
            }
            Self::Time { least, most, unit } => {
                let name = if unit == 1_000_000 { "seconds" } else { "milliseconds" };
                if most > 4_294_967_296_000_000 {
                    format!("{name} from {} up", shown(least, unit))
                } else {
                    format!("{name} from {} to {}", shown(least, unit), shown(most, unit))
                }
            }
            Self::Address => "an IP address".to_owned(),
            Self::Choice { words, .. } => listed(words),
            Self::Interface => "the name of an interface (at most 15 bytes)".to_owned(),
        }
    }
}

/// Microseconds as a decimal number of units, without zeros at the end.
fn shown(micros: u64, unit: u64) -> String {
    let (whole, rest) = (micros / unit, micros % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let places = unit.to_string().len() - 1;
    format!("{whole}.{rest:0places$}").trim_end_matches('0').to_owned()
}

fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}

fn short(word: &str, most: usize) -> Result<Datum, ValueError> {
    if word.len() <= most {
        return Ok(Datum::Text(word.into()));
    }
    let end = (0..=most).rev().find(|at| word.is_char_boundary(*at)).unwrap_or(0);
    Err(ValueError::Adjusted(Datum::Text(word[..end].into())))
}

/// A whole number as keepalived reads it: decimal, with an optional sign; an empty word is 0.
pub fn parse_integer(word: &str) -> Option<i64> {
    if word.is_empty() {
        return Some(0);
    }
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.parse::<i64>().unwrap_or(i64::MAX);
    Some(if word.starts_with('-') { -magnitude } else { magnitude })
}

/// A whole number without sign: decimal, hexadecimal after `0x`, octal after `0`.
pub fn parse_unsigned(word: &str) -> Option<u64> {
    let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if word.len() > 1 && word.starts_with('0') => (word.get(1..)?, 8),
        None => (word, 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { u64::from_str_radix(digits, radix).ok() } else { None }
}

fn integer(word: &str, least: i64, most: i64, outside: Outside) -> Result<Datum, ValueError> {
    let number = parse_integer(word).ok_or(ValueError::Kind)?;
    if (least..=most).contains(&number) {
        return Ok(Datum::Integer(number));
    }
    match outside {
        Outside::Raised if (0..least).contains(&number) => Err(ValueError::Adjusted(Datum::Integer(least))),
        Outside::Limited => Err(ValueError::Adjusted(Datum::Integer(number.clamp(least, most)))),
        Outside::Ignored | Outside::Raised => Err(ValueError::Range),
    }
}

/// A decimal number in millionths of `unit`-sized units, and whether it had more places than that holds.
pub fn parse_decimal(word: &str, unit: u64) -> Option<(u64, bool)> {
    let word = word.strip_prefix('+').unwrap_or(word);
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u64::MAX) };
    let (mut micros, mut scale) = (whole.saturating_mul(unit), unit);
    for digit in fraction.bytes() {
        let digit = u64::from(digit - b'0');
        if scale < 10 {
            // The first place too many rounds, any further one is below it.
            let up = u64::from(scale == 1 && digit >= 5);
            return Some((micros.saturating_add(up), true));
        }
        scale /= 10;
        micros = micros.saturating_add(digit * scale);
    }
    Some((micros, false))
}

fn time(word: &str, least: u64, most: u64, unit: u64) -> Result<Datum, ValueError> {
    let (micros, rounded) = parse_decimal(word, unit).ok_or(ValueError::Kind)?;
    let datum = Datum::Time(Duration::from_micros(micros));
    match (least..=most).contains(&micros) {
        false => Err(ValueError::Range),
        true if rounded => Err(ValueError::Adjusted(datum)),
        true => Ok(datum),
    }
}

/// An address; `/length` after it is passed over, as keepalived does where it expects a plain address.
pub fn parse_address(word: &str) -> Option<IpAddr> {
    word.split_once('/').map_or(word, |(address, _)| address).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_as_keepalived_reads_them() {
        let vrid = Value::int(1, 255);
        for (word, expected) in [
            ("3", Ok(3)),
            ("+3", Ok(3)),
            ("03", Ok(3)),
            ("255", Ok(255)),
            ("0", Err(ValueError::Range)),
            ("256", Err(ValueError::Range)),
            ("-1", Err(ValueError::Range)),
            ("", Err(ValueError::Range)),
            ("99999999999999999999999", Err(ValueError::Range)),
            ("0x3", Err(ValueError::Kind)),
            ("3a", Err(ValueError::Kind)),
            ("3.0", Err(ValueError::Kind)),
            ("+", Err(ValueError::Kind)),
        ] {
            assert_eq!(vrid.parse(word), expected.map(Datum::Integer), "{word}");
        }
    }

    #[test]
    fn a_number_outside_is_raised_or_limited_where_the_keyword_does_so() {
        let raised = Value::raised(1, 10);
        assert_eq!(raised.parse("0"), Err(ValueError::Adjusted(Datum::Integer(1))));
        assert_eq!(raised.parse("-1"), Err(ValueError::Range));
        assert_eq!(raised.parse("11"), Err(ValueError::Range));
        let limited = Value::Integer { least: 1, most: 99, unit: "", outside: Outside::Limited };
        assert_eq!(limited.parse("0"), Err(ValueError::Adjusted(Datum::Integer(1))));
        assert_eq!(limited.parse("130"), Err(ValueError::Adjusted(Datum::Integer(99))));
    }

    #[test]
    fn times_are_exact_to_the_microsecond() {
        let timer = Value::time(1, 4_294_967_295_000);
        let micros = |count| Datum::Time(Duration::from_micros(count));
        assert_eq!(timer.parse("1.5"), Ok(micros(1_500_000)));
        assert_eq!(timer.parse(".000001"), Ok(micros(1)));
        assert_eq!(timer.parse("10."), Ok(micros(10_000_000)));
        assert_eq!(timer.parse("1.0000005"), Err(ValueError::Adjusted(micros(1_000_001))));
        assert_eq!(timer.parse("1.0000004"), Err(ValueError::Adjusted(micros(1_000_000))));
        assert_eq!(timer.parse("0"), Err(ValueError::Range));
        assert_eq!(timer.parse("-1"), Err(ValueError::Kind));
        assert_eq!(timer.parse("10s"), Err(ValueError::Kind));
        assert_eq!(timer.parse("."), Err(ValueError::Kind));
        let milliseconds = Value::Time { least: 1000, most: 4_294_967_000, unit: 1000 };
        assert_eq!(milliseconds.parse("1.5"), Ok(micros(1500)));
        assert_eq!(milliseconds.parse("1.0005"), Err(ValueError::Adjusted(micros(1001))));
    }

    #[test]
    fn an_address_may_carry_a_length_and_no_leading_zeros() {
        let address = |word: &str| Value::Address.parse(word);
        assert_eq!(address("192.0.2.1/24"), Ok(Datum::Address("192.0.2.1".parse().unwrap())));
        assert_eq!(address("192.0.2.01"), Err(ValueError::Kind));
        assert_eq!(address("192.0.2"), Err(ValueError::Kind));
    }

    #[test]
    fn what_is_expected_is_said_in_words() {
        assert_eq!(Value::int(1, 255).describe(), "a whole number from 1 to 255");
        assert_eq!(Value::time(10_000, 255_000_000).describe(), "seconds from 0.01 to 255");
        assert_eq!(Value::choice(&["NAT", "DR", "TUN"]).describe(), "`NAT`, `DR` or `TUN`");
    }
}
