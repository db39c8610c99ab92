//! Where the files go, and how they get there.
//!
//! **A reader sees the old file or the new one**, whole: it is written under another name and then renamed.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use config::model::FilesSpec;

/// Whose data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The VRRP process.
    Vrrp,
    /// The checker process.
    Checker,
    /// The BFD process.
    Bfd,
    /// The parent.
    Parent,
}

/// One of the files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum File {
    /// Everything that a process knows.
    Data(Part),
    /// The counters.
    Stats,
    /// Data and counters as JSON.
    Json,
}

/// Where the files of this run go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places<'a> {
    /// What the configuration says.
    pub files: &'a FilesSpec,
    /// `TMPDIR`, or /tmp.
    pub folder: &'a Path,
    /// What `data_use_instance` puts into the names: network namespace and instance.
    pub names: [Option<&'a str>; 2],
}

impl Places<'_> {
    /// Where a file goes.
    pub fn path(&self, file: File) -> PathBuf {
        let names = self.names();
        let data = |part| self.place(&self.files.state_dump, "keepalived.data", &format!("{part}{names}"));
        match file {
            File::Data(Part::Vrrp) => data(""),
            File::Data(Part::Checker) => data("_check"),
            File::Data(Part::Bfd) => data("_bfd"),
            File::Data(Part::Parent) => data("_parent"),
            File::Stats => self.place(&self.files.stats_dump, "keepalived.stats", ""),
            File::Json => self.place(&self.files.json_dump, "keepalived.json", ""),
        }
    }

    /// A name that ends with `/` is a folder, one without `/` a file in the temporary folder.
    fn place(&self, configured: &str, usual: &str, suffix: &str) -> PathBuf {
        let (folder, name) = match configured.rsplit_once('/') {
            Some(("/tmp", name)) if name == usual => (self.folder.to_owned(), name),
            Some((folder, "")) => (PathBuf::from(format!("{folder}/")), usual),
            Some((folder, name)) => (PathBuf::from(format!("{folder}/")), name),
            None => (self.folder.to_owned(), if configured.is_empty() { usual } else { configured }),
        };
        let (stem, extension) = name.rsplit_once('.').map_or((name, None), |(stem, end)| (stem, Some(end)));
        let extension = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
        folder.join(format!("{stem}{suffix}{extension}"))
    }

    /// What the names of data carry, and those of no other file (2.2.7, run).
    fn names(&self) -> String {
        let names: Vec<_> = self.names.iter().flatten().copied().collect();
        match names.as_slice() {
            [] => String::new(),
            _ if !self.files.use_instance => String::new(),
            names => format!(".{}", names.join("_")),
        }
    }
}

/// Writes a file whole, with the access that the mask leaves.
///
/// # Errors
/// The folder is not there, is not ours to write to, or is full.
pub fn write(path: &Path, text: &[u8], umask: u32) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut file = tempfile::Builder::new().prefix(name).tempfile_in(folder)?;
    file.write_all(text)?;
    file.as_file().set_permissions(Permissions::from_mode(0o666 & !umask))?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(state_dump: &str, use_instance: bool, part: Part) -> String {
        let files = FilesSpec { state_dump: state_dump.to_owned(), use_instance, ..FilesSpec::default() };
        let places = Places { files: &files, folder: Path::new("/t"), names: [Some("ns"), Some("i")] };
        places.path(File::Data(part)).display().to_string()
    }

    #[test]
    fn the_usual_names_are_in_the_temporary_folder() {
        let usual = FilesSpec::default().state_dump;
        assert_eq!(data(&usual, false, Part::Vrrp), "/t/keepalived.data");
        assert_eq!(data(&usual, false, Part::Checker), "/t/keepalived_check.data");
        assert_eq!(data(&usual, false, Part::Bfd), "/t/keepalived_bfd.data");
        assert_eq!(data(&usual, false, Part::Parent), "/t/keepalived_parent.data");
    }

    #[test]
    fn a_folder_a_name_and_a_path_may_be_configured() {
        assert_eq!(data("/var/d/", false, Part::Vrrp), "/var/d/keepalived.data");
        assert_eq!(data("state.txt", false, Part::Parent), "/t/state_parent.txt");
        assert_eq!(data("/var/d/state", false, Part::Checker), "/var/d/state_check");
    }

    #[test]
    fn names_of_namespace_and_instance_stand_before_the_last_point_of_data_only() {
        assert_eq!(data("/var/d/", true, Part::Parent), "/var/d/keepalived_parent.ns_i.data");
        let files = FilesSpec { use_instance: true, ..FilesSpec::default() };
        let places = Places { files: &files, folder: Path::new("/t"), names: [None, Some("i")] };
        let paths = [File::Data(Part::Vrrp), File::Stats, File::Json].map(|file| places.path(file));
        assert_eq!(
            paths.map(|path| path.display().to_string()),
            ["/t/keepalived.i.data", "/t/keepalived.stats", "/t/keepalived.json"]
        );
    }

    #[test]
    fn a_file_is_replaced_whole_with_the_access_that_the_mask_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keepalived.data");
        std::fs::write(&path, "what another wrote").unwrap();
        write(&path, b"new", 0o177).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        write(&path, b"newer", 0o022).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }
}
