//! `~SEQ(VAR, START, STEP, END) text` and `~LST(VAR, a, b) text`: one line for each value.
//!
//! **Each value is a variable for the rest of its line**, which is then read as any other: sequences nest, and a
//! definition of several lines is repeated whole.

use super::{Line, Locals, Reader};
use crate::diagnostic::{Code, Diagnostic};

impl Reader<'_> {
    pub(super) fn sequence(
        &mut self,
        line: &Line,
        continues: bool,
        locals: &Locals,
        depth: usize,
        expansions: usize,
    ) {
        let text = line.as_str();
        let Some((open, close)) = text.find('(').zip(text.find(')')).filter(|(open, close)| open < close)
        else {
            return self.report_sequence(line, "no parameters in parentheses");
        };
        let parameters = self.expand_text(&line.part(open + 1..close), locals);
        let rest = line.part(close + 1..text.len()).trim();
        let values: Result<Box<dyn Iterator<Item = Locals>>, &str> = match &text[..open] {
            "~SEQ" => numbers(&parameters, false).map(|values| Box::new(values) as _),
            "~SEQx" => numbers(&parameters, true).map(|values| Box::new(values) as _),
            "~LST" => list(&parameters).map(|values| Box::new(values.into_iter()) as _),
            _ => Err("there are only `~SEQ`, `~SEQx` and `~LST`"),
        };
        let values = match values {
            Ok(values) => values,
            Err(why) => return self.report_sequence(line, why),
        };
        let mut inner = locals.clone();
        for variables in values {
            if !self.spend(line.whole()) {
                return;
            }
            inner.truncate(locals.len());
            inner.extend(variables);
            self.line(rest.clone(), continues, &inner, depth, expansions + 1);
        }
    }

    fn report_sequence(&mut self, line: &Line, why: &str) {
        let diagnostic = Diagnostic::warning(Code::BadSequence, line.whole(), format!("bad sequence: {why}"))
            .label("the line is ignored")
            .hint("write `~SEQ(VAR, START, STEP, END) text` or `~LST(VAR, value, value ...) text`");
        self.report(diagnostic);
    }
}

/// START and STEP may be left out: START is then 1 (-1 for a negative END), STEP 1 or -1.
fn numbers(
    parameters: &str,
    hexadecimal: bool,
) -> Result<impl Iterator<Item = Vec<(String, String)>> + use<>, &'static str> {
    let mut words = parameters.split(',').map(str::trim);
    let name = variable(words.next())?;
    let numbers: Option<Vec<i64>> = words.map(number).collect();
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
    let within = move |value: &i64| if step > 0 { *value <= end } else { *value >= end };
    let values = std::iter::successors(Some(start), move |value| value.checked_add(step)).take_while(within);
    Ok(values.map(move |value| {
        let text = if hexadecimal { format!("{value:x}") } else { value.to_string() };
        vec![(name.clone(), text)]
    }))
}

fn number(word: &str) -> Option<i64> {
    let (negative, digits) = word.strip_prefix('-').map_or((false, word), |digits| (true, digits));
    let value = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => digits.parse::<i64>(),
    };
    value.ok().map(|value| if negative { -value } else { value })
}

fn variable(word: Option<&str>) -> Result<String, &'static str> {
    let word = word.unwrap_or_default();
    let valid = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if valid { Ok(word.to_owned()) } else { Err("the first parameter has to be the name of a variable") }
}

/// `VAR, a, b` or `{A,B}, {1,2}, {3,4}`. A tuple that is too short leaves its last variables empty.
fn list(parameters: &str) -> Result<Vec<Vec<(String, String)>>, &'static str> {
    let mut groups = split_groups(parameters)?.into_iter();
    let names: Result<Vec<_>, _> =
        groups.next().unwrap_or_default().iter().map(|name| variable(Some(name))).collect();
    let names = names?;
    let rows: Result<Vec<_>, _> = groups
        .map(|values| {
            if values.len() > names.len() {
                return Err("a list of values is longer than the list of variables");
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
