//! A preload library for `linux.uml`: `ptrace` as User-Mode Linux means it, on processors newer than its kernel.
//!
//! User-Mode Linux 6.1 restores the floating-point state of its processes with `PTRACE_SETREGSET` and a buffer of
//! 2696 bytes: everything up to AVX-512 and PKRU. The host's kernel takes only the *whole* state, which on a
//! processor with AMX is about 11 KiB, answers EFAULT, and the guest panics in `put_fp_registers` before its init
//! has run. This library completes such a buffer with zeros, which is the initial state of what is missing: the
//! header of the state says that those components are not in use, and no guest process can ask for them.
//!
//! **Every other request reaches the kernel as it came**, and on a processor whose state fits, this one too.
//!
//! User-Mode Linux calls `ptrace` on stacks of a few KiB, some of them signal stacks: nothing here allocates, uses
//! thread-local storage of its own, or keeps more than a few words on the stack.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

use libc::{SYS_ptrace, c_int, c_long, c_uint, c_void, iovec, pid_t};

/// The note type of the x86 extended state (`elf.h`).
const NT_X86_XSTATE: usize = 0x202;

/// More than any processor's extended state so far (AMX: 11 008 bytes).
const ROOM: usize = 64 * 1024;

/// The state as the kernel wants it: what the caller gave, then zeros.
#[repr(align(64))]
struct Whole(UnsafeCell<[u8; ROOM]>);

// SAFETY: User-Mode Linux handles its processes from one thread, and blocks its signals around ptrace requests; the
// buffer is filled and handed to the kernel within one call.
unsafe impl Sync for Whole {}

static WHOLE: Whole = Whole(UnsafeCell::new([0; ROOM]));

/// The size of the whole state, once asked for; 0 before.
static SIZE: AtomicUsize = AtomicUsize::new(0);

/// `ptrace(2)` with the C library's conventions: errno, and the peeked word as the result.
///
/// # Safety
///
/// As for `ptrace(2)`: `addr` and `data` must be what the request calls for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptrace(request: c_uint, pid: pid_t, addr: *mut c_void, data: *mut c_void) -> c_long {
    match request {
        libc::PTRACE_SETREGSET if addr as usize == NT_X86_XSTATE => {
            // SAFETY: for this request `data` points to an iovec that describes the caller's buffer.
            unsafe { set_extended_state(pid, addr, data.cast()) }
        }
        libc::PTRACE_PEEKTEXT | libc::PTRACE_PEEKDATA | libc::PTRACE_PEEKUSER => {
            let mut word: c_long = 0;
            // SAFETY: the system call stores one word at its fourth argument, which is ours.
            let result = unsafe { raw(request, pid, addr, (&raw mut word).cast()) };
            if result < 0 {
                return result;
            }
            // A peeked -1 is told from a failure by errno alone.
            // SAFETY: the C library's errno location is valid in every thread.
            unsafe { *libc::__errno_location() = 0 };
            word
        }
        // SAFETY: passed on as it came; the caller keeps the contract.
        _ => unsafe { raw(request, pid, addr, data) },
    }
}

/// `PTRACE_SETREGSET` of the extended state, with a short buffer made whole.
unsafe fn set_extended_state(pid: pid_t, addr: *mut c_void, given: *mut iovec) -> c_long {
    let buffer = WHOLE.0.get().cast::<u8>();
    // SAFETY: the buffer is ours alone here (see `Whole`), and the caller's iovec describes its own memory.
    unsafe {
        let mut size = SIZE.load(Ordering::Relaxed);
        if size == 0 {
            let mut whole = iovec { iov_base: buffer.cast(), iov_len: ROOM };
            if raw(libc::PTRACE_GETREGSET, pid, addr, (&raw mut whole).cast()) < 0 {
                return -1;
            }
            size = whole.iov_len;
            buffer.write_bytes(0, size);
            SIZE.store(size, Ordering::Relaxed);
        }
        let length = (*given).iov_len;
        if length >= size {
            return raw(libc::PTRACE_SETREGSET, pid, addr, given.cast());
        }
        buffer.copy_from_nonoverlapping((*given).iov_base.cast(), length);
        let mut whole = iovec { iov_base: buffer.cast(), iov_len: size };
        raw(libc::PTRACE_SETREGSET, pid, addr, (&raw mut whole).cast())
    }
}

/// The system call itself: -1 and errno on failure.
unsafe fn raw(request: c_uint, pid: c_int, addr: *mut c_void, data: *mut c_void) -> c_long {
    // SAFETY: the caller of `ptrace` vouches for the arguments.
    unsafe { libc::syscall(SYS_ptrace, c_long::from(request), c_long::from(pid), addr, data) }
}
