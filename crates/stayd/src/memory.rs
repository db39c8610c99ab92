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

/// Lets go of the pages of the program and its libraries that are as they are in their files: what only a start or a reload
/// needs of them is no burden afterwards. What is needed again comes back from the page cache, piece by piece.
pub fn let_go_of_code() {
    #[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
    // SAFETY: the callback is called for each object that is loaded, with what describes it, and keeps nothing.
    unsafe {
        libc::dl_iterate_phdr(Some(code::let_go), std::ptr::null_mut());
    }
}

#[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
mod code {
    use std::slice;

    use nix::unistd::{SysconfVar, sysconf};

    /// Of one object: the segments that nobody can have written to.
    pub unsafe extern "C" fn let_go(
        object: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        _data: *mut libc::c_void,
    ) -> libc::c_int {
        let Some(page) =
            sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|page| usize::try_from(page).ok())
        else {
            return 1;
        };
        // SAFETY: the loader hands in an object that it has loaded, whose headers stay where they are.
        let (base, headers) = unsafe {
            let object = &*object;
            (object.dlpi_addr, slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()))
        };
        let code =
            |header: &&libc::Elf64_Phdr| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0;
        for header in headers.iter().filter(code) {
            // Where an object is loaded below the address that it was linked for, the difference is a large number.
            let first = usize::try_from(base.wrapping_add(header.p_vaddr));
            let (Ok(first), Ok(length)) = (first, usize::try_from(header.p_memsz)) else { continue };
            let start = first / page * page;
            let end = (first + length).next_multiple_of(page);
            // SAFETY: these pages are mapped from a file, only to be read and executed, and are read from it anew when they
            // are touched. Where they are locked or not from a file, the kernel refuses.
            unsafe {
                libc::madvise(std::ptr::with_exposed_provenance_mut(start), end - start, libc::MADV_DONTNEED)
            };
        }
        0
    }
}

#[cfg(test)]
#[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// How much of the program is in memory, in KiB.
    fn resident() -> u64 {
        let program = std::env::current_exe().unwrap();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut ours = false;
        let mut sum = 0;
        for line in maps.lines() {
            match line.split_once(':') {
                Some(("Rss", size)) if ours => {
                    sum += size.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
                }
                Some((key, _)) if !key.contains(' ') => {}
                _ => ours = line.ends_with(program.to_str().unwrap()),
            }
        }
        sum
    }

    /// Has all code of the program in memory.
    fn read_in() {
        let program = std::env::current_exe().unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let code = |line: &&str| line.ends_with(program.to_str().unwrap()) && line.contains(" r-xp ");
        for line in maps.lines().filter(code) {
            let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).unwrap());
            let pages = std::ptr::with_exposed_provenance_mut(start);
            // SAFETY: it reads what is mapped to be read.
            assert_eq!(unsafe { libc::madvise(pages, end - start, libc::MADV_POPULATE_READ) }, 0);
        }
    }

    #[test]
    fn code_that_is_let_go_of_comes_back_when_it_is_needed() {
        read_in();
        let before = resident();
        let_go_of_code();
        let after = resident();
        assert!(after < before, "{before} {after}");
        // It has been needed: this line runs.
        assert!(after > 0);
    }
}
