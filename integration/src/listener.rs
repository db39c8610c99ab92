//! A TCP server that does no more than health checks ask for.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often it looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(5);

/// A listening port; it is closed when this is dropped, and connections to it are refused from then on.
#[derive(Debug)]
pub struct Listener {
    over: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl Listener {
    /// Serves a socket.
    pub(crate) fn new(socket: TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let over = Arc::new(AtomicBool::new(false));
        let server = thread::spawn({
            let over = Arc::clone(&over);
            move || {
                while !over.load(Ordering::Relaxed) {
                    // What is accepted is closed at once; what is not will be in the next round.
                    if socket.accept().is_err() {
                        thread::sleep(PATIENCE);
                    }
                }
            }
        });
        Ok(Self { over, server: Some(server) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(server) = self.server.take() {
            // When it returns, the port is closed.
            let _ = server.join();
        }
    }
}
