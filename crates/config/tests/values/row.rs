//! A line, and where the model has what it says.

use config::Loaded;
use serde_json::{Value, json};

use crate::common::{around, before};
use crate::lvs;

/// A line, and where the model has what it says.
pub struct Row {
    pub block: &'static str,
    pub keyword: &'static str,
    /// What follows the keyword.
    pub words: &'static str,
    /// JSON pointer into the model.
    pub at: &'static str,
    pub is: Value,
    /// What has to stand above the block.
    pub above: &'static str,
    /// Without the line the same value is there: the line says what holds anyway.
    pub anyway: bool,
}

pub const fn row(
    block: &'static str,
    keyword: &'static str,
    words: &'static str,
    at: &'static str,
    is: Value,
) -> Row {
    Row { block, keyword, words, at, is, above: "", anyway: false }
}

impl Row {
    pub const fn anyway(mut self) -> Self {
        self.anyway = true;
        self
    }

    pub const fn under(mut self, above: &'static str) -> Self {
        self.above = above;
        self
    }

    pub fn name(&self) -> String {
        format!("{}/{} {}", self.block, self.keyword, self.words)
    }

    /// The file, with a line in place of the row's.
    pub fn file(&self, line: &str) -> String {
        let (prefix, suffix) = around(self.block, self.keyword);
        let before = before(self.block, self.keyword);
        let above = self.above;
        let text = format!("{above}{prefix}{before}{line}\n{suffix}").replace("/none", "/s/ok");
        // Settings for all servers show only where there is one.
        if self.block == "global_defs" { text + lvs::SERVER } else { text }
    }

    pub fn line(&self, keyword: &str) -> String {
        format!("{keyword} {}", self.words)
    }
}

/// What `at` points to; null if nothing is there.
pub fn value(loaded: &Loaded, at: &str) -> Value {
    serde_json::to_value(&loaded.model).unwrap().pointer(at).cloned().unwrap_or(Value::Null)
}

pub fn secs(count: u64) -> Value {
    json!({ "secs": count, "nanos": 0 })
}

pub fn millis(count: u64) -> Value {
    json!({ "secs": count / 1000, "nanos": count % 1000 * 1_000_000 })
}
