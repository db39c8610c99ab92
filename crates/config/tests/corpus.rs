//! Real configurations against what Debian's keepalived 2.2.7 said of them.
//!
//! The files are not part of the project; where they are at hand, the exit status of a test has to be the same for nearly
//! all of them. keepalived ran in a namespace that had the interfaces named in the file; so does the host here.
//!
//! What remains different, and why:
//! - `devel-tools/1996.conf`: keepalived did not come back.
//! - `devel-tools/1941-before.conf`, `642.conf`, `_.conf`: the status depended on the machine that was asked (a script
//!   in /etc, an interface eth6).
//! - `devel-tools/2015a.conf`: a backslash by itself on a line after a definition; 2.2.7 takes it for a keyword, newer
//!   releases and stayd for the end of the definition.

#![expect(clippy::unwrap_used, reason = "what the helpers of a test cannot have fails the test")]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use config::print::Form;
use config::{
    FileKind, Files, Host, InterfaceFacts, KeyFile, Loaded, MemoryFiles, Options, RoutingNames, ScriptFacts,
    load_and_print,
};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");

/// Share of the files that have to agree.
const FLOOR: f64 = 0.99;

/// Reads below one directory of the corpus.
struct Disk<'p>(&'p Path);

impl Files for Disk<'_> {
    fn kind(&self, path: &str) -> FileKind {
        match std::fs::metadata(self.0.join(path)) {
            Err(_) => FileKind::Missing,
            Ok(facts) if facts.is_dir() => FileKind::Directory,
            Ok(_) => FileKind::Regular,
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join(directory)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

/// The interfaces that the file names, two processors, and the programs that every Debian has.
struct AskedHost {
    interfaces: BTreeSet<String>,
}

impl Host for AskedHost {
    fn interface(&self, name: &str) -> Option<InterfaceFacts> {
        let known = name == "lo" || self.interfaces.contains(name);
        known.then_some(InterfaceFacts { loopback: name == "lo" })
    }
    fn enter_namespace(&self, _name: &str) -> config::NamespaceFacts {
        config::NamespaceFacts::Missing
    }
    fn has_user(&self, name: &str) -> bool {
        name == "root" || name == "nobody"
    }
    fn has_group(&self, name: &str) -> bool {
        name == "root"
    }
    fn script(&self, program: &str) -> ScriptFacts {
        const BIN: &[&str] = &[
            "[",
            "bash",
            "cat",
            "curl",
            "echo",
            "false",
            "grep",
            "hostname",
            "killall",
            "kill",
            "ls",
            "nc",
            "pgrep",
            "pidof",
            "ping",
            "ps",
            "python3",
            "sh",
            "sleep",
            "ss",
            "systemctl",
            "test",
            "timeout",
            "touch",
            "true",
            "wget",
        ];
        const SBIN: &[&str] = &["ip", "ipvsadm", "nft", "service"];
        let below = |places: [&str; 2]| places.iter().find_map(|place| program.strip_prefix(place));
        let found = match (below(["/usr/bin/", "/bin/"]), below(["/usr/sbin/", "/sbin/"])) {
            (Some(name), _) => BIN.contains(&name),
            (_, Some(name)) => SBIN.contains(&name),
            (None, None) => BIN.contains(&program) || SBIN.contains(&program),
        };
        if found { ScriptFacts::Found { exposed: None } } else { ScriptFacts::NotFound }
    }
    fn environment(&self, _name: &str) -> Option<String> {
        None
    }
    fn processors(&self) -> u32 {
        2
    }
    fn resolves(&self, name: &str) -> bool {
        name == "localhost"
    }
    fn routing_number(&self, _names: RoutingNames, _name: &str, _folders: [&str; 2]) -> Option<u32> {
        None
    }
    fn key_file(&self, _path: &str) -> Result<KeyFile, String> {
        Err("there are no keys here".to_owned())
    }
}

/// Reads a file on the host that it names; what it means, and its canonical form.
fn judged(file: &Path) -> (Loaded, Vec<u8>) {
    let name = file.file_name().unwrap().to_str().unwrap();
    read_as(file, name, &Disk(file.parent().unwrap()))
}

fn read_as(file: &Path, name: &str, files: &dyn Files) -> (Loaded, Vec<u8>) {
    let bytes = std::fs::read(file).unwrap();
    let text: String = bytes.iter().copied().map(char::from).collect();
    let host = AskedHost { interfaces: common::interfaces::named(&text) };
    let options = Options { config_id: "vm".into(), ..common::options() };
    load_and_print(name, files, &host, &options, Form::default())
}

/// Every file of the corpus, with keepalived's verdict; nothing where there is no corpus.
fn verdicts() -> Vec<(PathBuf, String)> {
    let Ok(verdicts) = std::fs::read_to_string(format!("{CORPUS}/VERDICTS.tsv")) else {
        eprintln!("NOT TESTED: the corpus, {CORPUS}, is not here");
        return Vec::new();
    };
    let one = |line: &str| {
        let fields: Vec<_> = line.split('\t').collect();
        (Path::new(CORPUS).join(fields[0]), fields[5].to_owned())
    };
    let verdicts: Vec<_> = verdicts.lines().skip(1).map(one).collect();
    assert!(verdicts.len() > 600, "only {} files", verdicts.len());
    verdicts
}

#[test]
fn the_canonical_form_of_a_real_configuration_means_the_same() {
    for (path, _) in verdicts() {
        let (first, text) = judged(&path);
        let (second, again) = read_as(&path, "f", &MemoryFiles::one("f", text.clone()));
        let shown = String::from_utf8_lossy(&text);
        assert_eq!(first.model, second.model, "{}\n{shown}\n{}", path.display(), second.render_all());
        assert_eq!(shown, String::from_utf8_lossy(&again), "{}", path.display());
    }
}

#[test]
fn nearly_all_real_configurations_have_the_status_that_keepalived_gave_them() {
    let verdicts = verdicts();
    if verdicts.is_empty() {
        return;
    }
    let (mut same, mut different) = (0, Vec::new());
    for (path, expected) in verdicts {
        let status = judged(&path).0.test_status();
        let file = path.display();
        if status.to_string() == expected {
            same += 1;
        } else {
            different.push(format!("{file}: ours {status}, keepalived's {expected}"));
        }
    }
    let total = same + different.len();
    let share = f64::from(u32::try_from(same).unwrap()) / f64::from(u32::try_from(total).unwrap());
    println!(
        "{same} of {total} files have keepalived's status ({:.1} %)\n{}",
        share * 100.0,
        different.join("\n")
    );
    assert!(share >= FLOOR, "{share}: {different:#?}");
}
