//! Files that the daemon writes and reads beside its configuration.

use serde::{Deserialize, Serialize};

/// Files of the daemon.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FilesSpec {
    /// `umask`: permissions that files are made without (default 0177); a `-u` of the command line overrides it.
    pub umask: u32,
    /// `state_dump_file`: what SIGUSR1 writes (default /tmp/keepalived.data).
    pub state_dump: String,
    /// `stats_dump_file`: what SIGUSR2 writes (default /tmp/keepalived.stats).
    pub stats_dump: String,
    /// `json_dump_file`: what the JSON signal writes (default /tmp/keepalived.json).
    pub json_dump: String,
    /// `json_version`: layout of the latter, 1 or 2.
    pub json_version: u8,
    /// `data_use_instance`: the names of dumps carry those of namespace and instance.
    pub use_instance: bool,
    /// `config_save_dir`: where copies of the configuration go before and after each reload.
    pub config_save_dir: Option<String>,
    /// `tmp_config_directory`: where a copy of the configuration in use is kept.
    pub tmp_config_dir: Option<String>,
    /// `iproute_usr_dir`: where rt_tables and its like are (default /usr/share/iproute2).
    pub iproute_usr_dir: String,
    /// `iproute_etc_dir`: likewise, looked at first (default /etc/iproute2).
    pub iproute_etc_dir: String,
    /// A reload.
    pub reload: ReloadSpec,
}

impl Default for FilesSpec {
    fn default() -> Self {
        Self {
            umask: 0o177,
            state_dump: "/tmp/keepalived.data".to_owned(),
            stats_dump: "/tmp/keepalived.stats".to_owned(),
            json_dump: "/tmp/keepalived.json".to_owned(),
            json_version: 1,
            use_instance: false,
            config_save_dir: None,
            tmp_config_dir: None,
            iproute_usr_dir: "/usr/share/iproute2".to_owned(),
            iproute_etc_dir: "/etc/iproute2".to_owned(),
            reload: ReloadSpec::default(),
        }
    }
}

/// What surrounds a reload.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReloadSpec {
    /// `reload_check_config`: a reload takes only a file that `-t` finds nothing wrong with, and what `-t` would print is
    /// written to this file (default /dev/null). none: it takes what a daemon starts with.
    pub check_log: Option<String>,
    /// `reload_time_file`: holds the time of a reload to come.
    pub time_file: Option<String>,
    /// `reload_repeat`: that file stays, and the reload comes again.
    pub repeat: bool,
    /// `reload_file`: exists while a reload is under way.
    pub file: ReloadFile,
}

/// `reload_file`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum ReloadFile {
    /// There is none.
    #[default]
    None,
    /// Named after the pid file, with `.reload` at its end.
    BesidePidFile,
    /// This one.
    Path(String),
}
