//! What a configuration needs to know of the host that it is for.
//!
//! **This crate asks the system nothing itself**: the daemon hands in the real [`Host`], tests a [`MemoryHost`].

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a network interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InterfaceFacts {
    /// Whether it is a loopback interface, on which VRRP cannot run.
    pub loopback: bool,
}

/// What is known of a network namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NamespaceFacts {
    /// What is asked of the host is answered from within it.
    Entered,
    /// It exists, and its interfaces cannot be looked at.
    Closed,
    /// It does not exist.
    Missing,
}

/// What is known of the file that a script command names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScriptFacts {
    /// It does not exist, or is not executable by the user it would run as.
    NotFound,
    /// It can be run.
    Found {
        /// How somebody other than root could change the file or a directory above it (sticky directories do not
        /// count), so that it must not be run as root.
        exposed: Option<Exposure>,
    },
}

/// A file or directory that others than root can change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exposure {
    /// Which.
    pub path: String,
    /// How.
    pub how: Exposed,
}

/// How others than root can change something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exposed {
    /// It belongs to this user.
    Owner(String),
    /// Its mode lets its group or everybody write.
    Writable(u32),
    /// Nobody can tell: it cannot be looked at.
    Unknown,
}

impl fmt::Display for Exposure {
    /// What is wrong, and the command that puts it right.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.how {
            Exposed::Owner(user) => write!(f, "`{path}` belongs to {user}: `chown root {path}`"),
            Exposed::Writable(mode) => {
                let who = if mode & 0o002 == 0 { "its group" } else { "everybody" };
                write!(f, "{who} can write to `{path}` (mode {mode:04o}): `chmod go-w {path}`")
            }
            Exposed::Unknown => write!(f, "`{path}` cannot be looked at"),
        }
    }
}

/// Facts about the host. Each is asked for when the configuration mentions it, so none may take long.
pub trait Host {
    /// An interface of the daemon's network namespace; `None` if there is none of this name.
    fn interface(&self, name: &str) -> Option<InterfaceFacts>;

    /// Enters a network namespace (of /run/netns): from here on interfaces are its own. A host that has none to enter
    /// is there already.
    fn enter_namespace(&self, _name: &str) -> NamespaceFacts {
        NamespaceFacts::Entered
    }

    /// Whether a user exists.
    fn has_user(&self, name: &str) -> bool;

    /// Whether a group exists.
    fn has_group(&self, name: &str) -> bool;

    /// The program of a script command, looked up in `PATH` if it is a bare name.
    fn script(&self, program: &str) -> ScriptFacts;

    /// A variable of the daemon's environment, for `${_ENV NAME}`.
    fn environment(&self, name: &str) -> Option<String>;

    /// Number of processors on line, for `vrrp_cpu_affinity` and the like.
    fn processors(&self) -> u32;

    /// Whether a name of a host can be resolved, for `smtp_server`. A name service can be slow: a host that does not
    /// want to ask it says yes.
    fn resolves(&self, name: &str) -> bool;

    /// The number that a name has in one of iproute2's files, of which the first folder is looked at first.
    fn routing_number(&self, names: RoutingNames, name: &str, folders: [&str; 2]) -> Option<u32>;

    /// The bytes of a file that holds a key, and whether others than its owner can read it.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn key_file(&self, path: &str) -> Result<KeyFile, String>;
}

/// A file that holds a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyFile {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether its group or others can read it.
    pub open: bool,
}

/// What iproute2 has names for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RoutingNames {
    /// Routing tables.
    Tables,
    /// Who made a route.
    Protocols,
    /// How far a destination is.
    Scopes,
    /// Realms of the routing classifier.
    Realms,
    /// Types of service.
    DsFields,
    /// Groups of interfaces.
    Groups,
}

impl RoutingNames {
    /// The file, below the folder.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Tables => "rt_tables",
            Self::Protocols => "rt_protos",
            Self::Scopes => "rt_scopes",
            Self::Realms => "rt_realms",
            Self::DsFields => "rt_dsfield",
            Self::Groups => "group",
        }
    }

    /// The greatest number.
    pub const fn most(self) -> u32 {
        match self {
            Self::Tables | Self::Groups => u32::MAX,
            Self::Protocols | Self::Scopes | Self::DsFields => 255,
            Self::Realms => 65535,
        }
    }

    /// What is known without any file.
    pub fn builtin(self, name: &str) -> Option<u32> {
        let known: &[(u32, &str)] = match self {
            Self::Tables => &[(253, "default"), (254, "main"), (255, "local")],
            Self::Protocols => &[
                (0, "unspec"),
                (1, "redirect"),
                (2, "kernel"),
                (3, "boot"),
                (4, "static"),
                (8, "gated"),
                (9, "ra"),
                (10, "mrt"),
                (11, "zebra"),
                (12, "bird"),
                (13, "dnrouted"),
                (14, "xorp"),
                (15, "ntk"),
                (16, "dhcp"),
                (18, "keepalived"),
                (42, "babel"),
                (186, "bgp"),
                (187, "isis"),
                (188, "ospf"),
                (189, "rip"),
                (192, "eigrp"),
            ],
            Self::Scopes => &[(0, "global"), (200, "site"), (253, "link"), (254, "host"), (255, "nowhere")],
            Self::Realms => &[(0, "unknown"), (0, "cosmos")],
            Self::DsFields | Self::Groups => &[(0, "default")],
        };
        known.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
    }
}

/// A host in memory. The default has a loopback interface, the user and group root, and one processor.
#[derive(Clone, Debug)]
pub struct MemoryHost {
    interfaces: BTreeMap<String, InterfaceFacts>,
    users: BTreeSet<String>,
    scripts: BTreeMap<String, ScriptFacts>,
    environment: BTreeMap<String, String>,
    numbers: BTreeMap<(RoutingNames, String), u32>,
    keys: BTreeMap<String, KeyFile>,
    /// Number of processors.
    pub processors: u32,
    /// Whether names of hosts resolve.
    pub resolves: bool,
    /// Whether network namespaces exist.
    pub namespaces: bool,
}

impl Default for MemoryHost {
    fn default() -> Self {
        Self {
            interfaces: BTreeMap::from([("lo".to_owned(), InterfaceFacts { loopback: true })]),
            users: BTreeSet::from(["root".to_owned()]),
            scripts: BTreeMap::new(),
            environment: BTreeMap::new(),
            numbers: BTreeMap::new(),
            keys: BTreeMap::new(),
            processors: 1,
            resolves: true,
            namespaces: true,
        }
    }
}

impl MemoryHost {
    /// A host with these interfaces beside the loopback.
    pub fn with_interfaces<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut host = Self::default();
        let facts = InterfaceFacts { loopback: false };
        host.interfaces.extend(names.into_iter().map(|name| (name.to_owned(), facts)));
        host
    }

    /// Adds a user and the group of the same name.
    #[must_use]
    pub fn with_user(mut self, name: &str) -> Self {
        self.users.insert(name.to_owned());
        self
    }

    /// Adds a script that nobody but root can change.
    #[must_use]
    pub fn with_script(mut self, program: &str) -> Self {
        self.scripts.insert(program.to_owned(), ScriptFacts::Found { exposed: None });
        self
    }

    /// Adds a script that others can change.
    #[must_use]
    pub fn with_insecure_script(mut self, program: &str) -> Self {
        let exposure = Exposure { path: program.to_owned(), how: Exposed::Writable(0o777) };
        self.scripts.insert(program.to_owned(), ScriptFacts::Found { exposed: Some(exposure) });
        self
    }

    /// Adds a name of iproute2's files.
    #[must_use]
    pub fn with_routing_number(mut self, names: RoutingNames, name: &str, number: u32) -> Self {
        self.numbers.insert((names, name.to_owned()), number);
        self
    }

    /// Adds a file that holds a key.
    #[must_use]
    pub fn with_key_file(mut self, path: &str, bytes: &[u8], open: bool) -> Self {
        self.keys.insert(path.to_owned(), KeyFile { bytes: bytes.to_vec(), open });
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn with_environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl Host for MemoryHost {
    fn interface(&self, name: &str) -> Option<InterfaceFacts> {
        self.interfaces.get(name).copied()
    }

    fn enter_namespace(&self, _name: &str) -> NamespaceFacts {
        if self.namespaces { NamespaceFacts::Entered } else { NamespaceFacts::Missing }
    }

    fn has_user(&self, name: &str) -> bool {
        self.users.contains(name)
    }

    fn has_group(&self, name: &str) -> bool {
        self.users.contains(name)
    }

    fn script(&self, program: &str) -> ScriptFacts {
        self.scripts.get(program).cloned().unwrap_or(ScriptFacts::NotFound)
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn processors(&self) -> u32 {
        self.processors
    }

    fn resolves(&self, name: &str) -> bool {
        self.resolves || name == "localhost"
    }

    fn routing_number(&self, names: RoutingNames, name: &str, _folders: [&str; 2]) -> Option<u32> {
        self.numbers.get(&(names, name.to_owned())).copied()
    }

    fn key_file(&self, path: &str) -> Result<KeyFile, String> {
        self.keys.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
    }
}
