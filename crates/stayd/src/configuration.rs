//! The configuration of this run: read from the file that the options name, for the host that we are on.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use config::{Diagnostic, Loaded, Severity};

use crate::cli::{Options, Reading};
use crate::exit::Exit;
use crate::host::ThisHost;

/// What the children are told to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Configuration {
    /// For the VRRP process.
    pub vrrp: vrrp::RouterSpec,
    /// For the checker process.
    pub virtual_servers: config::model::Packed<checker::VirtualServerSpec>,
    /// For the parent itself; what the children run is taken out.
    pub rest: config::model::Model,
}

/// A configuration that keepalived would die of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// With this status.
    pub exit: Exit,
}

impl Configuration {
    /// Reads it, and logs everything that is wrong with it.
    ///
    /// # Errors
    /// It cannot be run; what stands in the log says why.
    pub fn read(options: &Options, host: ThisHost) -> Result<Self, Refusal> {
        Self::of(load(&options.file, &options.reading, host), options)
    }

    /// Reads it if `-t` finds nothing wrong with it (`reload_check_config`). What `-t` would print is all that is in
    /// the file `log` afterwards.
    ///
    /// # Errors
    /// It does not pass the test, or cannot be run, or the file cannot be written: 2.2.7 has no test then, and refuses.
    pub fn read_tested(options: &Options, host: ThisHost, log: &Path) -> Result<Self, Refusal> {
        let loaded = load(&options.file, &options.reading, host);
        let status = loaded.test_status();
        let shown = log.display();
        if let Err(error) = private(log, OpenOptions::new().truncate(true), &loaded.render_all()) {
            tracing::error!("cannot write {shown}, which reload_check_config names: {error}");
            return Err(Refusal { exit: Exit::Fatal });
        }
        if status != 0 {
            let file = options.file.display();
            tracing::error!("the new configuration {file} does not pass its test, see {shown} for details");
            return Err(Refusal { exit: Exit::from_status(status) });
        }
        Self::of(loaded, options)
    }

    fn of(loaded: Loaded, options: &Options) -> Result<Self, Refusal> {
        for diagnostic in &loaded.diagnostics {
            log(&loaded, diagnostic);
        }
        loaded.start().map_err(|status| {
            let strict = if loaded.strict { "; with --strict warnings are errors" } else { "" };
            tracing::error!("the configuration {} cannot be run{strict}", options.file.display());
            Refusal { exit: Exit::from_status(status) }
        })?;
        let mut rest = loaded.model;
        override_by(options, &mut rest.globals);
        let mut vrrp = std::mem::take(&mut rest.vrrp);
        let virtual_servers = std::mem::take(&mut rest.virtual_servers);
        let globals = &rest.globals.vrrp;
        vrrp.vmac_prefix.clone_from(&globals.vmac_prefix);
        vrrp.vmac_address_prefix.clone_from(&globals.vmac_address_prefix);
        Ok(Self { vrrp, virtual_servers, rest })
    }

    /// Where the spread of first checks begins (`random_seed`).
    pub fn seed(&self) -> u64 {
        self.rest.globals.daemon.random_seed.map_or_else(|| net::now().as_micros(), u64::from)
    }
}

/// What the command line says goes before what the file says.
fn override_by(options: &Options, globals: &mut config::model::Globals) {
    if let Some(name) = &options.namespace {
        if let Some(named) = globals.daemon.namespace.as_ref().filter(|named| *named != name) {
            tracing::info!("running in network namespace {name}, as -s says, not in {named}");
        }
        globals.daemon.namespace = Some(name.clone());
        globals.daemon.use_pid_dir = true;
    }
    if let Some(umask) = options.umask() {
        globals.files.umask = umask;
    }
}

/// `-t`: prints every problem, to standard error or at the end of a file, and nothing else.
pub fn test(options: &Options, file: Option<&Path>) -> Exit {
    let loaded = load(&options.file, &options.reading, ThisHost { settled: options.namespace.is_some() });
    let text = loaded.render_all();
    let printed = match file {
        None => io::stderr().write_all(text.as_bytes()),
        Some(file) => private(file, OpenOptions::new().append(true), &text),
    };
    if let Err(error) = printed {
        eprintln!("cannot write {}: {error}", file.unwrap_or(Path::new("to standard error")).display());
        return Exit::Fatal;
    }
    let status = loaded.test_status();
    // The process ends here: giving back the memory of a large configuration piece by piece would take longer.
    std::mem::forget(loaded);
    Exit::from_status(status)
}

/// As keepalived does: a file that is made is the user's alone.
fn private(file: &Path, how: &mut OpenOptions, text: &str) -> io::Result<()> {
    how.write(true).create(true).mode(0o600).open(file)?.write_all(text.as_bytes())
}

/// Reads a configuration for this host.
pub fn load(file: &Path, reading: &Reading, host: ThisHost) -> Loaded {
    config::load(&file.to_string_lossy(), &host, &host, &settings(reading))
}

/// Reads a configuration for this host, and writes it in its canonical form.
pub fn load_and_print(
    file: &Path,
    reading: &Reading,
    host: ThisHost,
    form: config::print::Form,
) -> (Loaded, Vec<u8>) {
    config::load_and_print(&file.to_string_lossy(), &host, &host, &settings(reading), form)
}

fn settings(reading: &Reading) -> config::Options {
    let all = reading.all_config;
    config::Options {
        config_id: reading.config_id.clone().unwrap_or_else(node_name),
        include_check: if all { config::IncludeCheck::ALL } else { config::IncludeCheck::default() },
        working_directory: std::env::current_dir()
            .map_or_else(|_| "/".to_owned(), |path| path.to_string_lossy().into_owned()),
        random_seed: net::now().as_micros(),
        strict: reading.strict,
    }
}

/// The host's name up to the first dot.
fn node_name() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    let name = name.to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// One line for each problem: a log is no place for carets.
fn log(loaded: &Loaded, diagnostic: &Diagnostic) {
    let location = loaded.sources.location(diagnostic.span);
    let place = format!("{}:{}:{}", loaded.sources.name(diagnostic.span), location.line, location.column);
    let mut text = diagnostic.message.clone();
    for more in [Some(&diagnostic.label), diagnostic.hint.as_ref()].into_iter().flatten() {
        if !more.is_empty() {
            text += "; ";
            text += more;
        }
    }
    match diagnostic.severity {
        Severity::Error => tracing::error!("{place}: {text}"),
        Severity::Warning => tracing::warn!("{place}: {text}"),
        Severity::Note => tracing::info!("{place}: {text}"),
    }
}
