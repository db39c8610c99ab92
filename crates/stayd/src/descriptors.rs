//! How many files and sockets this process may have open.
//!
//! **A process that asks thousands of servers at once takes all that its hard limit allows, and its scripts get what we were
//! started with**: programs that use `select` cannot live with more than 1024.

use std::io;
use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// What it was before, soft and hard.
static BEFORE: OnceLock<(rlim_t, rlim_t)> = OnceLock::new();

/// Raises the limit as far as it goes, and says what it is.
pub fn raise() -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1024 };
    let soft = match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => {
            let _ = BEFORE.set((soft, hard));
            hard
        }
        Err(_) => soft,
    };
    usize::try_from(soft).unwrap_or(usize::MAX)
}

/// Puts the limit back: for a child that is about to execute a script.
pub fn put_back() -> io::Result<()> {
    BEFORE.get().map_or(Ok(()), |(soft, hard)| Ok(setrlimit(Resource::RLIMIT_NOFILE, *soft, *hard)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_goes_up_for_us_and_back_for_a_script() {
        let limit = || getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let before = limit();
        let lower = before.1.min(500);
        setrlimit(Resource::RLIMIT_NOFILE, lower, before.1).unwrap();
        assert_eq!(raise(), usize::try_from(before.1).unwrap());
        assert_eq!(limit(), (before.1, before.1));
        put_back().unwrap();
        assert_eq!(limit(), (lower, before.1));
        setrlimit(Resource::RLIMIT_NOFILE, before.0, before.1).unwrap();
    }
}
