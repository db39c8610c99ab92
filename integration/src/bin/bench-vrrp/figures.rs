//! Series of measured values, and how they are printed.

/// Measured values in ascending order; microseconds, which may be negative.
pub struct Series(Vec<i64>);

impl Series {
    pub fn new(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        Self(values)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn median(&self) -> i64 {
        self.percentile(50)
    }

    /// The smallest value that so many per cent do not exceed; 0 of nothing.
    pub fn percentile(&self, percent: usize) -> i64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    pub fn max(&self) -> i64 {
        self.percentile(100)
    }
}

/// Microseconds as milliseconds.
pub fn millis(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    format!("{sign}{}.{:02}", micros / 1_000, micros % 1_000 / 10)
}

pub const fn met(met: bool) -> &'static str {
    if met { "met" } else { "NOT met" }
}
