//! Where the pid files are, by keepalived's rules.
//!
//! **What the command line names is taken as it is**; the rest is /run/NAME.pid, with `use_pid_dir` (which `instance` and
//! `net_namespace` imply) /run/keepalived/NAME.pid, with `instance` NAME_INSTANCE.pid. In a network namespace the folder
//! is /run/keepalived/NAMESPACE, which the daemon's own processes see as /run/keepalived.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use config::model::DaemonSpec;

use super::Role;
use crate::cli::PidFileOptions;
use crate::namespace::Cover;

const RUN: &str = "/run";
const FOLDER: &str = "/run/keepalived";

/// The files of this run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PidFiles {
    named: Named,
    folder: PathBuf,
    /// What stands behind the name of a process.
    suffix: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Named {
    parent: Option<PathBuf>,
    vrrp: Option<PathBuf>,
    checker: Option<PathBuf>,
}

impl PidFiles {
    /// What options and configuration say.
    pub fn new(options: &PidFileOptions, daemon: &DaemonSpec) -> Self {
        let named = Named {
            parent: options.parent.clone(),
            vrrp: options.vrrp.clone(),
            checker: options.checkers.clone(),
        };
        let folder = PathBuf::from(if daemon.use_pid_dir { FOLDER } else { RUN });
        let suffix = daemon.instance.as_ref().map(|instance| format!("_{instance}")).unwrap_or_default();
        Self { named, folder, suffix }
    }

    /// The parent's.
    pub fn parent(&self) -> PathBuf {
        self.named.parent.clone().unwrap_or_else(|| self.usual("keepalived", "pid"))
    }

    /// A child's.
    pub fn child(&self, role: Role) -> PathBuf {
        let (named, usual) = match role {
            Role::Vrrp => (&self.named.vrrp, "vrrp"),
            Role::Checker => (&self.named.checker, "checkers"),
        };
        named.clone().unwrap_or_else(|| self.usual(usual, "pid"))
    }

    /// The file that `reload_file` without a name means: it exists while a reload is under way.
    pub fn reload(&self) -> PathBuf {
        match &self.named.parent {
            Some(named) => named.with_extension("reload"),
            None => self.usual("keepalived", "reload"),
        }
    }

    /// Where settings of the kernel are kept that the VRRP process has changed.
    pub fn found(&self) -> PathBuf {
        self.child(Role::Vrrp).with_extension("found")
    }

    fn usual(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}{}.{extension}", self.suffix))
    }

    /// Makes the folder that is needed; it is removed with what is returned.
    ///
    /// # Errors
    /// It cannot be made, or not be put where it is to be seen.
    pub fn prepare(&self, namespace: Option<&str>) -> io::Result<Option<Prepared>> {
        let folder = Path::new(FOLDER);
        if self.folder != folder {
            return Ok(None);
        }
        let own = namespace.map(|namespace| folder.join(namespace));
        fs::create_dir_all(own.as_deref().unwrap_or(folder))?;
        let cover = own.as_deref().map(|own| Cover::put(own, folder)).transpose()?;
        Ok(Some(Prepared { cover, folders: own.into_iter().chain([folder.to_owned()]).collect() }))
    }
}

/// Folders that are removed when this is dropped, unless others use them too.
#[derive(Debug)]
pub struct Prepared {
    cover: Option<Cover>,
    /// Those within others first.
    folders: Vec<PathBuf>,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.cover = None;
        for folder in &self.folders {
            // One that is not empty stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(options: &PidFileOptions, daemon: &DaemonSpec) -> [String; 4] {
        let files = PidFiles::new(options, daemon);
        [files.parent(), files.child(Role::Vrrp), files.child(Role::Checker), files.reload()]
            .map(|path| path.display().to_string())
    }

    fn unnamed() -> PidFileOptions {
        PidFileOptions { parent: None, vrrp: None, checkers: None, bfd: None }
    }

    #[test]
    fn the_usual_files_are_in_run() {
        let expected =
            ["/run/keepalived.pid", "/run/vrrp.pid", "/run/checkers.pid", "/run/keepalived.reload"];
        assert_eq!(paths(&unnamed(), &DaemonSpec::default()), expected);
    }

    #[test]
    fn a_folder_and_the_name_of_the_instance_may_be_asked_for() {
        let mut daemon = DaemonSpec { use_pid_dir: true, ..DaemonSpec::default() };
        let [parent, vrrp, ..] = paths(&unnamed(), &daemon);
        assert_eq!([parent, vrrp], ["/run/keepalived/keepalived.pid", "/run/keepalived/vrrp.pid"]);
        daemon.instance = Some("i1".to_owned());
        let expected = ["keepalived_i1.pid", "vrrp_i1.pid", "checkers_i1.pid", "keepalived_i1.reload"];
        assert_eq!(paths(&unnamed(), &daemon), expected.map(|name| format!("/run/keepalived/{name}")));
    }

    #[test]
    fn what_the_command_line_names_is_taken_as_it_is() {
        let options = PidFileOptions { parent: Some("/x/p.pid".into()), vrrp: Some("v".into()), ..unnamed() };
        let daemon =
            DaemonSpec { use_pid_dir: true, instance: Some("i".to_owned()), ..DaemonSpec::default() };
        let expected = ["/x/p.pid", "v", "/run/keepalived/checkers_i.pid", "/x/p.reload"];
        assert_eq!(paths(&options, &daemon), expected);
    }
}
