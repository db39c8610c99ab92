//! `inputs.txt`: one happening a line, `SECONDS WHAT WORDS...`; `#` starts a comment.

use std::time::Duration;

/// One line.
pub struct Step {
    /// After the configuration.
    pub at: Duration,
    pub what: String,
    pub words: Vec<String>,
}

impl Step {
    /// The value of a word `name=value`.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// The word at this place.
    pub fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or_else(|| panic!("{} needs more words", self.what), String::as_str)
    }
}

pub fn read(script: &str) -> Vec<Step> {
    let lines = script.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let (Some(at), Some(what)) = (words.next(), words.next()) else { panic!("{line:?} is no step") };
            let at = Duration::from_secs_f64(at.parse().unwrap_or_else(|_| panic!("no time: {line:?}")));
            Step { at, what, words: words.collect() }
        })
        .collect()
}
