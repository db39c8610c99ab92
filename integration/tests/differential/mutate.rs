//! What people do to configurations: from harmless ways of writing the same to plain breakage.

use fastrand::Rng;

/// A file and those that it includes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mutant {
    pub text: Vec<u8>,
    /// Name and contents.
    pub included: Vec<(String, String)>,
    /// Names of what was done.
    pub done: Vec<&'static str>,
}

/// Something that can be done to the lines of a file.
type Mutation = (&'static str, fn(&mut Vec<String>, &mut Rng));

/// Another way of writing the same, or nearly.
const STYLE: &[Mutation] = &[
    ("tabs", |lines, _| lines.iter_mut().for_each(|line| *line = line.replace("  ", "\t"))),
    ("blank lines", |lines, rng| insert(lines, rng, "")),
    ("comment line", |lines, rng| insert(lines, rng, "# a comment } with { \"braces")),
    ("comment at the end", |lines, rng| change(lines, rng, |line, _| format!("{line} ! a {{ comment"))),
    ("attached comment", |lines, rng| change(lines, rng, |line, _| format!("{line}# }}"))),
    ("attached brace", |lines, rng| change(lines, rng, |line, _| line.replace(" {", "{"))),
    ("brace on the next line", |lines, rng| change(lines, rng, |line, _| line.replace(" {", "\n# here\n{"))),
    ("braces on one line", |lines, rng| join_at(lines, rng, |line| line.ends_with('{'))),
    ("closed on one line", |lines, rng| join_before(lines, rng)),
    ("odd spaces", |lines, rng| change(lines, rng, |line, _| line.replace(' ', " \t "))),
    ("quoted words", |lines, rng| change_word(lines, rng, |word, _| format!("\"{word}\""))),
    ("definition", define),
    ("braced definition", define_in_braces),
    ("definition of lines", define_lines),
    ("condition", |lines, rng| change(lines, rng, |line, _| format!("@node {line}"))),
    ("condition of another", |lines, rng| change(lines, rng, |line, _| format!("@^node {line}"))),
    ("sequence", |lines, rng| change(lines, rng, |line, _| format!("~SEQ(x, 1, 1) {line}"))),
    ("list", |lines, rng| change(lines, rng, |line, _| format!("~LST(x, a) {line}"))),
    ("sequence in a word", |lines, rng| {
        change(lines, rng, |line, rng| match digits(line, rng) {
            Some((start, end)) => {
                format!(
                    "~SEQ(x, {}, 1, {}) {}${{x}}{}",
                    &line[start..end],
                    &line[start..end],
                    &line[..start],
                    &line[end..]
                )
            }
            None => line.to_owned(),
        });
    }),
];

/// What breaks something, or may.
const BREAKAGE: &[Mutation] = &[
    ("deleted {", |lines, rng| {
        change_where(lines, rng, |line| line.contains('{'), |line, _| line.replacen('{', "", 1));
    }),
    ("deleted }", |lines, rng| {
        change_where(lines, rng, |line| line.contains('}'), |line, _| line.replacen('}', "", 1));
    }),
    ("surplus {", |lines, rng| insert(lines, rng, "{")),
    ("surplus }", |lines, rng| insert(lines, rng, "}")),
    ("swapped words", |lines, rng| {
        change(lines, rng, |line, rng| {
            let mut words: Vec<_> = line.split(' ').collect();
            let (a, b) = (rng.usize(0..words.len()), rng.usize(0..words.len()));
            words.swap(a, b);
            words.join(" ")
        });
    }),
    ("out-of-range number", |lines, rng| {
        change(lines, rng, |line, rng| match digits(line, rng) {
            Some((start, end)) => {
                let number =
                    ["-1", "0", "99999", "4294967296", "1e3", "0x10", "007", "1.5", "99999999999999999999"];
                let number = number[rng.usize(0..number.len())];
                format!("{}{number}{}", &line[..start], &line[end..])
            }
            None => line.to_owned(),
        });
    }),
    ("misspelt keyword", |lines, rng| change(lines, rng, misspell)),
    ("capitals", |lines, rng| change_word(lines, rng, |word, _| word.to_uppercase())),
    ("duplicated block", duplicate_block),
    ("duplicated line", |lines, rng| {
        let at = rng.usize(0..lines.len());
        lines.insert(at, lines[at].clone());
    }),
    ("moved line", |lines, rng| {
        if let Some(at) = plain(lines, rng) {
            let line = lines.remove(at);
            lines.insert(rng.usize(0..=lines.len()), line);
        }
    }),
    ("deleted line", |lines, rng| {
        if let Some(at) = plain(lines, rng) {
            lines.remove(at);
        }
    }),
    ("deleted word", |lines, rng| change_word(lines, rng, |_, _| String::new())),
    ("only the keyword", |lines, rng| {
        change(lines, rng, |line, _| {
            line.split_inclusive(' ').find(|word| *word != " ").unwrap_or(line).to_owned()
        });
    }),
    ("inserted word", |lines, rng| change_word(lines, rng, |word, rng| format!("{word} {}", noise(rng)))),
    ("replaced word", |lines, rng| change_word(lines, rng, |_, rng| noise(rng).to_owned())),
    ("broken quote", |lines, rng| change_word(lines, rng, |word, _| format!("\"{word}"))),
    ("quote amid a word", |lines, rng| {
        change_word(lines, rng, |word, rng| {
            let at = rng.usize(0..=word.len());
            let (head, tail) = word.split_at_checked(at).unwrap_or((word, ""));
            format!("{head}\"{tail}\"")
        });
    }),
    ("comment amid a line", |lines, rng| {
        change_word(lines, rng, |word, rng| format!("{}{word}", if rng.bool() { '#' } else { '!' }));
    }),
    ("backslash", |lines, rng| change(lines, rng, |line, _| format!("{line} \\"))),
    ("keyword of another block", |lines, rng| {
        let blocks = config::keyword::blocks();
        let keywords: Vec<_> = blocks.iter().flat_map(|block| block.keywords()).collect();
        let keyword = keywords[rng.usize(0..keywords.len())].name;
        let line = format!("{keyword} {}", noise(rng));
        insert(lines, rng, &line);
    }),
    ("unknown block", |lines, rng| insert(lines, rng, "unknown_block x {\n  foo 1\n}")),
    ("unknown keyword", |lines, rng| insert(lines, rng, "unknown_keyword 1")),
    ("undefined name", |lines, rng| change_word(lines, rng, |_, _| "$NOTHING".to_owned())),
    ("joined lines", |lines, rng| join_at(lines, rng, |_| true)),
    ("unknown condition", |lines, rng| change(lines, rng, |line, _| format!("@other {line}"))),
    ("bad sequence", |lines, rng| change(lines, rng, |line, _| format!("~SEQ(x, 3, 1, 2) {line}"))),
    ("two of a sequence", |lines, rng| change(lines, rng, |line, _| format!("~SEQ(x, 1, 2) {line}"))),
    ("missing include", |lines, rng| insert(lines, rng, "include nothing-here.conf")),
    ("strict missing include", |lines, rng| insert(lines, rng, "includea nothing-here.conf")),
];

/// A file to which something is done, or nothing.
pub fn mutate(text: &str, rng: &mut Rng) -> Mutant {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut mutant = Mutant { text: Vec::new(), included: Vec::new(), done: Vec::new() };
    let (styles, breakages) = match rng.u32(0..10) {
        0 | 1 => (0, 0),
        2..=4 => (rng.usize(1..=3), 0),
        5..=8 => (rng.usize(0..=1), 1),
        _ => (rng.usize(0..=2), rng.usize(1..=3)),
    };
    let chosen = |list: &[Mutation], count: usize, rng: &mut Rng| -> Vec<Mutation> {
        (0..count).map(|_| list[rng.usize(0..list.len())]).collect()
    };
    let mut mutations = chosen(BREAKAGE, breakages, rng);
    mutations.extend(chosen(STYLE, styles, rng));
    for (name, mutation) in mutations {
        if lines.is_empty() {
            break;
        }
        mutation(&mut lines, rng);
        // A mutation may have made lines of one, or one of several.
        lines = lines.join("\n").lines().map(str::to_owned).collect();
        mutant.done.push(name);
    }
    if rng.u32(0..100) < 8 && !lines.is_empty() {
        let start = rng.usize(0..lines.len());
        let end = rng.usize(start..=lines.len());
        let part = lines.drain(start..end).collect::<Vec<_>>().join("\n");
        lines.insert(start, "include part.inc".to_owned());
        mutant.included.push(("part.inc".to_owned(), part + "\n"));
        mutant.done.push("include");
    }
    let mut text = lines.join("\n") + "\n";
    match rng.u32(0..100) {
        0..=3 => {
            text = text.replace('\n', "\r\n");
            mutant.done.push("CRLF");
        }
        4..=6 => {
            let end = rng.usize(0..=text.len());
            text.truncate((0..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
            mutant.done.push("truncated");
        }
        _ => {}
    }
    mutant.text = text.into_bytes();
    if rng.u32(0..100) < 2 {
        let at = rng.usize(0..=mutant.text.len());
        mutant.text.insert(at, 0xb7);
        mutant.done.push("legacy byte");
    }
    mutant
}

/// A line without braces, which have mutations of their own.
fn plain(lines: &[String], rng: &mut Rng) -> Option<usize> {
    rng.choice((0..lines.len()).filter(|at| !lines[*at].contains(['{', '}'])).collect::<Vec<_>>())
}

fn insert(lines: &mut Vec<String>, rng: &mut Rng, line: &str) {
    lines.insert(rng.usize(0..=lines.len()), line.to_owned());
}

fn change(lines: &mut [String], rng: &mut Rng, how: impl Fn(&str, &mut Rng) -> String) {
    change_where(lines, rng, |_| true, how);
}

fn change_where(
    lines: &mut [String],
    rng: &mut Rng,
    which: impl Fn(&str) -> bool,
    how: impl Fn(&str, &mut Rng) -> String,
) {
    let candidates: Vec<_> = (0..lines.len()).filter(|at| which(&lines[*at])).collect();
    if let Some(at) = rng.choice(candidates) {
        lines[at] = how(&lines[at], rng);
    }
}

fn change_word(lines: &mut [String], rng: &mut Rng, how: impl Fn(&str, &mut Rng) -> String) {
    change(lines, rng, |line, rng| {
        let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let filled: Vec<_> = (0..words.len()).filter(|at| !words[*at].is_empty()).collect();
        if let Some(at) = rng.choice(filled) {
            words[at] = how(&words[at], rng);
        }
        words.join(" ")
    });
}

fn noise(rng: &mut Rng) -> &'static str {
    const NOISE: &[&str] =
        &["x", "1", "0", "-5", "eth0", "10.0.0.1", "weight", "{", "}", "\"", "#", "\\", "''", "\"\"", "all"];
    NOISE[rng.usize(0..NOISE.len())]
}

/// A number in a line.
fn digits(line: &str, rng: &mut Rng) -> Option<(usize, usize)> {
    let bytes = line.as_bytes();
    let starts =
        (0..bytes.len()).filter(|at| bytes[*at].is_ascii_digit() && (*at == 0 || bytes[*at - 1] == b' '));
    let start = rng.choice(starts.collect::<Vec<_>>())?;
    let end = (start..bytes.len()).find(|at| !bytes[*at].is_ascii_digit()).unwrap_or(bytes.len());
    Some((start, end))
}

fn misspell(line: &str, rng: &mut Rng) -> String {
    let start = line.len() - line.trim_start().len();
    let end = line[start..].find(' ').map_or(line.len(), |at| start + at);
    let mut word: Vec<char> = line[start..end].chars().collect();
    if word.len() < 2 {
        return line.to_owned();
    }
    let at = rng.usize(0..word.len() - 1);
    match rng.u32(0..3) {
        0 => drop(word.remove(at)),
        1 => word.swap(at, at + 1),
        _ => word.insert(at, 'x'),
    }
    format!("{}{}{}", &line[..start], word.iter().collect::<String>(), &line[end..])
}

/// Puts the next line behind one.
fn join_at(lines: &mut Vec<String>, rng: &mut Rng, which: impl Fn(&str) -> bool) {
    let candidates: Vec<_> = (0..lines.len().saturating_sub(1)).filter(|at| which(&lines[*at])).collect();
    if let Some(at) = rng.choice(candidates) {
        let next = lines.remove(at + 1);
        lines[at] = format!("{} {}", lines[at], next.trim_start());
    }
}

/// Puts a closing brace behind the line before it.
fn join_before(lines: &mut Vec<String>, rng: &mut Rng) {
    let closing = |at: &usize| lines[*at].trim() == "}";
    if let Some(at) = rng.choice((1..lines.len()).filter(closing).collect::<Vec<_>>()) {
        lines.remove(at);
        lines[at - 1].push_str(" }");
    }
}

/// A whole block once more, somewhere else.
fn duplicate_block(lines: &mut Vec<String>, rng: &mut Rng) {
    let opens = |at: &usize| lines[*at].trim_end().ends_with('{');
    let Some(start) = rng.choice((0..lines.len()).filter(opens).collect::<Vec<_>>()) else { return };
    let indent = lines[start].len() - lines[start].trim_start().len();
    let closes = |at: &usize| lines[*at].trim() == "}" && lines[*at].len() == indent + 1;
    let end = (start..lines.len()).find(closes).map_or(lines.len(), |at| at + 1);
    let block: Vec<_> = lines[start..end].to_vec();
    let at = if rng.bool() { end } else { lines.len() };
    lines.splice(at..at, block);
}

fn define(lines: &mut Vec<String>, rng: &mut Rng) {
    replace_by_name(lines, rng, "$NAME");
}

fn define_in_braces(lines: &mut Vec<String>, rng: &mut Rng) {
    replace_by_name(lines, rng, "${NAME}");
}

/// The last word of a line becomes a name that is defined at the start.
fn replace_by_name(lines: &mut Vec<String>, rng: &mut Rng, usage: &str) {
    let candidates: Vec<_> = (0..lines.len()).filter(|at| lines[*at].trim().contains(' ')).collect();
    let Some(at) = rng.choice(candidates) else { return };
    let Some((head, word)) = lines[at].rsplit_once(' ') else { return };
    let definition = format!("$NAME={word}");
    lines[at] = format!("{head} {usage}");
    lines.insert(0, definition);
}

/// Some lines become a definition.
fn define_lines(lines: &mut Vec<String>, rng: &mut Rng) {
    let start = rng.usize(0..lines.len());
    let end = rng.usize(start + 1..=lines.len().min(start + 6));
    let body: Vec<_> = lines.splice(start..end, ["$BODY".to_owned()]).collect();
    let mut definition = vec!["$BODY= \\".to_owned()];
    let last = body.len().saturating_sub(1);
    definition.extend(
        body.into_iter().enumerate().map(|(at, line)| if at == last { line } else { format!("{line} \\") }),
    );
    lines.splice(0..0, definition);
}
