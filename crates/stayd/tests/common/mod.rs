//! Running the program as a user would.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A router with which nothing is wrong, whatever the interfaces of the host.
pub const ROUTER: &str = "vrrp_instance A {
    interface eth0
    virtual_router_id 3
    virtual_ipaddress {
        192.0.2.1
    }
}

global_defs {
    dynamic_interfaces
}
";

/// What a run gave.
pub struct Run {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// The program, to be given arguments.
pub fn stayd() -> Command {
    Command::new(env!("CARGO_BIN_EXE_stayd"))
}

/// Runs it in a folder to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Run {
    let Output { status, stdout, stderr } = stayd().current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { status: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

/// A folder with these files.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
