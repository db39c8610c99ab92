//! `-v`, as exporters and control planes read keepalived's: on standard error, the version behind the `v` of the second
//! word, and what was built in.
//!
//! **The version is that of the keepalived whose files and signals we answer with**; ours stands behind it.

use nix::sys::utsname::uname;

use crate::exit::Exit;

/// The keepalived that existing scripts may take us for.
const KEEPALIVED: &str = "2.2.7";

/// What exporters look for among the options that keepalived was built with: only what works here.
const BUILT_WITH: [&str; 3] = ["--enable-json", "--enable-regex", "--enable-sha1"];
const PARTS: [&str; 8] =
    ["NFTABLES", "LVS", "REGEX", "VRRP", "VRRP_AUTH", "VRRP_VMAC", "JSON", "SYSTEMD_NOTIFY"];

/// Prints it.
pub fn run() -> Exit {
    eprint!("{}", text());
    Exit::Normal
}

fn text() -> String {
    let kernel = uname().map_or_else(
        |_| String::new(),
        |name| format!("Running on {} {}\n", name.sysname().display(), name.release().display()),
    );
    format!(
        "Keepalived v{KEEPALIVED} (stayd {})\n\n{kernel}\nconfigure options: {}\n\nConfig options:  {}\n",
        env!("CARGO_PKG_VERSION"),
        BUILT_WITH.join(" "),
        PARTS.join(" "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_word_is_a_version_behind_a_v() {
        let text = text();
        let word = text.lines().next().and_then(|line| line.split(' ').nth(1)).unwrap();
        let numbers: Vec<u32> =
            word.strip_prefix('v').unwrap().split('.').map(|number| number.parse().unwrap()).collect();
        // What Neutron asks for.
        assert!(numbers >= vec![2, 0, 3], "{word}");
    }

    #[test]
    fn exporters_find_json_among_the_options() {
        assert!(
            text()
                .lines()
                .any(|line| line.starts_with("configure options:") && line.contains("--enable-json"))
        );
    }
}
