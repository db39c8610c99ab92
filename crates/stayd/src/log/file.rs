//! `-g`: the log as a file, of all processes together.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// The file unless it is named, as keepalived has it.
const USUAL: &str = "/tmp/keepalived.log";

/// Adds lines to the file, which is made if there is none.
///
/// # Errors
/// It cannot be opened.
pub(super) fn layer<S>(path: Option<&Path>) -> io::Result<impl Layer<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let path = path.unwrap_or(Path::new(USUAL));
    // In /tmp somebody else may have put a link there.
    let file =
        OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)?;
    Ok(tracing_subscriber::fmt::layer().with_writer(Mutex::new(file)).with_target(false).with_ansi(false))
}
