//! What a configuration needs to know of the host that it is for.
//!
//! **This crate asks the system nothing itself**: the daemon hands in the real [`Host`], tests a [`MemoryHost`].

use std::collections::{BTreeMap, BTreeSet};

/// What is known of a network interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InterfaceFacts {
    /// Whether it is a loopback interface, on which VRRP cannot run.
    pub loopback: bool,
}

/// What is known of the file that a script command names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScriptFacts {
    /// It does not exist, or is not executable by the user it would run as.
    NotFound,
    /// It can be run.
    Found {
        /// Whether somebody other than root could change the file or a directory above it (sticky directories do not
        /// count), so that it must not be run as root.
        insecure: bool,
    },
}

/// Facts about the host. Each is asked for when the configuration mentions it, so none may take long.
pub trait Host {
    /// An interface of the daemon's network namespace; `None` if there is none of this name.
    fn interface(&self, name: &str) -> Option<InterfaceFacts>;

    /// Whether a network namespace (of /run/netns) exists. A host that cannot tell says yes.
    fn has_namespace(&self, _name: &str) -> bool {
        true
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

    /// Number of a routing table that `rt_tables` names; numbers, `default`, `main` and `local` are known without.
    fn routing_table(&self, name: &str) -> Option<u32>;
}

/// A host in memory. The default has a loopback interface, the user and group root, and one processor.
#[derive(Clone, Debug)]
pub struct MemoryHost {
    interfaces: BTreeMap<String, InterfaceFacts>,
    users: BTreeSet<String>,
    scripts: BTreeMap<String, ScriptFacts>,
    environment: BTreeMap<String, String>,
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
        self.scripts.insert(program.to_owned(), ScriptFacts::Found { insecure: false });
        self
    }

    /// Adds a script that others can change.
    #[must_use]
    pub fn with_insecure_script(mut self, program: &str) -> Self {
        self.scripts.insert(program.to_owned(), ScriptFacts::Found { insecure: true });
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

    fn has_namespace(&self, _name: &str) -> bool {
        self.namespaces
    }

    fn has_user(&self, name: &str) -> bool {
        self.users.contains(name)
    }

    fn has_group(&self, name: &str) -> bool {
        self.users.contains(name)
    }

    fn script(&self, program: &str) -> ScriptFacts {
        self.scripts.get(program).copied().unwrap_or(ScriptFacts::NotFound)
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

    fn routing_table(&self, _name: &str) -> Option<u32> {
        None
    }
}
