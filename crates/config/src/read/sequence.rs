//! `~SEQ(VAR, START, STEP, END) text` and `~LST(VAR, a, b) text`: one line for each value.
//!
//! **Each value is given to the variable for the rest of the line**, which is then read as any other: sequences nest, and a
//! definition of several lines is repeated whole. The last value stays, as keepalived has it.

use super::{Line, Reader};
use crate::diagnostic::{Code, Diagnostic};

/// Names and values of one round.
type Round = Vec<(String, String)>;

impl Reader<'_> {
    pub(super) fn sequence(&mut self, line: &Line, continues: bool, depth: usize, expansions: usize) {
        let text = line.as_str();
        let Some((open, close)) = text.find('(').zip(text.find(')')).filter(|(open, close)| open < close)
        else {
            return self.report_sequence(line, "no parameters in parentheses");
        };
        let parameters = &text[open + 1..close];
        let rest = line.part(close + 1..text.len()).trim();
        let rounds: Result<Box<dyn Iterator<Item = Round>>, &str> = match text[..open].trim_end() {
            "~SEQ" | "~SEQx" => {
                // Definitions may give the numbers, but not the commas between them.
                let numbers: Vec<_> = parts(parameters, open + 1)
                    .map(|range| self.expand_text(&line.part(range)).trim().to_owned())
                    .collect();
                let hexadecimal = text.starts_with("~SEQx");
                sequence(&numbers, hexadecimal).map(|rounds| Box::new(rounds) as _)
            }
            "~LST" => list(parameters).map(|rounds| Box::new(rounds.into_iter()) as _),
            _ => Err("there are only `~SEQ`, `~SEQx` and `~LST`"),
        };
        let rounds = match rounds {
            Ok(rounds) => rounds,
            Err(why) => return self.report_sequence(line, why),
        };
        for round in rounds {
            if !self.spend(line.whole()) {
                return;
            }
            for (name, value) in round {
                self.set(&name, &value, line.whole());
            }
            self.line(rest.clone(), continues, depth, expansions + 1);
        }
    }

    fn report_sequence(&mut self, line: &Line, why: &str) {
        let diagnostic = Diagnostic::warning(Code::BadSequence, line.whole(), format!("bad sequence: {why}"))
            .label("the line is ignored")
            .hint("write `~SEQ(VAR, START, STEP, END) text` or `~LST(VAR, value, value ...) text`");
        self.report(diagnostic);
    }
}

/// The places of the parts between commas.
fn parts(text: &str, start: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut at = start;
    text.split(',').map(move |part| {
        let range = at..at + part.len();
        at = range.end + 1;
        range
    })
}

/// START and STEP may be left out: START is then 1 (-1 for a negative END), STEP 1 or -1.
fn sequence(
    words: &[String],
    hexadecimal: bool,
) -> Result<impl Iterator<Item = Round> + use<>, &'static str> {
    let name = variable(words.first().map(String::as_str))?;
    let numbers: Option<Vec<i64>> = words.iter().skip(1).map(|word| number(word)).collect();
    let (start, step, end) = match numbers.ok_or("a parameter is no number")?.as_slice() {
        [end] => (if *end < 0 { -1 } else { 1 }, None, *end),
        [start, end] => (*start, None, *end),
        [start, step, end] => (*start, Some(*step), *end),
        _ => return Err("it takes a variable and one to three numbers"),
    };
    let step = step.unwrap_or(if start <= end { 1 } else { -1 });
    if step == 0 || (start < end && step < 0) || (start > end && step > 0) {
        return Err("the step never reaches the end");
    }
    if hexadecimal && (start < 0 || end < 0) {
        return Err("hexadecimal numbers are not negative");
    }
    let within = move |value: &i64| if step > 0 { *value <= end } else { *value >= end };
    let values = std::iter::successors(Some(start), move |value| value.checked_add(step)).take_while(within);
    Ok(values.map(move |value| {
        let text = if hexadecimal { format!("{value:x}") } else { value.to_string() };
        vec![(name.clone(), text)]
    }))
}

/// As C reads numbers: 0x before hexadecimal, 0 before octal ones.
fn number(word: &str) -> Option<i64> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word.strip_prefix('+').unwrap_or(word)),
    };
    let (base, digits) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(digits, base).ok().map(|value| sign * value)
}

fn variable(word: Option<&str>) -> Result<String, &'static str> {
    let word = word.unwrap_or_default();
    let valid = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if valid { Ok(word.to_owned()) } else { Err("the first parameter has to be the name of a variable") }
}

/// `VAR, a, b` or `{A,B}, {1,2}, {3,4}`. A tuple that is too short leaves its last variables empty.
fn list(parameters: &str) -> Result<Vec<Round>, &'static str> {
    let mut groups = split_groups(parameters)?.into_iter();
    let names: Result<Vec<_>, _> =
        groups.next().unwrap_or_default().iter().map(|name| variable(Some(name))).collect();
    let names = names?;
    let rows: Result<Vec<_>, _> = groups
        .map(|values| {
            if values.len() > names.len() {
                return Err("a list of values is longer than the list of variables");
            }
            if values.iter().any(|value| value.contains(char::is_whitespace)) {
                return Err("a value has no white space in it");
            }
            let value = |index: usize| values.get(index).cloned().unwrap_or_default();
            Ok(names.iter().enumerate().map(|(index, name)| (name.clone(), value(index))).collect())
        })
        .collect();
    let rows = rows?;
    if rows.is_empty() { Err("it has no values") } else { Ok(rows) }
}

/// Splits at the commas outside braces; each part is the words between its braces, or one.
fn split_groups(text: &str) -> Result<Vec<Vec<String>>, &'static str> {
    let mut groups = Vec::new();
    let mut rest = text.trim();
    loop {
        if let Some(inner) = rest.strip_prefix('{') {
            let close = inner.find('}').ok_or("a brace is not closed")?;
            groups.push(inner[..close].split(',').map(|word| word.trim().to_owned()).collect());
            rest = inner[close + 1..].trim_start();
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            groups.push(vec![rest[..end].trim().to_owned()]);
            rest = &rest[end..];
        }
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if rest.is_empty() => return Ok(groups),
            None => return Err("values have to be separated by commas"),
        }
    }
}
