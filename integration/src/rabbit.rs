//! RabbitMQ: Debian's server, as a cluster of one node a host.
//!
//! **A node keeps everything inside its host and the lab's folder**: its data lies in the host's own `/tmp` (in memory, and
//! as lasting as the host), its home with the cookie and its configuration in the host's folder, and epmd runs once in
//! each network namespace.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::error::{Doing as _, Error, Result};
use crate::host::Host;
use crate::process::Process;
use crate::site::ExitView;

/// Not the wrapper in the PATH, which changes the user and writes below `/var`.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";

/// A node is up after 5 to 12 s, three on two cores after 25 s.
const START_LIMIT: Duration = Duration::from_secs(90);

/// Shared by the nodes of a cluster; it keeps nobody out of a private network.
const COOKIE: &str = "stayd-lab";

/// A cluster of RabbitMQ nodes.
#[derive(Debug)]
pub struct RabbitCluster {
    nodes: Vec<RabbitNode>,
}

/// One node: a host with a server that can be stopped, killed and started again.
#[derive(Debug)]
pub struct RabbitNode {
    host: Host,
    server: Process,
}

impl RabbitCluster {
    /// Starts a node on each host, at this address, and returns when all are up and joined.
    ///
    /// # Errors
    ///
    /// If RabbitMQ is not installed or does not come up.
    pub fn start(hosts: &[(Host, &str)]) -> Result<Self> {
        if !Path::new(SERVER).exists() {
            return Err(Error::NotInstalled { program: SERVER.to_owned(), package: "rabbitmq-server" });
        }
        let Some(((seed, _), others)) = hosts.split_first() else {
            return Err(Error::Story("a cluster has at least one host".to_owned()));
        };
        for (host, _) in hosts {
            furnish(host, seed, hosts)?;
        }
        // The first founds the cluster; the others, started with it, could found one each.
        let founder = RabbitNode::start(seed)?;
        founder.wait_until_up()?;
        let mut nodes = vec![founder];
        for (host, _) in others {
            nodes.push(RabbitNode::start(host)?);
        }
        for node in &nodes {
            node.wait_until_up()?;
        }
        if let Some(founder) = nodes.first() {
            for (host, _) in others {
                founder
                    .server
                    .wait_for_log(&format!("rabbit on node rabbit@{} up", host.name()), START_LIMIT)?;
            }
        }
        Ok(Self { nodes })
    }

    /// The node on the host of this name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn node(&mut self, name: &str) -> Result<&mut RabbitNode> {
        let found = self.nodes.iter_mut().find(|node| node.host.name() == name);
        found.ok_or_else(|| Error::Story(format!("no node of the cluster is on {name}")))
    }

    /// The node that was the last to accept a connection from `address`.
    ///
    /// # Errors
    ///
    /// If none has, or a log cannot be read.
    pub fn last_to_accept(&self, address: &str) -> Result<&RabbitNode> {
        let from = format!("({address}:");
        let mut found = None;
        for node in &self.nodes {
            // A line begins with its time.
            let last = node.accepted()?.into_iter().rfind(|line| line.contains(&from));
            found = found.max(last.map(|line| (line, node.host.name().to_owned())));
        }
        let name = found.map(|(_, name)| name).unwrap_or_default();
        let node = self.nodes.iter().find(|node| node.host.name() == name);
        node.ok_or_else(|| Error::Unmet(format!("no node has accepted a connection from {address}")))
    }
}

impl RabbitNode {
    /// Stops it as its service manager would, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn stop(&self) -> Result<clock::Instant> {
        Ok(self.server.stop(START_LIMIT)?.0)
    }

    /// Kills it.
    ///
    /// # Errors
    ///
    /// If it does not die.
    pub fn kill(&self) -> Result<clock::Instant> {
        self.server.kill()
    }

    /// Stops it in its tracks: the kernel goes on taking connections for it, and nobody answers.
    ///
    /// # Errors
    ///
    /// If its processes cannot be stopped.
    pub fn freeze(&self) -> Result {
        let pids: Vec<String> = self.server.tree()?.iter().map(u32::to_string).collect();
        let args: Vec<&str> = std::iter::once("-STOP").chain(pids.iter().map(String::as_str)).collect();
        self.host.check("kill", &args).map(drop)
    }

    /// Tells it something with `rabbitmqctl`.
    ///
    /// # Errors
    ///
    /// If it does not obey.
    pub fn control(&self, words: &[&str]) -> Result {
        let folder = self.host.folder().display().to_string();
        let (home, inetrc) = (format!("HOME={folder}"), format!("ERL_INETRC={folder}/inetrc"));
        let node = format!("rabbit@{}", self.host.name());
        let fixed = [&home, &inetrc, "RABBITMQ_CONF_ENV_FILE=/dev/null", CONTROL, "--node", &node];
        let output = self.host.run_for("env", &[&fixed[..], words].concat(), START_LIMIT)?;
        if output.exit == Some(ExitView::Code(0)) {
            return Ok(());
        }
        Err(Error::Unmet(format!("rabbitmqctl {}: {} {}", words.join(" "), output.stdout, output.stderr)))
    }

    /// Its output so far.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn log(&self) -> Result<String> {
        self.server.log()
    }

    /// Starts it again, with its data, and waits until it is up.
    ///
    /// # Errors
    ///
    /// If it does not come up.
    pub fn restart(&mut self) -> Result {
        let was = self.server.log()?;
        *self = Self::start(&self.host)?;
        let again = |log: &str| log.get(was.len()..).is_some_and(|new| new.contains(UP));
        self.server.wait_until_log("the node to be up again", START_LIMIT, again)
    }

    /// The host that it is on.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The lines of its log about connections that it accepted, such as
    /// `accepting AMQP connection <0.847.0> (192.168.0.9:43210 -> 192.168.0.10:5672)`.
    ///
    /// # Errors
    ///
    /// If the log cannot be read.
    pub fn accepted(&self) -> Result<Vec<String>> {
        let log = self.server.log()?;
        Ok(log.lines().filter(|line| line.contains("accepting AMQP connection")).map(str::to_owned).collect())
    }

    fn start(host: &Host) -> Result<Self> {
        let folder = host.folder().display().to_string();
        let in_folder = |name: &str| format!("{folder}/{name}");
        let node = format!("rabbit@{}", host.name());
        let env = [
            ("HOME", folder.clone()),
            ("RABBITMQ_NODENAME", node),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
            ("RABBITMQ_CONFIG_FILE", in_folder("rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", in_folder("enabled_plugins")),
            ("RABBITMQ_MNESIA_BASE", "/tmp/mnesia".to_owned()),
            ("RABBITMQ_LOG_BASE", "/tmp/log".to_owned()),
            ("RABBITMQ_PID_FILE", "/tmp/rabbitmq.pid".to_owned()),
            ("RABBITMQ_GENERATED_CONFIG_DIR", "/tmp/generated".to_owned()),
            ("ERL_INETRC", in_folder("inetrc")),
            ("ERL_CRASH_DUMP_SECONDS", "0".to_owned()),
            // Not a child of the script but the server itself gets the signals; it reads no commands all the same.
            ("RABBITMQ_ALLOW_INPUT", "1".to_owned()),
            // One thread a node, which sleeps when it has nothing to do.
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-noinput +S 1:1 +sbwt none".to_owned()),
        ];
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let server = host.start_with("rabbitmq", SERVER, &[], &env)?;
        Ok(Self { host: host.clone(), server })
    }

    fn wait_until_up(&self) -> Result {
        self.server.wait_for_log(UP, START_LIMIT)
    }
}

/// What a server logs when it is ready.
const UP: &str = "Server startup complete";

/// Writes a node's configuration.
fn furnish(host: &Host, seed: &Host, hosts: &[(Host, &str)]) -> Result {
    let cookie = host.write(".erlang.cookie", COOKIE)?;
    let private = fs::Permissions::from_mode(0o400);
    fs::set_permissions(&cookie, private).doing(|| format!("protecting {}", cookie.display()))?;
    host.write("enabled_plugins", "[rabbitmq_management].\n")?;
    host.write("inetrc", &inetrc(hosts)?)?;
    host.write("rabbitmq.conf", &configuration(seed.name()))?;
    Ok(())
}

fn configuration(seed: &str) -> String {
    format!(
        "listeners.tcp.default = 5672\n\
         loopback_users = none\n\
         log.console = true\n\
         log.console.level = info\n\
         log.console.use_colors = off\n\
         log.file = false\n\
         disk_free_limit.absolute = 10MB\n\
         raft.wal_max_size_bytes = 16777216\n\
         management_agent.disable_metrics_collector = true\n\
         cluster_formation.peer_discovery_backend = classic_config\n\
         cluster_formation.classic_config.nodes.1 = rabbit@{seed}\n"
    )
}

/// The nodes' names, for Erlang's own resolver: the hosts have no `/etc/hosts` of their own.
fn inetrc(hosts: &[(Host, &str)]) -> Result<String> {
    let entry = |(host, address): &(Host, &str)| {
        let address: Ipv4Addr =
            address.parse().map_err(|_| Error::Story(format!("{address:?} is no IPv4 address")))?;
        let octets = address.octets().map(|octet| octet.to_string()).join(",");
        Ok(format!("{{host, {{{octets}}}, [\"{}\"]}}.\n", host.name()))
    };
    let entries = hosts.iter().map(entry).collect::<Result<String>>()?;
    Ok("{lookup, [file]}.\n".to_owned() + &entries)
}
