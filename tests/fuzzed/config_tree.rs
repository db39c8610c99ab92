//! Arbitrary bytes as choices from the keyword table, so that what is read gets deep: keywords where they belong, with
//! values of their kind or nearly so, in blocks that are mostly closed.

use config::keyword::{self, Block, Header, ROOT, Takes, Value};

use crate::choices::Choices;
use crate::config_text;

/// Makes a file of the bytes and reads it.
///
/// # Panics
/// If something does not hold that holds for every file.
pub fn run(bytes: &[u8]) {
    config_text::run(text(bytes).as_bytes());
}

/// What is not in the keyword table: values, options of lines, and what the language around the keywords is made of.
const WORDS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "255",
    "256",
    "65536",
    "99999999999999999999",
    "1.5",
    "0.0000001",
    "0x10",
    "10.0.0.1",
    "10.0.0.2/24",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "10.0.0.1-200",
    "10.0.0.1/33",
    "2001:db8::1",
    "2001:db8::2/64",
    "::/0",
    "fe80::1%eth0",
    "eth0",
    "eth1",
    "lo",
    "nowhere",
    "A",
    "B",
    "G",
    "80",
    "80-90",
    "fwmark",
    "group",
    "dev",
    "via",
    "src",
    "to",
    "from",
    "table",
    "scope",
    "global",
    "host",
    "brd",
    "+",
    "-",
    "label",
    "peer",
    "mtu",
    "lock",
    "metric",
    "nexthop",
    "weight",
    "reverse",
    "noreverse",
    "no_track",
    "track_group",
    "prefixlen",
    "type",
    "gue",
    "DR",
    "NAT",
    "TUN",
    "TCP",
    "UDP",
    "SCTP",
    "on",
    "off",
    "default",
    "blackhole",
    "priority",
    "not",
    "\"",
    "'",
    "\"a b\"",
    "\"/bin/true x\"",
    "/bin/true",
    "/tmp/script",
    "\\",
    "\\#",
    "#",
    "!",
    "@node",
    "@^node",
    "$X=1",
    "$Y= \\\n$X \\\nweight 1\n\n",
    "$X",
    "$Y",
    "${X}",
    "${Y}",
    "${_RANDOM 1 3}",
    "${_ENV HOME}",
    "${_PWD}",
    "~SEQ(X,1,5)",
    "~SEQ(X,1,-1,-70)",
    "~SEQx(Y,255)",
    "~LST(X,a,b)",
    "~LST({X,Y},{1,2},{3})",
    "include",
    "includea",
    "instance",
    "open",
    "close",
    "define",
    "self",
    "main",
    "d/*",
    "{d/one,none}",
    "\n",
    "{",
    "}",
    "\t",
    "\r\n",
    "\u{0}",
    "\u{feff}",
    "路由",
    "(",
    ")",
    ",",
    "=",
];

/// The file that the bytes choose.
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut choices = Choices::of(bytes);
    let mut open = vec![&ROOT];
    while let Some(()) = item(&mut choices, &mut open, &mut text) {}
    text
}

/// One thing more; `None` when the choices are used up.
fn item(choices: &mut Choices<'_>, open: &mut Vec<&'static Block>, text: &mut String) -> Option<()> {
    let block = open.last().copied().unwrap_or(&ROOT);
    match choices.next()? % 16 {
        0..=8 => entry(choices, block, open, text)?,
        9..=11 => {
            text.push_str("}\n");
            if open.len() > 1 {
                open.pop();
            }
        }
        12 => {
            let other = choices.one_of(&keyword::blocks())?;
            entry(choices, other, open, text)?;
        }
        13 | 14 => text.push_str(choices.one_of(WORDS)?),
        _ => text.push(char::from(u8::try_from(choices.next()?).unwrap_or(b' '))),
    }
    Some(())
}

/// A line of `block`.
fn entry(
    choices: &mut Choices<'_>,
    block: &'static Block,
    open: &mut Vec<&'static Block>,
    text: &mut String,
) -> Option<()> {
    let spellings: Vec<_> = block.spellings().collect();
    if spellings.is_empty() {
        words(choices, text)?;
        text.push('\n');
        return Some(());
    }
    let name = choices.one_of(&spellings)?;
    text.push_str(name);
    match block.find(name)?.keyword.takes {
        Takes::Flag => {}
        Takes::One(value, _) | Takes::Maybe(value) | Takes::Many(value, _) => {
            text.push(' ');
            text.push_str(&word(choices, value)?);
        }
        Takes::Script(_) | Takes::Words { .. } => words(choices, text)?,
        Takes::Block(inner) => {
            match inner.header {
                Header::Nothing | Header::NothingElse => {}
                Header::Name(_) | Header::OnlyName(_) => text.push_str(choices.one_of(&[" A", " B", " G"])?),
                Header::Words { .. } => words(choices, text)?,
            }
            text.push_str(" {");
            open.push(inner);
        }
    }
    text.push('\n');
    Some(())
}

fn words(choices: &mut Choices<'_>, text: &mut String) -> Option<()> {
    for _ in 0..=choices.next()? % 6 {
        text.push(' ');
        text.push_str(choices.one_of(WORDS)?);
    }
    Some(())
}

/// A word of a kind: often right, sometimes just outside its range.
fn word(choices: &mut Choices<'_>, value: Value) -> Option<String> {
    let choice = choices.next()?;
    let number = |least: i128, most: i128| match choice % 6 {
        0 => least.to_string(),
        1 => most.to_string(),
        2 => (least - 1).to_string(),
        3 => (most + 1).to_string(),
        4 => (least + i128::try_from(choice).unwrap_or(0)).to_string(),
        _ => format!("{}.5", least + 1),
    };
    Some(match value {
        _ if choice >= 0xf0 => choices.one_of(WORDS)?.to_owned(),
        Value::Text | Value::Short(_) => {
            choices.one_of(&["A", "B", "G", "t", "/run/f", "eth0", "\"a b\""])?.to_owned()
        }
        Value::Bool => choices.one_of(&["on", "off", "true", "no"])?.to_owned(),
        Value::Integer { least, most, .. } => number(least.into(), most.into()),
        Value::Time { least, most, unit } => {
            let unit = i128::from(unit.max(1));
            number(i128::from(least) / unit, i128::from(most) / unit)
        }
        Value::Address => {
            choices.one_of(&["10.0.0.1", "10.0.0.2", "2001:db8::1", "fe80::2", "10.0.0.0/24"])?.to_owned()
        }
        Value::Choice { words, .. } => choices.one_of(words)?.to_owned(),
        Value::Interface => choices.one_of(&["eth0", "eth1", "lo", "nowhere"])?.to_owned(),
    })
}
