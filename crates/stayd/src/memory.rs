//! Memory that was needed for a moment.

/// Gives what is free back to the kernel. A configuration of thousands of servers passes through each process in several
/// forms, and what they took would stay with it for ever.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim is thread-safe and touches only memory that is free.
    unsafe {
        libc::malloc_trim(0);
    }
}
