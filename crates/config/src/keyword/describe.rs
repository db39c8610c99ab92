//! Keywords for people: their syntax, and what there is to know about each.
//!
//! `stayd explain`, the reference and the manual page are all made of this.

use super::{AliasKind, Block, Body, Header, Keyword, Missing, Outside, Status, Takes, Value};

/// What comes of a missing value, mostly.
pub const DOES_NOT_START: &str = "the daemon does not start (status 2)";

impl Block {
    /// Its name where people read it; the file itself has none of its own.
    pub const fn title(&self) -> &'static str {
        if self.name.is_empty() { "outside all blocks" } else { self.name }
    }

    /// What stands in it, if that is no keywords.
    pub const fn lines(&self) -> Option<&'static str> {
        match self.body {
            Body::Keywords(..) => None,
            Body::Lines(syntax) | Body::Words(syntax) => Some(syntax),
        }
    }
}

impl Keyword {
    /// How it is written: `advert_int SECONDS`.
    pub fn syntax(&self) -> String {
        let after = match self.takes {
            Takes::Flag => String::new(),
            Takes::One(value, _) => value.placeholder(),
            Takes::Maybe(value) => format!("[{}]", value.placeholder()),
            Takes::Many(value, _) => format!("{} ...", value.placeholder()),
            Takes::Script(_) => "COMMAND [USER [GROUP]]".to_owned(),
            Takes::Words { syntax, .. } => syntax.to_owned(),
            Takes::Block(block) => match block.header {
                Header::Nothing | Header::NothingElse => "{ ... }".to_owned(),
                Header::Name(_) | Header::OnlyName(_) => "NAME { ... }".to_owned(),
                Header::Words { syntax, .. } => format!("{syntax} {{ ... }}"),
            },
        };
        format!("{} {after}", self.name).trim_end().to_owned()
    }

    /// What it takes, in words; empty where the syntax says it all.
    pub fn value(&self) -> String {
        let (value, optional) = match self.takes {
            Takes::One(value, _) | Takes::Many(value, _) => (value, false),
            Takes::Maybe(value) => (value, true),
            Takes::Block(block) => {
                return match (block.lines(), &block.body) {
                    (Some(syntax), Body::Lines(_)) => format!("lines of the form {syntax}"),
                    (Some(what), _) => what.to_owned(),
                    (None, _) => String::new(),
                };
            }
            Takes::Flag | Takes::Script(_) | Takes::Words { .. } => return String::new(),
        };
        match (value, optional) {
            (Value::Text, _) => String::new(),
            (Value::Bool, true) => format!("{}; alone it means `true`", value.describe()),
            _ => value.describe(),
        }
    }

    /// What happens to a bad value, where that is not to be reported and ignored.
    pub fn bad_value(&self) -> Option<String> {
        if let Some(value) = self.fallback {
            return Some(format!("reported; {value} is used"));
        }
        match self.takes {
            Takes::One(Value::Integer { outside, least, .. }, _) => match outside {
                Outside::Ignored => None,
                Outside::Raised => Some(format!("one that is too small is reported and becomes {least}")),
                Outside::Limited => Some("reported and brought into the range".to_owned()),
            },
            Takes::One(Value::Short(most), _) => Some(format!("reported and cut after {most} bytes")),
            _ => None,
        }
    }

    /// What its absence after the keyword does, where a word is needed.
    pub const fn missing_value(&self) -> Option<&'static str> {
        let missing = match self.takes {
            Takes::One(_, missing)
            | Takes::Many(_, missing)
            | Takes::Script(missing)
            | Takes::Words { missing, least: 1.., .. } => missing,
            Takes::Block(Block { header: Header::Name(missing) | Header::Words { missing, .. }, .. }) => {
                *missing
            }
            Takes::Flag | Takes::Maybe(_) | Takes::Words { .. } | Takes::Block(_) => return None,
        };
        Some(match missing {
            Missing::Fatal => DOES_NOT_START,
            Missing::Reported => "reported; the line is ignored",
            Missing::Silent => "the line is ignored; keepalived does not say so",
        })
    }

    /// Whether it works, in words.
    pub fn support(&self) -> String {
        match self.status {
            Status::Done => "works".to_owned(),
            Status::NotYet => "read and checked, no effect yet".to_owned(),
            Status::Partly(what) => format!("in part: {what}"),
        }
    }

    /// Everything that there is to know about it in this block, beside its syntax and documentation: a title, and text.
    pub fn facts(&self, block: &Block) -> Vec<(&'static str, String)> {
        let mut facts = vec![("Takes", self.value())];
        facts.push(("Bad value", self.bad_value().unwrap_or_default()));
        facts.push(("Without value", self.missing_value().unwrap_or_default().to_owned()));
        facts.push(("Default", self.default.to_owned()));
        let since = if self.since == super::OURS {
            "stayd's own: keepalived does not know it".to_owned()
        } else {
            format!("keepalived {}", self.since)
        };
        facts.push(("Since", since));
        facts.push(("Replaced by", self.superseded.map(|by| format!("`{by}`")).unwrap_or_default()));
        facts.push(("Also written", self.spellings(block)));
        facts.push(("In stayd", self.support()));
        facts.retain(|(_, text)| !text.is_empty());
        facts
    }

    fn spellings(&self, block: &Block) -> String {
        let aliases = block.aliases().iter().filter(|alias| alias.means == self.name);
        let shown = aliases.map(|alias| match alias.kind {
            AliasKind::Synonym => format!("`{}`", alias.name),
            AliasKind::Deprecated | AliasKind::Older => format!("`{}` (old)", alias.name),
            AliasKind::Slip(keepalived) => {
                format!("`{}` (a slip, of which keepalived {keepalived})", alias.name)
            }
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}

impl Value {
    /// What stands for it in a line of syntax.
    pub fn placeholder(self) -> String {
        match self {
            Self::Text | Self::Short(_) => "TEXT".to_owned(),
            Self::Bool => "true|false".to_owned(),
            Self::Integer { unit, .. } if !unit.is_empty() => unit.to_uppercase(),
            Self::Integer { .. } => "NUMBER".to_owned(),
            Self::Time { unit: 1_000_000, .. } => "SECONDS".to_owned(),
            Self::Time { .. } => "MILLISECONDS".to_owned(),
            Self::Address => "ADDRESS".to_owned(),
            Self::Choice { words, .. } if words.len() < 7 => words.join("|"),
            Self::Choice { .. } => "WORD".to_owned(),
            Self::Interface => "INTERFACE".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::keyword::ROOT;

    /// Syntax and facts of a keyword, one on a line.
    fn shown(path: &[&str]) -> String {
        let (name, outer) = path.split_last().unwrap();
        let block =
            outer.iter().fold(&ROOT, |block, name| block.find(name).unwrap().keyword.block().unwrap());
        let keyword = block.find(name).unwrap().keyword;
        let facts = keyword.facts(block).into_iter().map(|(title, text)| format!("{title}: {text}"));
        std::iter::once(keyword.syntax()).chain(facts).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_number_is_described_with_unit_range_default_and_what_becomes_of_bad_ones() {
        assert_eq!(
            shown(&["vrrp_instance", "advert_int"]),
            "advert_int SECONDS\nTakes: seconds from 0.01 to 255\nWithout value: the daemon does not start (status 2)\n\
             Default: 1\nSince: keepalived 0.5.3\nIn stayd: works"
        );
        let priority = shown(&["vrrp_instance", "priority"]);
        assert!(priority.contains("Bad value: reported; 100 is used"), "{priority}");
        let repeat = shown(&["global_defs", "vrrp_garp_master_repeat"]);
        assert!(repeat.contains("too small is reported and becomes 1"), "{repeat}");
    }

    #[test]
    fn other_spellings_say_how_they_came_about() {
        let protocol = shown(&["virtual_server", "protocol"]);
        assert!(protocol.starts_with("protocol TCP|UDP|SCTP\n"), "{protocol}");
        assert!(
            protocol.contains("Also written: `protocal` (a slip, of which keepalived ignores"),
            "{protocol}"
        );
        assert!(shown(&["virtual_server", "lb_algo"]).contains("Also written: `lvs_sched`\n"));
    }

    #[test]
    fn a_block_is_described_by_what_stands_in_it() {
        let addresses = shown(&["vrrp_instance", "virtual_ipaddress"]);
        assert!(
            addresses.starts_with("virtual_ipaddress { ... }\nTakes: lines of the form ADDRESS"),
            "{addresses}"
        );
        assert!(
            shown(&["virtual_server"])
                .starts_with("virtual_server ADDRESS [PORT], fwmark NUMBER, or group NAME {")
        );
    }
}
