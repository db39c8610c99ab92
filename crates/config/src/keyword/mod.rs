//! Every keyword of keepalived.conf: the one place that knows what there is.
//!
//! **What is not in this table does not exist**: the parser's dispatch and its checks of arity and value, "did you mean",
//! "belongs in", the notes about what has no effect yet, and the documentation are all read from it. A block lists its
//! keywords; a keyword says what it takes, what it defaults to, since which release of keepalived it is known, whether
//! this version of stayd does something about it, and what it is for.

mod bfd;
mod check;
mod describe;
mod global;
mod global_system;
mod global_vrrp;
mod instance;
mod root;
mod track;
mod value;
mod virtual_server;

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

pub use describe::DOES_NOT_START;
pub use global::GLOBAL_DEFS;
pub use root::ROOT;
pub use value::{
    Datum, Outside, Value, ValueError, parse_address, parse_decimal, parse_integer, parse_unsigned,
};

/// A kind of block.
#[derive(Debug)]
pub struct Block {
    /// Unique name: that of its keyword, with the outer block's before it where the keyword alone is ambiguous.
    pub name: &'static str,
    /// What stands between the keyword and its `{`.
    pub header: Header,
    /// What stands in the block.
    pub body: Body,
}

impl Block {
    /// Whether keepalived does not know it, nor therefore anything in it.
    pub fn is_ours(&self) -> bool {
        ["AMQP_CHECK", "GRPC_CHECK"].contains(&self.name)
    }
}

/// What stands between a keyword and its `{`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Header {
    /// Nothing; more words are passed over.
    Nothing,
    /// Nothing; more words are reported, as keepalived does for lists of values.
    NothingElse,
    /// A name; more words are passed over.
    Name(Missing),
    /// A name and nothing else. What happens without it, with more words, and (if that is fatal) without the `{`.
    OnlyName(Missing),
    /// Words of a syntax of their own, at least one.
    Words {
        /// The syntax, for people.
        syntax: &'static str,
        /// What their absence does.
        missing: Missing,
    },
}

/// What stands in a block.
#[derive(Debug)]
pub enum Body {
    /// Entries that start with a keyword; several lists, so that blocks can share some.
    Keywords(&'static [&'static [Keyword]], &'static [Alias]),
    /// Lines of a syntax of their own.
    Lines(&'static str),
    /// Names, as many on a line as one likes.
    Words(&'static str),
}

/// A keyword of a block.
#[derive(Debug)]
pub struct Keyword {
    /// Its name, case-sensitive.
    pub name: &'static str,
    /// What follows it.
    pub takes: Takes,
    /// The value that holds if it does not appear, for people; empty: none.
    pub default: &'static str,
    /// The first release of keepalived that knows it, or [`OURS`].
    pub since: &'static str,
    /// Whether this version of stayd does something about it.
    pub status: Status,
    /// The value that a bad one becomes, where keepalived does not just ignore the line.
    pub fallback: Option<&'static str>,
    /// What to write instead, if keepalived asks for that.
    pub superseded: Option<&'static str>,
    /// What a second one in the same block does.
    pub again: Again,
    /// What it is for.
    pub doc: &'static str,
}

/// Another spelling of a keyword in the same block.
#[derive(Debug)]
pub struct Alias {
    /// The other spelling.
    pub name: &'static str,
    /// The keyword that it means.
    pub means: &'static str,
    /// How it came about.
    pub kind: AliasKind,
}

/// How another spelling came about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AliasKind {
    /// Both are right.
    Synonym,
    /// keepalived takes it and asks for the newer name; the release that brought the newer one.
    Deprecated,
    /// keepalived takes it silently although there is a newer name.
    Older,
    /// Not known to keepalived, common, and without doubt meant. What keepalived does with it.
    Slip(&'static str),
}

/// Whether this version of stayd does something about a keyword.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It works.
    Done,
    /// It is read and checked, and has no effect.
    NotYet,
    /// It does less than it says; what it does.
    Partly(&'static str),
}

/// What a keyword does that stands in its block a second time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Again {
    /// It counts like the first; nothing is said about it.
    Counts,
    /// It is reported, and the first counts.
    Ignored,
    /// It is reported, and counts instead of the first.
    Replaces,
}

/// What the absence of a needed word does in keepalived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// The process ends at once with status 2.
    Fatal,
    /// It is reported and the keyword ignored.
    Reported,
    /// The keyword is ignored in silence.
    Silent,
}

/// What follows a keyword.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Nothing: its presence counts.
    Flag,
    /// One value.
    One(Value, Missing),
    /// At most one value.
    Maybe(Value),
    /// One or more values.
    Many(Value, Missing),
    /// A command, in quotes if it has arguments, then `USER [GROUP]`.
    Script(Missing),
    /// Words of a syntax of their own, at least `least`.
    Words {
        /// The syntax, for people.
        syntax: &'static str,
        /// How many words there have to be.
        least: usize,
        /// What their absence does.
        missing: Missing,
    },
    /// A block.
    Block(&'static Block),
}

impl Keyword {
    const fn new(name: &'static str, takes: Takes, status: Status, doc: &'static str) -> Self {
        Self {
            name,
            takes,
            default: "",
            since: "",
            status,
            fallback: None,
            superseded: None,
            again: Again::Counts,
            doc,
        }
    }

    /// Names the default.
    const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// Names the first release that knows it.
    /// A keyword of stayd's own.
    const fn ours(self) -> Self {
        self.since(OURS)
    }

    const fn since(mut self, since: &'static str) -> Self {
        self.since = since;
        self
    }

    /// A bad value becomes this one.
    const fn fallback(mut self, value: &'static str) -> Self {
        self.fallback = Some(value);
        self
    }

    /// keepalived reports its use and asks for something else.
    const fn superseded(mut self, by: &'static str) -> Self {
        self.superseded = Some(by);
        self
    }

    /// keepalived reports a second one and ignores it.
    const fn once(mut self) -> Self {
        self.again = Again::Ignored;
        self
    }

    /// keepalived reports a second one and uses it.
    const fn replaced(mut self) -> Self {
        self.again = Again::Replaces;
        self
    }

    /// The block that it opens.
    pub const fn block(&self) -> Option<&'static Block> {
        match self.takes {
            Takes::Block(block) => Some(block),
            _ => None,
        }
    }
}

/// A keyword that works.
const fn kw(name: &'static str, takes: Takes, doc: &'static str) -> Keyword {
    Keyword::new(name, takes, Status::Done, doc)
}

/// In the place of a release: keepalived does not know the keyword.
pub const OURS: &str = "stayd";

/// A keyword that has no effect yet.
const fn later(name: &'static str, takes: Takes, doc: &'static str) -> Keyword {
    Keyword::new(name, takes, Status::NotYet, doc)
}

/// A keyword that does less than it says.
const fn partly(name: &'static str, takes: Takes, what: &'static str, doc: &'static str) -> Keyword {
    Keyword::new(name, takes, Status::Partly(what), doc)
}

const fn alias(name: &'static str, means: &'static str, kind: AliasKind) -> Alias {
    Alias { name, means, kind }
}

/// One value, without which keepalived ends.
const fn one(value: Value) -> Takes {
    Takes::One(value, Missing::Fatal)
}

/// One value, without which the line is reported and ignored.
const fn wants(value: Value) -> Takes {
    Takes::One(value, Missing::Reported)
}

/// A switch: the bare keyword means yes.
const SWITCH: Takes = Takes::Maybe(Value::Bool);

/// What a word is in a block.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The keyword, under its right name.
    pub keyword: &'static Keyword,
    /// The spelling that was used, if it is another.
    pub alias: Option<&'static Alias>,
}

/// By the address of the block and the spelling.
type Index = FxHashMap<(usize, &'static str), Found>;

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    for block in blocks() {
        for keyword in block.keywords() {
            index.insert((block.address(), keyword.name), Found { keyword, alias: None });
        }
        for alias in block.aliases() {
            if let Some(keyword) = block.keywords().find(|keyword| keyword.name == alias.means) {
                index.insert((block.address(), alias.name), Found { keyword, alias: Some(alias) });
            }
        }
    }
    index
});

/// Where each spelling belongs.
static HOMES: LazyLock<FxHashMap<&'static str, Vec<&'static Block>>> = LazyLock::new(|| {
    let mut homes: FxHashMap<_, Vec<_>> = FxHashMap::default();
    for block in blocks() {
        for name in block.spellings() {
            homes.entry(name).or_default().push(block);
        }
    }
    homes
});

/// Every block, the root first, each before the blocks in it.
pub fn blocks() -> Vec<&'static Block> {
    let mut blocks = vec![&ROOT];
    let mut next = 0;
    while let Some(block) = blocks.get(next).copied() {
        for inner in block.keywords().filter_map(Keyword::block) {
            if !blocks.iter().any(|known| std::ptr::eq(*known, inner)) {
                blocks.push(inner);
            }
        }
        next += 1;
    }
    blocks
}

/// Keywords of older releases that no longer exist, with their block and the last release that knew them.
pub const REMOVED: &[(&str, &str, &str)] = &[
    ("lvs_id", "global_defs", "1.1.7"),
    ("plugin_dir", "global_defs", "1.2.19"),
    ("sync_instance", "vrrp_instance", "0.5.9"),
    ("nat_mask", "virtual_server", "1.2.19"),
    ("real_group", "virtual_server", "1.0.0"),
    ("real_server_group", "", "1.0.0"),
];

/// Keywords whose last word is a secret, with their block.
const SECRETS: &[(&str, &str)] =
    &[("authentication", "auth_pass"), ("auth_hmac", "key"), ("SSL", "password")];

/// Whether the last word of a keyword is a password or key.
pub fn is_secret(block: &str, keyword: &str) -> bool {
    SECRETS.contains(&(block, keyword))
}

/// The blocks that know a spelling.
pub fn homes(name: &str) -> &'static [&'static Block] {
    HOMES.get(name).map_or(&[], Vec::as_slice)
}

impl Block {
    /// Its keywords; none if it holds lines or names.
    pub fn keywords(&self) -> impl Iterator<Item = &'static Keyword> + use<> {
        let lists = match self.body {
            Body::Keywords(lists, _) => lists,
            Body::Lines(_) | Body::Words(_) => &[],
        };
        lists.iter().copied().flatten()
    }

    /// Other spellings of its keywords.
    pub const fn aliases(&self) -> &'static [Alias] {
        match self.body {
            Body::Keywords(_, aliases) => aliases,
            Body::Lines(_) | Body::Words(_) => &[],
        }
    }

    /// Everything that can be written here.
    pub fn spellings(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keywords().map(|keyword| keyword.name).chain(self.aliases().iter().map(|alias| alias.name))
    }

    /// What `name` is here.
    pub fn find(&self, name: &str) -> Option<Found> {
        let index: &FxHashMap<(usize, &str), Found> = &INDEX;
        index.get(&(self.address(), name)).copied()
    }

    /// What tells it from other blocks: each is a static of its own.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// What keepalived does if its `{` is missing.
    pub const fn without_brace(&self) -> Missing {
        match self.header {
            Header::OnlyName(missing) => missing,
            _ => Missing::Reported,
        }
    }

    /// The keyword that opens it, for messages: the last part of its name.
    pub fn keyword(&self) -> &'static str {
        self.name.rsplit('/').next().unwrap_or(self.name)
    }
}

/// Greatest 32-bit number.
const UINT: i64 = 4_294_967_295;
/// Greatest signed 32-bit number.
pub(crate) const INT: i64 = 2_147_483_647;
/// A time of more than zero, as long as 32 bits of microseconds hold.
const TIMER: Value = Value::time(1, 4_294_967_295);
/// The same, or zero.
const TIMER_OR_ZERO: Value = Value::time(0, 4_294_967_295);
/// A time of more than zero, as long as 64 bits of microseconds hold.
const LONG_TIMER: Value = Value::time(1, u64::MAX - 1);
/// The same, or zero.
const LONG_TIMER_OR_ZERO: Value = Value::time(0, u64::MAX - 1);

const ADDRESS_LINE: &str = "ADDRESS[/LENGTH] [dev INTERFACE] [scope SCOPE] [brd ADDRESS|+|-] [label LABEL] \
                            [peer ADDRESS[/LENGTH]] [FLAG ...]";
const ROUTE_LINE: &str = "a route as `ip route add` takes it, with `no_track`";
const RULE_LINE: &str = "a rule as `ip rule add` takes it, with `no_track`";
const TRACK_LINE: &str = "NAME [weight NUMBER [reverse|noreverse]]";
const FORWARDING: &str = "NAT | DR | TUN [type ipip|gue|gre] [port PORT] [nocsum|csum|remcsum]";
