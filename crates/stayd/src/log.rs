//! Where log lines go: standard error, the journal, or both.

use std::io;

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::Options;
use crate::ipc;

/// Sets logging up. Without `-l` and without a journal there is still standard error: a line is never lost for want of
/// a place.
pub fn start(options: &Options) {
    let journal = if options.no_syslog { None } else { tracing_journald::layer().ok() };
    let journal = journal.map(|layer| layer.with_syslog_identifier("stayd".to_owned()));
    let console = options.log_console || journal.is_none();
    let console = console.then(|| {
        let colours = io::IsTerminal::is_terminal(&io::stderr());
        tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(colours)
    });
    let most = if options.log_detail > 0 { Level::DEBUG } else { Level::INFO };
    let level = LevelFilter::from_level(most);
    tracing_subscriber::registry().with(journal.with_filter(level)).with(console.with_filter(level)).init();
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
