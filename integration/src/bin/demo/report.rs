//! The table at the end: expected, measured, and whether it will do.

use std::fmt;
use std::time::Duration;

/// All that the demo measured.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

struct Row {
    what: String,
    expected: String,
    measured: String,
    met: bool,
}

impl Report {
    /// A duration that must not exceed a limit.
    pub fn within(&mut self, what: &str, limit: Duration, measured: Duration) {
        self.row(what, format!("<= {}", seconds(limit)), seconds(measured), measured <= limit);
    }

    /// A count that must be reached.
    pub fn at_least(&mut self, what: &str, least: usize, measured: usize) {
        self.row(what, format!(">= {least}"), measured.to_string(), measured >= least);
    }

    /// A count that must be met.
    pub fn exactly(&mut self, what: &str, expected: usize, measured: usize) {
        self.row(what, expected.to_string(), measured.to_string(), measured == expected);
    }

    /// Whether nothing fell short.
    pub fn is_met(&self) -> bool {
        self.rows.iter().all(|row| row.met)
    }

    fn row(&mut self, what: &str, expected: String, measured: String, met: bool) {
        self.rows.push(Row { what: what.to_owned(), expected, measured, met });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.what.len()).max().unwrap_or_default();
        writeln!(f, "{:width$}  {:>12}  {:>12}", "", "expected", "measured")?;
        for Row { what, expected, measured, met } in &self.rows {
            writeln!(
                f,
                "{what:width$}  {expected:>12}  {measured:>12}  {}",
                if *met { "ok" } else { "FELL SHORT" }
            )?;
        }
        write!(
            f,
            "{}",
            if self.is_met() { "Nothing fell short." } else { "The demo fell short of what it should show." }
        )
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
