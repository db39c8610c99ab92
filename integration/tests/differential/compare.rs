//! Both programs on the same files, in the same namespace.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use lab::site::ExitView;
use lab::wait::seconds;
use lab::{Daemon, Host, Result};

/// A file to be judged. Both programs run in its folder, where relative names start.
#[derive(Clone, Debug)]
pub struct Case {
    /// How it is called in the report.
    pub name: String,
    pub folder: PathBuf,
    pub file: String,
    /// Interfaces to make for it beside those of the host.
    pub interfaces: Vec<String>,
}

/// What both said.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub case: Case,
    pub keepalived: Judgement,
    pub stayd: Judgement,
}

#[derive(Clone, Debug)]
pub struct Judgement {
    /// Exit status; over 128 it died of a signal.
    pub status: u8,
    pub said: String,
}

impl Verdict {
    pub fn is_same(&self) -> bool {
        self.keepalived.status == self.stayd.status
    }

    /// What keepalived does not survive, nobody wants to be the same.
    pub fn is_crash(&self) -> bool {
        self.keepalived.status > 128
    }
}

/// Longest time for one run, in seconds: keepalived hangs on some definitions.
const LIMIT: u32 = 10;

/// Runs both on all cases, shared out over the hosts.
pub fn compare(hosts: &[Host], cases: Vec<Case>) -> Result<Vec<Verdict>> {
    let keepalived = Daemon::Keepalived.path()?;
    let stayd = Daemon::Stayd.path()?;
    let mut running = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        let mut script = String::from("#!/bin/sh\n");
        let own = cases.iter().enumerate().skip(index).step_by(hosts.len());
        let mut made: &[String] = &[];
        for (number, case) in own {
            if case.interfaces != made {
                for name in made {
                    writeln!(script, "ip link delete '{name}'").unwrap();
                }
                for (at, name) in case.interfaces.iter().enumerate() {
                    writeln!(script, "ip link add '{name}' type veth peer name 'peer-{at}' && ip link set '{name}' up && ip address add 192.0.2.{}/24 dev '{name}'", at + 1).unwrap();
                }
                made = &case.interfaces;
            }
            writeln!(script, "cd '{}'", case.folder.display()).unwrap();
            for (who, program) in [("keepalived", &keepalived), ("stayd", &stayd)] {
                let output = host.folder().join(format!("{number}.{who}"));
                let (output, program) = (output.display(), program.display());
                writeln!(
                    script,
                    "timeout -s KILL {LIMIT} {program} -t -i node -f '{}' >{output} 2>&1; echo $? >{output}.status",
                    case.file
                )
                .unwrap();
            }
        }
        let path = host.write("compare.sh", &script)?.display().to_string();
        running.push(host.start("compare", "/bin/sh", &[&path])?);
    }
    for process in running {
        let exit = process.wait_for_exit(seconds(600))?;
        assert_eq!(exit, ExitView::Code(0), "{}", process.log()?);
    }
    let judged = cases.into_iter().enumerate().map(|(number, case)| {
        let folder = hosts[number % hosts.len()].folder();
        let judgement = |who: &str| judgement(&folder.join(format!("{number}.{who}")));
        Verdict { keepalived: judgement("keepalived"), stayd: judgement("stayd"), case }
    });
    Ok(judged.collect())
}

fn judgement(output: &Path) -> Judgement {
    let status = fs::read_to_string(format!("{}.status", output.display())).unwrap();
    let said = String::from_utf8_lossy(&fs::read(output).unwrap()).into_owned();
    Judgement { status: status.trim().parse().unwrap(), said }
}
