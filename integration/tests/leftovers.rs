//! What is left of a lab when its story ends otherwise than well: nothing.

#![expect(clippy::expect_used, reason = "a test that cannot go on says why")]

use std::io::{BufRead as _, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::{fs, thread};

use lab::wait::seconds;
use lab::{Lab, Result, wait};

/// A lab's folder, with a host for which something runs; and a guest where the kernel calls for one.
fn inhabited_lab() -> Result<(Lab, PathBuf)> {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    for host in [lab.host("h1")?, lab.director("d1")?] {
        host.connect(&lan, "eth0", &[])?;
        // A child that leaves its parent's session, as a daemon does.
        host.start("sleep", "sh", &["-c", "setsid sleep 1000 & sleep 1000"])?;
    }
    let folder = lab.folder().to_owned();
    Ok((lab, folder))
}

/// Namespaces of the lab that are left, processes that mention it, and its folder.
fn leftovers(folder: &Path) -> Vec<String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut left: Vec<String> = entries("/run/netns").filter(|entry| entry.starts_with(&name)).collect();
    for process in entries("/proc").filter(|entry| entry.bytes().all(|byte| byte.is_ascii_digit())) {
        let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        if words.contains(&name) {
            left.push(words);
        }
    }
    left.extend(folder.exists().then(|| folder.display().to_string()));
    left
}

fn entries(directory: &str) -> impl Iterator<Item = String> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
}

/// A process that ends with its owner.
struct Guarded(Child);

impl Guarded {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).spawn().expect("it starts"))
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("its output")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn a_lab_that_is_closed_is_gone() -> Result {
    let (lab, folder) = inhabited_lab()?;
    assert!(leftovers(&folder).len() > 3, "it is there before");
    lab.close()?;
    assert_eq!(leftovers(&folder), Vec::<String>::new());
    Ok(())
}

#[test]
fn a_story_that_panics_leaves_nothing() {
    let mut folder = PathBuf::new();
    let story = AssertUnwindSafe(|| -> Result {
        let (_lab, path) = inhabited_lab()?;
        folder = path;
        panic!("as stories do");
    });
    assert!(catch_unwind(story).is_err());
    assert_ne!(folder, PathBuf::new());
    assert_eq!(leftovers(&folder), Vec::<String>::new());
}

/// Set for the story that is to be killed: this same test, in a process of its own.
const VICTIM: &str = "STAYD_LAB_VICTIM";

#[test]
fn a_story_that_is_killed_leaves_nothing() -> Result {
    if std::env::var_os(VICTIM).is_some() {
        let (_lab, folder) = inhabited_lab()?;
        println!("{}", folder.display());
        thread::sleep(seconds(1000));
    }
    let this = std::env::current_exe().expect("the path of this test");
    let mut victim = Guarded::start(
        Command::new(this)
            .args(["--exact", "a_story_that_is_killed_leaves_nothing", "--nocapture"])
            .env(VICTIM, "1"),
    );
    let output = BufReader::new(victim.stdout());
    let folder = output.lines().map_while(std::result::Result::ok).find(|line| line.starts_with('/'));
    let folder = PathBuf::from(folder.expect("the victim's lab is ready"));
    assert!(leftovers(&folder).len() > 3, "it is there before");
    victim.kill();
    wait::until("the killed story's lab to be gone", seconds(20), || Ok(leftovers(&folder)), Vec::is_empty)?;
    Ok(())
}

#[test]
fn no_interface_of_the_lab_appears_on_the_host_even_for_a_moment() -> Result {
    let mut watch = Guarded::start(Command::new("ip").args(["-o", "monitor", "link", "address"]));
    let output = watch.stdout();
    let (lab, _) = inhabited_lab()?;
    lab.close()?;
    watch.kill();
    let seen = std::io::read_to_string(output).expect("what it saw");
    let ours = ["lan", "eth0@", "h1.eth0", "d1.eth0", "tap1", "control"];
    let strangers: Vec<&str> =
        seen.lines().filter(|line| ours.iter().any(|name| line.contains(name))).collect();
    assert_eq!(strangers, Vec::<&str>::new());
    Ok(())
}
