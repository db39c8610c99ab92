//! Waiting for what must come: look, judge, look again, until a deadline.
//!
//! **A wait that fails says what was seen last**, so that a failed story can be read without being told again.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks with `look` until `enough` is satisfied, and returns what it was satisfied with.
///
/// # Errors
///
/// [`Error::Timeout`] with the last observation when `limit` has passed, or the first error of `look`.
pub fn until<T: Debug>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<T>,
    enough: impl Fn(&T) -> bool,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        let seen = look()?;
        if enough(&seen) {
            return Ok(seen);
        }
        if Instant::now() > deadline {
            return Err(Error::Timeout { what: what.to_owned(), limit, seen: format!("{seen:?}") });
        }
        thread::sleep(PAUSE);
    }
}

/// Looks until there is something to see: [`until`] for what may be absent.
///
/// # Errors
///
/// As [`until`].
pub fn for_some<T: Debug>(what: &str, limit: Duration, look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    until(what, limit, look, Option::is_some)?.ok_or_else(|| Error::Unmet(format!("{what}: seen, and gone")))
}

/// Seconds, for the deadlines of stories.
pub const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
