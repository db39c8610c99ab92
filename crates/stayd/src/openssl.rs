//! The system's OpenSSL, loaded when the first check speaks TLS.
//!
//! Loading it costs each start half a millisecond (in the lab's kernel a tenth of the start of 5000 virtual servers), and
//! its tables half a megabyte in each process; most directors never speak TLS. So the program is not linked with it: here are
//! the functions that are used of it, each as a jump to where the library turned out to have it. On other platforms and
//! with other versions it is linked in the ordinary way (`build.rs`), and then there is nothing to load.
//!
//! The list has to name all of them. What is missing in it is taken from the library, which then is loaded at every
//! start: a test sees that (`tests/loading.rs`).

use checker::probe::NoLibrary;

/// Makes OpenSSL ready to be called.
///
/// # Errors
///
/// If the system has no OpenSSL 3.
#[cfg(not(late_openssl))]
pub const fn load() -> Result<(), NoLibrary> {
    Ok(())
}

#[cfg(late_openssl)]
pub use late::load;

#[cfg(late_openssl)]
mod late {
    use std::ffi::{CStr, c_void};
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, Ordering};

    use super::NoLibrary;

    /// It brings `libcrypto.so.3` along.
    const LIBRARY: &CStr = c"libssl.so.3";

    /// The jump to the address at `stayd_late` bytes into the table. It uses what calls may use up, and leaves the arguments
    /// alone.
    #[cfg(target_arch = "x86_64")]
    macro_rules! jump {
        () => {
            "jmp qword ptr [rip + {found} + stayd_late]\n"
        };
    }
    #[cfg(target_arch = "aarch64")]
    macro_rules! jump {
        () => {
            "adrp x16, {found} + stayd_late\nldr x16, [x16, :lo12:{found} + stayd_late]\nbr x16\n"
        };
    }

    macro_rules! functions {
        ($($name:ident)*) => {
            const NAMES: &[&str] = &[$(concat!(stringify!($name), "\0")),*];

            /// Where each of them is; null until the library is loaded.
            static FOUND: [AtomicPtr<c_void>; NAMES.len()] =
                [const { AtomicPtr::new(ptr::null_mut()) }; NAMES.len()];

            std::arch::global_asm!(
                ".pushsection .text.stayd_late, \"ax\", @progbits\n.set stayd_late, 0\n",
                $(
                    concat!(
                        ".globl ", stringify!($name), "\n.hidden ", stringify!($name), "\n",
                        ".type ", stringify!($name), ", @function\n", stringify!($name), ":\n",
                        jump!(),
                        ".size ", stringify!($name), ", . - ", stringify!($name), "\n",
                        ".set stayd_late, stayd_late + 8\n",
                    ),
                )*
                ".popsection\n",
                found = sym FOUND,
            );
        };
    }

    functions! {
        BIO_clear_flags BIO_free_all BIO_get_data BIO_meth_free BIO_meth_new BIO_meth_set_create BIO_meth_set_ctrl
        BIO_meth_set_destroy BIO_meth_set_puts BIO_meth_set_read BIO_meth_set_write BIO_new BIO_new_mem_buf BIO_set_data
        BIO_set_flags BIO_set_init CRYPTO_get_ex_new_index ERR_get_error_all ERR_lib_error_string
        ERR_reason_error_string EVP_PKEY_free OPENSSL_init_ssl PEM_read_bio_PrivateKey SSL_CTX_check_private_key
        SSL_CTX_free SSL_CTX_load_verify_locations SSL_CTX_new SSL_CTX_set_default_verify_paths SSL_CTX_set_verify
        SSL_CTX_up_ref SSL_CTX_use_PrivateKey SSL_CTX_use_PrivateKey_file SSL_CTX_use_certificate_chain_file SSL_connect
        SSL_ctrl SSL_free SSL_get0_param SSL_get_error SSL_get_ex_data SSL_get_rbio SSL_get_shutdown
        SSL_get_verify_result SSL_new SSL_read_ex SSL_set_alpn_protos SSL_set_bio SSL_set_ex_data SSL_shutdown
        SSL_write_ex TLS_client_method X509_VERIFY_PARAM_set1_host X509_VERIFY_PARAM_set1_ip
    }

    /// Loads the library; when it is loaded already, nothing changes.
    pub fn load() -> Result<(), NoLibrary> {
        from(LIBRARY)
    }

    fn from(library: &CStr) -> Result<(), NoLibrary> {
        // SAFETY: what the library does when it is loaded is what it did when it was linked.
        let library = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) };
        if library.is_null() {
            return Err(NoLibrary);
        }
        for (name, found) in NAMES.iter().zip(&FOUND) {
            // SAFETY: the library is never unloaded, and the name ends with a zero.
            let function = unsafe { libc::dlsym(library, name.as_ptr().cast()) };
            if function.is_null() {
                return Err(NoLibrary);
            }
            found.store(function, Ordering::Release);
        }
        Ok(())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn every_function_is_found_in_the_library() {
            load().unwrap();
            let missing =
                NAMES.iter().zip(&FOUND).filter(|(_, found)| found.load(Ordering::Acquire).is_null());
            assert_eq!(missing.map(|(name, _)| *name).collect::<Vec<_>>(), [""; 0]);
        }

        #[test]
        fn a_library_that_is_not_there_or_is_another_is_an_error() {
            assert_eq!(from(c"libstayd-has-none.so.3"), Err(NoLibrary));
            assert_eq!(from(c"libc.so.6"), Err(NoLibrary));
        }
    }
}
