//! What lines with options of their own have in common.

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::{Datum, Outside, Value, ValueError};
use crate::lex::Word;
use crate::suggest;

impl Lowering<'_> {
    /// A port from 1 to 65535.
    pub(super) fn port(&mut self, word: &Word) -> Option<u16> {
        self.bounded(word, "port", 1, 65535).and_then(|port| u16::try_from(port).ok())
    }

    /// A whole number; reports one that is none, or out of range.
    pub(super) fn bounded(&mut self, word: &Word, what: &str, least: i64, most: i64) -> Option<i64> {
        let value = Value::Integer { least, most, unit: "", outside: Outside::Ignored };
        match value.parse(&word.text) {
            Ok(Datum::Integer(number)) => Some(number),
            result => {
                let code = if result == Err(ValueError::Range) { Code::OutOfRange } else { Code::BadValue };
                let message = format!("`{what}` takes {}, not `{}`", value.describe(), word.text);
                self.report(Diagnostic::warning(code, word.span, message).label("ignored"));
                None
            }
        }
    }

    /// A weight and perhaps `reverse` after it: `weight 20 reverse`. Weights beyond `most` are limited to it.
    pub(super) fn weight(
        &mut self,
        words: &[Word],
        most: i64,
        options: &[&'static str],
    ) -> Option<(i64, bool)> {
        let word = words.first()?;
        let value = Value::Integer { least: -most, most, unit: "", outside: Outside::Limited };
        let weight = match value.parse(&word.text) {
            Ok(Datum::Integer(weight)) => weight,
            Err(ValueError::Adjusted(Datum::Integer(weight))) => {
                let message = format!("a weight is {}, not {}", value.describe(), word.text);
                let diagnostic = Diagnostic::warning(Code::Adjusted, word.span, message)
                    .label(format!("{weight} is used"));
                self.report(diagnostic);
                weight
            }
            _ => {
                let message = format!("a weight is {}, not `{}`", value.describe(), word.text);
                self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
                return None;
            }
        };
        match words.get(1) {
            None => Some((weight, false)),
            Some(option) if options.contains(&option.text.as_str()) => {
                Some((weight, option.text == "reverse"))
            }
            Some(option) => {
                self.unknown_option(option, "weight", options);
                Some((weight, false))
            }
        }
    }

    pub(super) fn unknown_option(&mut self, word: &Word, of: &str, known: &[&'static str]) {
        let of = if of.contains(' ') { of.to_owned() } else { format!("`{of}`") };
        let message = format!("{of} does not know `{}`", word.text);
        let mut diagnostic = Diagnostic::warning(Code::UnknownOption, word.span, message).label("ignored");
        if let Some(near) = suggest::nearest(&word.text, known.iter().copied()) {
            diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
        } else if (1..=8).contains(&known.len()) {
            let known: Vec<_> = known.iter().map(|word| format!("`{word}`")).collect();
            diagnostic = diagnostic.hint(format!("it knows {}", known.join(", ")));
        } else {
            diagnostic = diagnostic.hint("remove it; a comment starts with `#`");
        }
        self.report(diagnostic);
    }

    pub(super) fn missing_option_value(&mut self, word: &Word) {
        let message = format!("`{}` needs a value", word.text);
        let diagnostic = Diagnostic::warning(Code::MissingParameter, word.span, message).label("ignored");
        self.report(diagnostic.hint("write the value after it, on the same line"));
    }
}
