//! The list of keywords and options that do nothing yet, or less than they say, for the README.

use std::fmt::Write as _;

use clap::CommandFactory;
use config::keyword::{self, Block, Keyword, Status};

use crate::cli::{Cli, WITHOUT_EFFECT};

const BEGIN: &str = "<!-- not-supported:begin -->\n";
const END: &str = "<!-- not-supported:end -->";

/// The text with the list between its marks; nothing if they are not there.
pub fn fill_in(text: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{}{END}{after}", list()))
}

/// One item for each block, and one for the command line. What stands in a block that is in the list is not repeated.
fn list() -> String {
    let mut list = String::new();
    for block in keyword::blocks().into_iter().filter(|block| works(block)) {
        let without: Vec<_> = block
            .keywords()
            .filter(|keyword| keyword.status == Status::NotYet)
            .map(|keyword| format!("`{}`", keyword.name))
            .collect();
        let what = if block.name.is_empty() {
            "Outside all blocks".to_owned()
        } else {
            format!("In `{}`", block.name)
        };
        // Writing to a string succeeds.
        if !without.is_empty() {
            let _ = writeln!(list, "- {what}, without effect: {}.", without.join(", "));
        }
        let mut partly: Vec<(&str, Vec<String>)> = Vec::new();
        for keyword in block.keywords() {
            let Status::Partly(does) = keyword.status else { continue };
            let name = format!("`{}`", keyword.name);
            match partly.iter_mut().find(|(same, _)| *same == does) {
                Some((_, names)) => names.push(name),
                None => partly.push((does, vec![name])),
            }
        }
        for (does, names) in partly {
            let _ = writeln!(list, "- {what}, in part, {}: {does}.", names.join(", "));
        }
    }
    let command = Cli::command();
    let options: Vec<_> = command
        .get_arguments()
        .filter(|option| option.get_help_heading() == Some(WITHOUT_EFFECT))
        .filter_map(|option| option.get_long().map(|long| format!("`--{long}`")))
        .collect();
    if !options.is_empty() {
        let _ = writeln!(list, "- On the command line, without effect: {}.", options.join(", "));
    }
    list
}

/// Whether a block can stand anywhere where it has an effect.
fn works(block: &'static Block) -> bool {
    let opens = |keyword: &&'static Keyword| keyword.block().is_some_and(|inner| std::ptr::eq(inner, block));
    block.name.is_empty()
        || keyword::blocks().into_iter().any(|outer| {
            outer.keywords().filter(opens).any(|keyword| keyword.status == Status::Done) && works(outer)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_stands_between_its_marks_and_nothing_else_changes() {
        let text = fill_in(&format!("# stayd\n{BEGIN}- stale\n{END}\nmore\n")).unwrap();
        assert!(
            text.starts_with(&format!("# stayd\n{BEGIN}- ")) && text.ends_with(&format!("\n{END}\nmore\n")),
            "{text}"
        );
        assert!(!text.contains("stale"));
        assert_eq!(fill_in(&text).as_ref(), Some(&text));
        assert_eq!(fill_in("no marks\n"), None);
    }

    #[test]
    fn every_keyword_without_effect_is_in_the_list_or_its_block_is() {
        let list = list();
        for block in keyword::blocks() {
            for keyword in block.keywords().filter(|keyword| keyword.status != Status::Done) {
                let named = list.contains(&format!("`{}`", keyword.name));
                assert!(named || !works(block), "{}/{}", block.name, keyword.name);
            }
        }
        assert!(list.contains("`--snmp`"), "{list}");
    }
}
