//! Memory that was needed for a moment.

/// From this size on a piece of memory is mapped by itself, and given back when it is freed.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 128 * 1024;
/// By how much the heap grows at a time.
#[cfg(target_env = "gnu")]
const GROWTH: libc::c_int = 1024 * 1024;

/// Has large pieces given back as soon as they are free, for good: by itself glibc would raise the limit with the first
/// of them, and keep the next in the heap. For the beginning of a process.
pub fn prepare() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt is thread-safe, and changes only where memory comes from.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TOP_PAD, GROWTH);
    }
}

/// Gives what is free back to the kernel. A configuration of thousands of servers passes through each process in several
/// forms, and what they took would stay with it for ever.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim is thread-safe and touches only memory that is free.
    unsafe {
        libc::malloc_trim(0);
    }
}
