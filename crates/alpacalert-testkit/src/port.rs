//! Ports that nobody listens on.

use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range from which Linux takes the ports of outgoing connections (32768 and up), so that no connection of
/// another test can take the port between our look and the server's start.
const RANGE: std::ops::Range<u32> = 12_000..32_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port on 127.0.0.1 that nobody listens on, for TCP and UDP, and that no other test of this process gets.
///
/// # Panics
///
/// When every port is taken.
pub fn free_port() -> u16 {
    // Processes that run at the same time begin at different places.
    let start = std::process::id().wrapping_mul(61);
    (0..RANGE.len())
        .map(|_| {
            let next = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
            u16::try_from(RANGE.start + next % RANGE.len() as u32).unwrap_or(12_000)
        })
        .find(|port| {
            TcpListener::bind(("127.0.0.1", *port)).is_ok()
                && UdpSocket::bind(("127.0.0.1", *port)).is_ok()
        })
        .expect("a free port on 127.0.0.1")
}
