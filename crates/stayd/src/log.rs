//! Where log lines go: standard error, the system's log, a file.
//!
//! **Children send their lines to the parent, which alone writes**: a log that blocks must not block an advert.

mod file;
mod syslog;

use std::io;
use std::sync::Arc;

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::Options;
use crate::ipc;
use syslog::Syslog;
pub use syslog::{Facility, Idents};

/// Sets logging up. Without `-l` and without a system's log there is still standard error: a line is never lost for want
/// of a place. The names under which lines are logged may change later.
pub fn start(options: &Options) -> Arc<Idents> {
    let idents = Arc::new(Idents::default());
    let system = if options.no_syslog { None } else { Syslog::open(options.facility(), &idents) };
    let file = options.log_file.as_ref().and_then(|path| match file::layer(path.as_deref()) {
        Ok(layer) => Some(layer),
        Err(error) => {
            eprintln!("cannot write the log file: {error}");
            None
        }
    });
    let console = options.log_console || (system.is_none() && file.is_none());
    let console = console.then(|| {
        let colours = io::IsTerminal::is_terminal(&io::stderr());
        tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(colours)
    });
    let most = if options.log_detail > 0 { Level::DEBUG } else { Level::INFO };
    // Libraries say what they do for those who work on them, and a child has no place to say it.
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), most);
    tracing_subscriber::registry()
        .with(system.with_filter(ours.clone()))
        .with(file.with_filter(ours.clone()))
        .with(console.with_filter(ours))
        .init();
    idents
}

/// Logs a line of a child.
pub fn line(process: &'static str, line: &ipc::Line) {
    match line.level {
        ipc::Level::Error => tracing::error!(process, "{}", line.text),
        ipc::Level::Warning => tracing::warn!(process, "{}", line.text),
        ipc::Level::Info => tracing::info!(process, "{}", line.text),
        ipc::Level::Detail => tracing::debug!(process, "{}", line.text),
    }
}
