//! The file system as a configuration sees it: reading, and patterns of names.
//!
//! **This crate reads no file itself**: the daemon hands in the real [`Files`], tests a [`MemoryFiles`]. Patterns are
//! those of glob(3) with braces, as in keepalived: matches come in the order of their names, a leading dot has to be
//! written.

use std::collections::{BTreeMap, BTreeSet};

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// Nothing.
    Missing,
    /// A regular file without execute bits: the only kind that keepalived reads as configuration.
    Regular,
    /// A regular file with an execute bit, or a device, pipe or socket.
    Other,
    /// A directory.
    Directory,
}

/// Access to files by name. Names are absolute, or relative to the daemon's working directory.
pub trait Files {
    /// What `path` stands for, symbolic links followed.
    fn kind(&self, path: &str) -> FileKind;

    /// The content of a file.
    ///
    /// # Errors
    /// Why it cannot be read, in the system's words.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// The names in a directory (`""` is the working directory), in any order; none if it cannot be read.
    fn list(&self, directory: &str) -> Vec<String>;
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles {
    files: BTreeMap<String, Vec<u8>>,
    executable: BTreeSet<String>,
}

impl MemoryFiles {
    /// One file.
    pub fn one(path: &str, content: impl Into<Vec<u8>>) -> Self {
        Self::default().with(path, content)
    }

    /// Adds a file; the directories above it then exist.
    #[must_use]
    pub fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    /// Adds a file with an execute bit.
    #[must_use]
    pub fn with_executable(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.executable.insert(path.to_owned());
        self.with(path, content)
    }
}

impl Files for MemoryFiles {
    fn kind(&self, path: &str) -> FileKind {
        let path = path.trim_end_matches('/');
        if self.executable.contains(path) {
            FileKind::Other
        } else if self.files.contains_key(path) {
            FileKind::Regular
        } else if self.files.keys().any(|file| is_within(file, path)) {
            FileKind::Directory
        } else {
            FileKind::Missing
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.files.get(path).cloned().ok_or_else(|| "No such file or directory".to_owned())
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let prefix = if directory.is_empty() || directory.ends_with('/') {
            directory.to_owned()
        } else {
            format!("{directory}/")
        };
        let below = self.files.keys().filter_map(|file| file.strip_prefix(&prefix));
        let names: BTreeSet<_> = below.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect();
        names.into_iter().collect()
    }
}

fn is_within(file: &str, directory: &str) -> bool {
    file.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// `name` as seen from `directory` (which is empty or ends in `/`).
pub(crate) fn join(directory: &str, name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("{directory}{name}") }
}

/// The directory of a file, with its final `/`; empty for a bare name.
pub(crate) fn directory_of(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..=slash])
}

/// Whether a pattern has wildcards (braces are none: each of their elements names one file).
pub(crate) fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// What a pattern stands for.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Matches {
    /// Names that exist, in the order of the braces and then of the names.
    pub paths: Vec<String>,
    /// Elements of the braces that match nothing.
    pub without: Vec<String>,
}

/// Most elements that the braces of one pattern may expand to.
const MAX_ELEMENTS: usize = 1024;

/// Every file that `pattern` stands for.
pub(crate) fn matches(files: &dyn Files, pattern: &str) -> Matches {
    let mut found = Matches::default();
    for element in braces(pattern) {
        let paths = if has_wildcard(&element) {
            wildcards(files, &element)
        } else if files.kind(&element) == FileKind::Missing {
            Vec::new()
        } else {
            vec![element.clone()]
        };
        if paths.is_empty() {
            found.without.push(element);
        }
        found.paths.extend(paths);
    }
    found
}

/// `a{b,c}d` to `abd`, `acd`; nested and repeated. Without a matching brace the text stands for itself.
fn braces(pattern: &str) -> Vec<String> {
    let mut pending = vec![pattern.to_owned()];
    let mut done = Vec::new();
    // Last in, first out, with the elements pushed in reverse: the results come in the order of the text.
    while let Some(text) = pending.pop() {
        match first_brace(&text) {
            Some((open, close, elements)) if pending.len() + done.len() + elements.len() <= MAX_ELEMENTS => {
                for element in elements.iter().rev() {
                    pending.push(format!("{}{element}{}", &text[..open], &text[close + 1..]));
                }
            }
            _ => done.push(text),
        }
    }
    done
}

/// Position of the first `{` that has a `}`, of that, and the elements between.
fn first_brace(text: &str) -> Option<(usize, usize, Vec<String>)> {
    let open = text.find('{')?;
    let (mut depth, mut start, mut elements) = (0_usize, open + 1, Vec::new());
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            ',' if depth == 1 => {
                elements.push(text[start..at].to_owned());
                start = at + 1;
            }
            '}' if depth == 1 => {
                elements.push(text[start..at].to_owned());
                return Some((open, at, elements));
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn wildcards(files: &dyn Files, pattern: &str) -> Vec<String> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::default() };
    let mut prefixes = vec![String::new()];
    let components: Vec<_> = pattern.split('/').collect();
    for (index, component) in components.iter().enumerate() {
        let last = index + 1 == components.len();
        let separator = if last { "" } else { "/" };
        if !has_wildcard(component) {
            for prefix in &mut prefixes {
                prefix.push_str(component);
                prefix.push_str(separator);
            }
            continue;
        }
        let Ok(component) = glob::Pattern::new(component) else { return Vec::new() };
        let mut next = Vec::new();
        for prefix in &prefixes {
            let mut names = files.list(prefix);
            names.retain(|name| component.matches_with(name, options));
            names.sort_unstable();
            next.extend(names.into_iter().map(|name| format!("{prefix}{name}{separator}")));
        }
        prefixes = next;
    }
    prefixes.retain(|path| files.kind(path) != FileKind::Missing);
    prefixes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> MemoryFiles {
        let names = ["d/a.conf", "d/b.conf", "d/.hidden.conf", "d/e/c.conf", "top.conf"];
        names.iter().fold(MemoryFiles::default(), |files, name| files.with(name, *name))
    }

    fn paths(pattern: &str) -> Vec<String> {
        matches(&files(), pattern).paths
    }

    #[test]
    fn a_wildcard_matches_in_the_order_of_the_names_and_not_hidden_files() {
        assert_eq!(paths("d/*.conf"), ["d/a.conf", "d/b.conf"]);
        assert_eq!(paths("*.conf"), ["top.conf"]);
        assert_eq!(paths("d/*/?.conf"), ["d/e/c.conf"]);
        assert_eq!(paths("d/[!a].conf"), ["d/b.conf"]);
        assert_eq!(paths("x/*"), [] as [&str; 0]);
    }

    #[test]
    fn braces_keep_their_own_order_and_name_what_they_miss() {
        let found = matches(&files(), "d/{b,x,a}.conf");
        assert_eq!(found.paths, ["d/b.conf", "d/a.conf"]);
        assert_eq!(found.without, ["d/x.conf"]);
        assert_eq!(braces("{a,b{c,d}}{,e}"), ["a", "ae", "bc", "bce", "bd", "bde"]);
        assert_eq!(braces("{a"), ["{a"]);
    }

    #[test]
    fn a_bomb_of_braces_is_bounded() {
        assert!(braces(&"{a,b}".repeat(64)).len() <= MAX_ELEMENTS);
    }

    #[test]
    fn a_name_without_wildcard_stands_for_itself_even_if_it_is_a_directory() {
        assert_eq!(paths("d"), ["d"]);
        assert_eq!(files().kind("d"), FileKind::Directory);
        assert_eq!(matches(&files(), "none").without, ["none"]);
    }
}
