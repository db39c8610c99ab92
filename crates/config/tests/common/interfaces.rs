//! The interfaces that a configuration names.

use std::collections::BTreeSet;

/// Words that stand where an interface does: after `interface` and `dev`, and first in lines of `track_interface`.
pub fn named(text: &str) -> BTreeSet<String> {
    let plain = |name: &str| {
        !name.is_empty()
            && name.len() <= 15
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.:@-".contains(c))
    };
    let mut names = BTreeSet::new();
    let mut tracked = false;
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().map(|word| word.trim_matches('"')).collect();
        if let Some("interface" | "lvs_sync_daemon_interface") = words.first().copied() {
            names.extend(words.get(1).map(|name| (*name).to_owned()));
        }
        let devices = words.windows(2).filter(|pair| pair[0] == "dev").map(|pair| pair[1].to_owned());
        names.extend(devices);
        let code = line.split(['#', '!']).next().unwrap_or_default();
        if let Some((_, rest)) = code.split_once("track_interface") {
            tracked = rest.contains('{');
            let inside = rest.split('{').nth(1).and_then(|rest| rest.split_whitespace().next());
            names.extend(inside.map(str::to_owned));
        } else if tracked {
            names.extend(code.split_whitespace().next().map(str::to_owned));
        }
        tracked &= !code.contains('}');
    }
    names.retain(|name| plain(name));
    names
}
