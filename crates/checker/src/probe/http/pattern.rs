//! `regex`: a pattern of PCRE2, as the C library takes it.
//!
//! The safe crate `pcre2` knows a few of the options that `regex_options` names, and no limit of offsets; hence its lower
//! half. **A pattern is compiled for one search and lives no longer.** A search that PCRE2 gives up (too many steps) matches
//! nothing.
//!
//! A match that has to know what follows the end of the body (`$`, `\b`, `.*` there) is none, as in keepalived (2.2.7,
//! measured), which searches what it has while more may come: a `regex_no_match` that passes there must not fail here.

use std::ptr::{self, NonNull};

use pcre2_sys as sys;

use super::Fault;
use crate::outcome::{Cause, LocalError, PageFault, Step};
use crate::spec::{RegexOption, RegexSpec};

/// Searches `text`, and says what is wrong with the outcome.
pub(super) fn search(spec: &RegexSpec, text: &[u8]) -> Result<(), Fault> {
    let pattern = Pattern::compile(spec)?;
    match (pattern.finds(spec, text), spec.no_match) {
        (true, false) | (false, true) => Ok(()),
        (false, false) => Err(PageFault::NotFound.into()),
        (true, true) => Err(PageFault::Found.into()),
    }
}

struct Pattern {
    code: NonNull<sys::pcre2_code_8>,
}

impl Pattern {
    fn compile(spec: &RegexSpec) -> Result<Self, Fault> {
        let options = spec.options.iter().fold(0, |options, option| options | bit(*option));
        let mut options = options | sys::PCRE2_MATCH_INVALID_UTF;
        if spec.max_offset.is_some() {
            options |= sys::PCRE2_USE_OFFSET_LIMIT;
        }
        let pattern = spec.pattern.as_bytes();
        let (mut error, mut offset) = (0, 0);
        // SAFETY: the pattern is valid for its length and only read during the call; the two results are ours; a null
        // context means the defaults.
        let code = unsafe {
            sys::pcre2_compile_8(
                pattern.as_ptr(),
                pattern.len(),
                options,
                &raw mut error,
                &raw mut offset,
                ptr::null_mut(),
            )
        };
        let cause = Cause::Pattern(u32::try_from(offset).unwrap_or(u32::MAX));
        NonNull::new(code)
            .map(|code| Self { code })
            .ok_or(Fault::Local(LocalError { step: Step::Pattern, cause }))
    }

    fn finds(&self, spec: &RegexSpec, text: &[u8]) -> bool {
        let start = spec.min_offset as usize;
        if start > text.len() {
            return false;
        }
        // SAFETY: the code lives as long as `self`; a null context means the defaults.
        let Some(data) = NonNull::new(unsafe {
            sys::pcre2_match_data_create_from_pattern_8(self.code.as_ptr(), ptr::null_mut())
        }) else {
            return false;
        };
        // SAFETY: no arguments that point anywhere.
        let context = unsafe { sys::pcre2_match_context_create_8(ptr::null_mut()) };
        if let (false, Some(limit)) = (context.is_null(), spec.max_offset) {
            // SAFETY: the context was just made.
            unsafe { sys::pcre2_set_offset_limit_8(context, limit as usize) };
        }
        // SAFETY: code, data and context are alive and belong together, the text is valid for its length and only read, and
        // the start is not behind its end.
        let found = unsafe {
            sys::pcre2_match_8(
                self.code.as_ptr(),
                text.as_ptr(),
                text.len(),
                start,
                sys::PCRE2_PARTIAL_HARD,
                data.as_ptr(),
                context,
            )
        };
        // SAFETY: both were made above, are freed once and not used again; freeing a null context does nothing.
        unsafe {
            sys::pcre2_match_context_free_8(context);
            sys::pcre2_match_data_free_8(data.as_ptr());
        }
        found >= 0
    }
}

impl Drop for Pattern {
    fn drop(&mut self) {
        // SAFETY: made by `pcre2_compile`, and freed here only.
        unsafe { sys::pcre2_code_free_8(self.code.as_ptr()) };
    }
}

const fn bit(option: RegexOption) -> u32 {
    match option {
        RegexOption::AllowEmptyClass => sys::PCRE2_ALLOW_EMPTY_CLASS,
        RegexOption::AltBsux => sys::PCRE2_ALT_BSUX,
        RegexOption::AutoCallout => sys::PCRE2_AUTO_CALLOUT,
        RegexOption::Caseless => sys::PCRE2_CASELESS,
        RegexOption::DollarEndonly => sys::PCRE2_DOLLAR_ENDONLY,
        RegexOption::Dotall => sys::PCRE2_DOTALL,
        RegexOption::Dupnames => sys::PCRE2_DUPNAMES,
        RegexOption::Extended => sys::PCRE2_EXTENDED,
        RegexOption::Firstline => sys::PCRE2_FIRSTLINE,
        RegexOption::MatchUnsetBackref => sys::PCRE2_MATCH_UNSET_BACKREF,
        RegexOption::Multiline => sys::PCRE2_MULTILINE,
        RegexOption::NeverUcp => sys::PCRE2_NEVER_UCP,
        RegexOption::NeverUtf => sys::PCRE2_NEVER_UTF,
        RegexOption::NoAutoCapture => sys::PCRE2_NO_AUTO_CAPTURE,
        RegexOption::NoAutoPossess => sys::PCRE2_NO_AUTO_POSSESS,
        RegexOption::NoDotstarAnchor => sys::PCRE2_NO_DOTSTAR_ANCHOR,
        RegexOption::NoStartOptimize => sys::PCRE2_NO_START_OPTIMIZE,
        RegexOption::Ucp => sys::PCRE2_UCP,
        RegexOption::Ungreedy => sys::PCRE2_UNGREEDY,
        RegexOption::Utf => sys::PCRE2_UTF,
        RegexOption::NeverBackslashC => sys::PCRE2_NEVER_BACKSLASH_C,
        RegexOption::AltCircumflex => sys::PCRE2_ALT_CIRCUMFLEX,
        RegexOption::AltVerbnames => sys::PCRE2_ALT_VERBNAMES,
        RegexOption::UseOffsetLimit => sys::PCRE2_USE_OFFSET_LIMIT,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn spec(pattern: &str) -> RegexSpec {
        RegexSpec {
            pattern: pattern.to_owned(),
            no_match: false,
            options: BTreeSet::new(),
            min_offset: 0,
            max_offset: None,
            stack: None,
        }
    }

    fn finds(spec: &RegexSpec, text: &[u8]) -> bool {
        match search(spec, text) {
            Ok(()) => true,
            Err(Fault::Page(PageFault::NotFound)) => false,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pattern_is_found_or_not_as_keepalived_finds_it() {
        for (pattern, found) in [
            ("wor", true),
            ("^world", false),
            ("world", true),
            ("ell?", true),
            ("world?", true),
            ("worlds?", false),
            ("world$", false),
            ("wor.*", false),
            (r"world\b", false),
            (r"\bworld", true),
        ] {
            assert_eq!(finds(&spec(pattern), b"hello world"), found, "{pattern}");
        }
        assert!(!finds(&spec("^$"), b""));
    }

    #[test]
    fn no_match_turns_the_verdict_around() {
        let no_match = |pattern| RegexSpec { no_match: true, ..spec(pattern) };
        assert!(matches!(search(&no_match("wor"), b"hello world"), Err(Fault::Page(PageFault::Found))));
        assert!(matches!(search(&no_match("nope"), b"hello world"), Ok(())));
    }

    #[test]
    fn a_match_starts_between_the_offsets() {
        let between = |min_offset, max_offset| RegexSpec { min_offset, max_offset, ..spec("world") };
        for (min, max, found) in [
            (6, None, true),
            (7, None, false),
            (100, None, false),
            (0, Some(6), true),
            (0, Some(5), false),
            (3, Some(8), true),
        ] {
            assert_eq!(finds(&between(min, max), b"hello world"), found, "{min} {max:?}");
        }
    }

    #[test]
    fn options_reach_the_library_and_bytes_that_are_no_utf_8_do_no_harm() {
        let with = |pattern, option| RegexSpec { options: BTreeSet::from([option]), ..spec(pattern) };
        assert!(finds(&with("WOR", RegexOption::Caseless), b"hello world"));
        assert!(finds(&with("o.w", RegexOption::Dotall), b"hello\nworld"));
        assert!(finds(&with("needle", RegexOption::Utf), b"\xff\xfe needle"));
    }

    #[test]
    fn what_is_no_pattern_is_a_fault_of_this_host() {
        let error = search(&spec("wor("), b"world").unwrap_err();
        let Fault::Local(error) = error else { panic!("{error:?}") };
        assert_eq!(error, LocalError { step: Step::Pattern, cause: Cause::Pattern(4) });
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        assert!(!finds(&spec("(a+)+b"), &[b'a'; 100]));
    }
}
