//! What is said of entries that cannot be used, in words.

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::keyword::{self, Block, Datum, Keyword, Missing};
use crate::source::Span;
use crate::suggest;

/// An entry that is not used, and what keepalived does of it.
pub(super) fn refused(code: Code, place: Span, effect: Missing, message: String) -> Diagnostic {
    match effect {
        Missing::Fatal => Diagnostic::error(code, Effect::Fatal, place, message)
            .label("the daemon does not start without it"),
        Missing::Reported => Diagnostic::warning(code, place, message).label("ignored"),
        Missing::Silent => Diagnostic::quiet(code, place, message).label("ignored"),
    }
}

pub(super) fn stray_brace(span: Span, why: &str) -> Diagnostic {
    Diagnostic::warning(Code::UnexpectedOpenBrace, span, format!("`{{` does not belong here: {why}"))
        .label("read as if the brace and its partner were not there")
}

pub(super) fn shown(datum: &Datum) -> String {
    match datum {
        Datum::Text(text) => format!("`{text}`"),
        Datum::Bool(value) => value.to_string(),
        Datum::Integer(number) => number.to_string(),
        Datum::Time(time) => format!("{} s", time.as_secs_f64()),
        Datum::Address(address) => address.to_string(),
        Datum::Choice(word) => (*word).to_owned(),
    }
}

/// "in `real_server`", "outside all blocks".
pub(super) fn place_name(block: &Block) -> String {
    if block.name.is_empty() { "outside all blocks".to_owned() } else { format!("in `{}`", block.keyword()) }
}

/// Where a keyword belongs: at most three places, those within the current block first.
pub(super) fn home_names(current: &'static Block, homes: &[&'static Block]) -> String {
    let mut homes = homes.to_vec();
    let within = |home: &&'static Block| {
        current.keywords().filter_map(Keyword::block).any(|it| std::ptr::eq(it, *home))
    };
    homes.sort_by_key(|home| !within(home));
    let names: Vec<_> = homes.iter().take(3).map(|home| place_name(home)).collect();
    let more = if homes.len() > names.len() { " and other blocks" } else { "" };
    format!("{}{more}", names.join(" or "))
}

/// What to write instead of an unknown word: a keyword of its block that looks like it, else one of another block. A word
/// that `opens` a block is likely one of those that do.
pub(super) fn meant(block: &'static Block, word: &str, opens: bool) -> String {
    if ["/", ";", "*", "--", "<!--"].iter().any(|comment| word.starts_with(comment)) {
        return "a comment starts with `#` or `!`".to_owned();
    }
    let fits = |name: &&str| !opens || keyword::homes(name).iter().any(|home| opens_block(home, name));
    if let Some(nearest) = suggest::nearest(word, block.spellings().filter(fits)) {
        return format!("did you mean `{nearest}`?");
    }
    let all = keyword::blocks();
    let elsewhere = suggest::nearest(word, all.iter().flat_map(|block| block.spellings()).filter(fits));
    match (elsewhere, elsewhere.and_then(|name| keyword::homes(name).first())) {
        (Some(nearest), Some(home)) => {
            format!("did you mean `{nearest}`, which belongs {}?", place_name(home))
        }
        _ if block.name.is_empty() => {
            "remove it, or correct it; `man stayd.conf` lists the blocks".to_owned()
        }
        _ => format!("remove it, or correct it; `stayd explain {}` lists what belongs here", block.keyword()),
    }
}

fn opens_block(block: &Block, name: &str) -> bool {
    block.find(name).is_some_and(|found| found.keyword.block().is_some())
}
