//! The host as a configuration sees it: its files, interfaces, users and scripts.

use std::ffi::{CStr, CString, OsStr};
use std::fs;
use std::mem;
use std::net::ToSocketAddrs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::ptr;

use config::{
    Exposed, Exposure, FileKind, Files, Host, InterfaceFacts, KeyFile, NamespaceFacts, RoutingNames,
    ScriptFacts,
};
use nix::unistd::{Group, Uid, User};

use crate::namespace;

/// Any of the execute bits: keepalived reads no such file as configuration.
const EXECUTABLE: u32 = 0o111;
const WRITABLE_BY_OTHERS: u32 = 0o022;
const READABLE_BY_OTHERS: u32 = 0o044;
const STICKY: u32 = 0o1000;
const PERMISSIONS: u32 = 0o7777;

/// The host that this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisHost {
    /// This process is in its network namespace, whatever a configuration says: `-s` has named one, or it runs already.
    pub settled: bool,
}

impl Files for ThisHost {
    fn kind(&self, path: &str) -> FileKind {
        match fs::metadata(path) {
            Err(_) => FileKind::Missing,
            Ok(metadata) if metadata.is_dir() => FileKind::Directory,
            Ok(metadata) if metadata.is_file() && metadata.mode() & EXECUTABLE == 0 => FileKind::Regular,
            Ok(_) => FileKind::Other,
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(path).map_err(|error| error.to_string())
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let directory = if directory.is_empty() { "." } else { directory };
        let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

impl Host for ThisHost {
    fn interface(&self, name: &str) -> Option<InterfaceFacts> {
        let flags = fs::read_to_string(["/sys/class/net", name, "flags"].iter().collect::<PathBuf>());
        // /sys may show another network namespace than ours, or none: the kernel's answer decides.
        nix::net::if_::if_nametoindex(name).ok()?;
        let flags =
            flags.ok().and_then(|text| i32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok());
        let loopback = flags.map_or(name == "lo", |flags| flags & libc::IFF_LOOPBACK != 0);
        Some(InterfaceFacts { loopback })
    }

    fn enter_namespace(&self, name: &str) -> NamespaceFacts {
        match namespace::exists(name) {
            _ if self.settled => NamespaceFacts::Entered,
            false => NamespaceFacts::Missing,
            true => match namespace::enter(name) {
                Ok(()) => NamespaceFacts::Entered,
                Err(_) => NamespaceFacts::Closed,
            },
        }
    }

    fn has_user(&self, name: &str) -> bool {
        matches!(User::from_name(name), Ok(Some(_)))
    }

    fn has_group(&self, name: &str) -> bool {
        matches!(Group::from_name(name), Ok(Some(_)))
    }

    fn script(&self, program: &str) -> ScriptFacts {
        let found = find(program).and_then(|path| fs::canonicalize(path).ok());
        match found {
            Some(path) if is_executable(&path) => ScriptFacts::Found { exposed: exposure(&path) },
            _ => ScriptFacts::NotFound,
        }
    }

    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn processors(&self) -> u32 {
        std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
    }

    fn resolves(&self, name: &str) -> bool {
        (name, 0).to_socket_addrs().is_ok_and(|mut addresses| addresses.next().is_some())
    }

    fn routing_number(&self, names: RoutingNames, name: &str, folders: [&str; 2]) -> Option<u32> {
        let folders = folders.into_iter().chain(["/usr/lib/iproute2"]);
        let texts =
            folders.filter_map(|folder| fs::read_to_string(Path::new(folder).join(names.file())).ok());
        texts.flat_map(|text| numbers(&text)).find(|(_, known)| known == name).map(|(number, _)| number)
    }

    fn key_file(&self, path: &str) -> Result<KeyFile, String> {
        let text = |error: std::io::Error| error.to_string();
        let open = fs::metadata(path).map_err(text)?.mode() & READABLE_BY_OTHERS != 0;
        let bytes = fs::read(path).map_err(text)?;
        Ok(KeyFile { bytes, open })
    }
}

/// The name of this host in full, as its name service gives it (`lb1.example.com`), else as the host calls itself. keepalived
/// has its full name too, and none if there is no service that knows it.
pub fn local_name() -> String {
    full_name()
        .unwrap_or_else(|| nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned())
}

/// The name of this host in full; none: its name service does not know it.
pub fn full_name() -> Option<String> {
    canonical(&nix::unistd::gethostname().ok()?)
}

fn canonical(name: &OsStr) -> Option<String> {
    let name = CString::new(name.as_encoded_bytes()).ok()?;
    // SAFETY: all-zero is a value of this plain structure: any family, any type, no list behind it.
    let mut hints: libc::addrinfo = unsafe { mem::zeroed() };
    hints.ai_flags = libc::AI_CANONNAME;
    let mut found = ptr::null_mut();
    // SAFETY: `name` ends with a zero byte, `hints` and `found` live longer than the call, which keeps none of them.
    if unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &raw const hints, &raw mut found) } != 0 {
        return None;
    }
    // SAFETY: after a success `found` is a list of at least one entry, of which the first has the name that was asked for:
    // a string with a zero byte at its end, or null. It is read before the list is given back, once.
    unsafe {
        let canonical = (*found).ai_canonname;
        let name = (!canonical.is_null()).then(|| CStr::from_ptr(canonical).to_string_lossy().into_owned());
        libc::freeaddrinfo(found);
        name
    }
}

/// The pairs of number and name of a file such as rt_tables.
fn numbers(text: &str) -> Vec<(u32, String)> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let number = words.next()?;
            let number = match number.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            Some((number, words.next()?.to_owned()))
        })
        .collect()
}

/// A bare name is looked for in `PATH`.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsStr::new("/usr/bin:/bin").to_owned());
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & EXECUTABLE != 0)
}

/// How somebody other than root could put another program there, from the root of the file system down. Sticky
/// directories let nobody remove what is not theirs.
fn exposure(path: &Path) -> Option<Exposure> {
    let mut parts: Vec<_> = path.ancestors().collect();
    parts.reverse();
    parts.into_iter().find_map(|part| {
        let how = match fs::metadata(part) {
            Err(_) => Exposed::Unknown,
            Ok(metadata) if metadata.uid() != 0 => Exposed::Owner(user_name(metadata.uid())),
            Ok(metadata) => {
                let sticky = metadata.is_dir() && metadata.mode() & STICKY != 0;
                if metadata.mode() & WRITABLE_BY_OTHERS == 0 || sticky {
                    return None;
                }
                Exposed::Writable(metadata.mode() & PERMISSIONS)
            }
        };
        Some(Exposure { path: part.display().to_string(), how })
    })
}

fn user_name(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| format!("user {uid}"), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_file_is_a_regular_file_without_execute_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keepalived.conf");
        let name = path.to_str().unwrap();
        assert_eq!(ThisHost::default().kind(name), FileKind::Missing);
        fs::write(&path, "").unwrap();
        assert_eq!(ThisHost::default().kind(name), FileKind::Regular);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(ThisHost::default().kind(name), FileKind::Other);
        assert_eq!(ThisHost::default().kind(folder.path().to_str().unwrap()), FileKind::Directory);
    }

    #[test]
    fn a_host_has_the_name_that_its_name_service_gives_it() {
        assert_eq!(canonical(OsStr::new("localhost")).as_deref(), Some("localhost"));
        assert_eq!(canonical(OsStr::new("no such name")), None);
        assert!(!local_name().is_empty());
    }

    #[test]
    fn the_loopback_interface_is_known_as_one() {
        assert_eq!(ThisHost::default().interface("lo"), Some(InterfaceFacts { loopback: true }));
        assert_eq!(ThisHost::default().interface("nosuchif0"), None);
    }

    #[test]
    fn a_network_namespace_without_name_is_none() {
        assert_eq!(ThisHost::default().enter_namespace("no-such-namespace"), NamespaceFacts::Missing);
        assert_eq!(ThisHost::default().enter_namespace(""), NamespaceFacts::Missing);
        assert_eq!(ThisHost { settled: true }.enter_namespace("any"), NamespaceFacts::Entered);
    }

    #[test]
    fn a_bare_name_is_looked_for_in_the_path() {
        assert!(matches!(ThisHost::default().script("sh"), ScriptFacts::Found { .. }));
        assert_eq!(ThisHost::default().script("no-such-program-anywhere"), ScriptFacts::NotFound);
        assert_eq!(ThisHost::default().script("/nonexistent/script.sh"), ScriptFacts::NotFound);
    }

    // As root the folder is root's; as another user it is that user's, and the first thing found.
    #[test]
    fn what_others_may_write_is_named_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script.sh");
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o775)).unwrap();
        let ScriptFacts::Found { exposed: Some(exposure) } =
            ThisHost::default().script(path.to_str().unwrap())
        else {
            panic!("not exposed");
        };
        let text = exposure.to_string();
        if Uid::effective().is_root() {
            assert_eq!(
                text,
                format!("its group can write to `{0}` (mode 0775): `chmod go-w {0}`", path.display())
            );
        } else {
            assert!(text.contains(" belongs to ") && text.contains("`chown root "), "{text}");
        }
    }

    #[test]
    fn names_of_routing_tables_are_read_as_iproute2_does() {
        assert_eq!(
            numbers("# comment\n254 main\n 100\tblue # mine\n0x28 AF11\nnonsense\n"),
            [(254, "main".into()), (100, "blue".into()), (40, "AF11".into())]
        );
    }
}
