//! The configuration of this run: read from the file that the options name, for the host that we are on.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use config::{Diagnostic, Loaded, Severity};

use crate::cli::Options;
use crate::exit::Exit;
use crate::host::ThisHost;

/// What the children are told to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Configuration {
    /// For the VRRP process.
    pub vrrp: vrrp::RouterSpec,
    /// For the checker process.
    pub virtual_servers: Vec<checker::VirtualServerSpec>,
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
    pub fn read(options: &Options) -> Result<Self, Refusal> {
        let loaded = load(options);
        for diagnostic in &loaded.diagnostics {
            log(&loaded, diagnostic);
        }
        loaded.start().map_err(|status| {
            tracing::error!("the configuration {} cannot be run", options.file.display());
            Refusal { exit: Exit::from_status(status) }
        })?;
        Ok(Self { vrrp: loaded.model.vrrp, virtual_servers: loaded.model.virtual_servers })
    }
}

/// `-t`: prints every problem, to standard error or to a file, and nothing else.
pub fn test(options: &Options, file: Option<&Path>) -> Exit {
    let loaded = load(options);
    let text = loaded.render_all();
    let printed = match file {
        None => io::stderr().write_all(text.as_bytes()),
        Some(file) => File::create(file).and_then(|mut file| file.write_all(text.as_bytes())),
    };
    if let Err(error) = printed {
        eprintln!("cannot write {}: {error}", file.unwrap_or(Path::new("to standard error")).display());
        return Exit::Fatal;
    }
    Exit::from_status(loaded.test_status())
}

fn load(options: &Options) -> Loaded {
    let settings = config::Options {
        config_id: options.config_id.clone().unwrap_or_else(node_name),
        include_check: config::IncludeCheck::default(),
        working_directory: std::env::current_dir()
            .map_or_else(|_| "/".to_owned(), |path| path.to_string_lossy().into_owned()),
        random_seed: net::now().as_micros(),
        strict: false,
    };
    config::load(&options.file.to_string_lossy(), &ThisHost, &ThisHost, &settings)
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
