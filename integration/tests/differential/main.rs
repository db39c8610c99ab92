//! `keepalived -t` and `stayd -t` on the same files: real ones, and ones made from the keyword table and then mutated.
//!
//! **The exit status is the same for at least 99 % of each set, and what is left is of a [known kind](known).** A file on
//! which they differ is written to `target/tmp/differential/`, with what both said; its name has its seed. More seeds by
//! hand: `STAYD_DIFFERENTIAL_SEEDS=10000..20000 cargo nextest run --profile lab -E 'binary(differential)'`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compare;
mod corpus;
mod generate;
#[path = "../../../crates/config/tests/common/interfaces.rs"]
mod interfaces;
mod known;
mod mutate;
mod samples;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::{env, fs};

use compare::{Case, Verdict, compare};
use fastrand::Rng;
use lab::site::ExitView;
use lab::{Daemon, Host, Lab, Result};

/// The seeds of every run.
const SEEDS: Range<u64> = 0..1500;

/// Share of the files that have to have the same status, in percent.
const FLOOR: usize = 99;

/// As many hosts as there are processors to keep busy, each with these interfaces.
fn hosts(lab: &Lab, interfaces: &[&str]) -> Result<Vec<Host>> {
    let mut hosts = Vec::new();
    for number in 1..=2 {
        let host = lab.host(&format!("h{number}"))?;
        for (at, name) in interfaces.iter().enumerate() {
            let lan = lab.lan(&format!("lan{number}-{at}"))?;
            host.connect(&lan, name, &[&format!("192.0.{}.1/24", at + 2)])?;
        }
        hosts.push(host);
    }
    Ok(hosts)
}

/// Counts, shows and keeps the differences, and fails if there are too many.
fn judge(set: &str, verdicts: &[Verdict]) {
    let mut statuses: BTreeMap<u8, usize> = BTreeMap::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unknown = Vec::new();
    let mut different = 0;
    for verdict in verdicts {
        *statuses.entry(verdict.keepalived.status).or_default() += 1;
        if verdict.is_same() || verdict.is_crash() {
            continue;
        }
        different += 1;
        let kept = keep(set, verdict);
        match known::kind(verdict) {
            Some(kind) => *kinds.entry(kind).or_default() += 1,
            None => unknown.push(format!(
                "{}: keepalived {}, stayd {} (kept as {})",
                verdict.case.name,
                verdict.keepalived.status,
                verdict.stayd.status,
                kept.display()
            )),
        }
    }
    let total = verdicts.iter().filter(|verdict| !verdict.is_crash()).count();
    println!("{set}: {} of {total} files have the same status", total - different);
    println!("keepalived's statuses (over 128: it crashed or hung, not compared): {statuses:?}");
    println!("known differences: {kinds:#?}\nothers: {unknown:#?}");
    assert!(different * 100 <= total * (100 - FLOOR), "{different} of {total} differ");
    assert!(unknown.len() * 1000 <= total * 3, "{} are of no known kind", unknown.len());
}

/// Writes the file and both outputs where they stay.
fn keep(set: &str, verdict: &Verdict) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("differential");
    fs::create_dir_all(&folder).unwrap();
    let name = format!("{set}-{}", verdict.case.name.replace('/', "-"));
    fs::copy(verdict.case.folder.join(&verdict.case.file), folder.join(format!("{name}.conf"))).unwrap();
    fs::write(folder.join(format!("{name}.keepalived")), &verdict.keepalived.said).unwrap();
    fs::write(folder.join(format!("{name}.stayd")), &verdict.stayd.said).unwrap();
    folder.join(name)
}

fn seeds() -> Range<u64> {
    let Ok(text) = env::var("STAYD_DIFFERENTIAL_SEEDS") else { return SEEDS };
    let (first, end) = text.split_once("..").unwrap();
    first.parse().unwrap()..end.parse().unwrap()
}

#[test]
fn generated_files_have_the_status_that_keepalived_gives_them() -> Result {
    let lab = Lab::native()?;
    let hosts = hosts(&lab, &["eth0", "eth1"])?;
    let mut cases = Vec::new();
    for seed in seeds() {
        let mut rng = Rng::with_seed(seed);
        let mutant = mutate::mutate(&generate::file(&mut rng), &mut rng);
        let folder = lab.folder().join(format!("seed-{seed}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("keepalived.conf"), &mutant.text).unwrap();
        for (name, text) in &mutant.included {
            fs::write(folder.join(name), text).unwrap();
        }
        let name = format!("seed-{seed} ({})", mutant.done.join(", "));
        cases.push(Case { name, folder, file: "keepalived.conf".to_owned(), interfaces: Vec::new() });
    }
    let verdicts = compare(&hosts, cases)?;
    let clean = verdicts.iter().filter(|verdict| verdict.keepalived.status == 0).count();
    judge("generated", &verdicts);
    assert!(clean * 100 >= verdicts.len() * 15, "only {clean} files are right: mutations would not show");
    lab.close()
}

#[test]
fn real_files_have_the_status_that_keepalived_gives_them() -> Result {
    let lab = Lab::native()?;
    let hosts = hosts(&lab, &[])?;
    let verdicts = compare(&hosts, corpus::cases())?;
    judge("corpus", &verdicts);
    lab.close()
}

#[test]
fn a_seed_always_gives_the_same_file() {
    let file = |seed| {
        let mut rng = Rng::with_seed(seed);
        let text = generate::file(&mut rng);
        mutate::mutate(&text, &mut rng)
    };
    assert_eq!(file(7), file(7));
    assert_ne!(file(7), file(8));
}

/// A file for each status, by what decides it.
const STATUSES: &[(u8, &str)] = &[
    (0, "global_defs {\n}\n"),
    (2, "vrrp_instance A {\ninterface\n}\n"),
    (4, "linkbeat_interfaces {\nnosuch0\n}\n"),
    (5, "vrrp_instance A {\ninterface nosuch0\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.9\n}\n}\n"),
    (
        6,
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nnotify /usr/bin/true\nvirtual_ipaddress {\n192.0.2.9\n}\n}\n",
    ),
    (6, "includea nothing-here.conf\n"),
];

#[test]
fn each_status_of_a_test_is_keepalived_s_whatever_the_options_beside_it() -> Result {
    let lab = Lab::native()?;
    let hosts = hosts(&lab, &["eth0"])?;
    let [host, ..] = hosts.as_slice() else { unreachable!() };
    for (status, text) in STATUSES {
        let file = host.write("keepalived.conf", text)?.display().to_string();
        let log = host.folder().join("test.log").display().to_string();
        let to_file = format!("--config-test={log}");
        for options in
            [&["-t"][..], &["-t", "-C"], &["-P", "-t"], &["-nlGDt"], &["-t", "-i", "x", "word"], &[&to_file]]
        {
            for daemon in [Daemon::Keepalived, Daemon::Stayd] {
                let program = daemon.path()?.display().to_string();
                let output = host.run(&program, &[options, &["-f", &file]].concat())?;
                let what = format!("{} {options:?} of {text}", daemon.name());
                assert_eq!(output.exit, Some(ExitView::Code((*status).into())), "{what}: {}", output.stderr);
                if options.contains(&to_file.as_str()) {
                    assert_eq!(output.stderr, "", "{what}: what is wrong stands in the file");
                    let said = fs::read_to_string(&log).unwrap();
                    assert_eq!(said.is_empty(), *status == 0, "{what}: {said}");
                    fs::remove_file(&log).unwrap();
                }
            }
        }
    }
    lab.close()
}
