//! The signals that drive the daemon, as keepalived's scripts send them.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use super::Event;
use crate::ipc::Dump;
use crate::signals::{JSON, STATS_CLEAR};

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// `SIGTERM`, `SIGINT`.
    Stop,
    /// `SIGHUP`.
    Reload,
    /// A signal that asks for files.
    Dump(Dump),
}

/// Sends an order for each signal. Signals that come while one of their kind waits are one.
///
/// # Errors
/// The kernel refuses a handler.
pub fn watch(sender: &UnboundedSender<Event>, ignore_sigint: bool) -> io::Result<()> {
    let orders = [
        (SignalKind::terminate(), Order::Stop),
        (SignalKind::hangup(), Order::Reload),
        (SignalKind::user_defined1(), Order::Dump(Dump::Data)),
        (SignalKind::user_defined2(), Order::Dump(Dump::Stats)),
        (SignalKind::from_raw(JSON[0]), Order::Dump(Dump::Json)),
        (SignalKind::from_raw(JSON[1]), Order::Dump(Dump::Json)),
        (SignalKind::from_raw(STATS_CLEAR), Order::Dump(Dump::StatsClear)),
    ];
    let interrupt = (SignalKind::interrupt(), Order::Stop);
    if ignore_sigint {
        crate::signals::ignore_sigint()?;
    }
    for (kind, order) in orders.into_iter().chain((!ignore_sigint).then_some(interrupt)) {
        let mut signal = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while signal.recv().await.is_some() && sender.send(Event::Order(order)).is_ok() {}
        });
    }
    Ok(())
}
