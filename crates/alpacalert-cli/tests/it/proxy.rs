//! The network between two instances, which can be cut.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

const WHOLE: u8 = 0;
const CUT: u8 = 1;
const REFUSES: u8 = 2;

/// Passes bytes on to one address.
pub(crate) struct Proxy {
    pub(crate) address: String,
    state: Arc<AtomicU8>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) fn to(address: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let proxy = Proxy {
            address: listener.local_addr().expect("its address").to_string(),
            state: Arc::default(),
            connections: Arc::default(),
        };
        let (to, state) = (address.to_owned(), proxy.state.clone());
        let connections = proxy.connections.clone();
        // Ends with the process of the tests.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                connections.fetch_add(1, Ordering::SeqCst);
                let (to, state) = (to.clone(), state.clone());
                std::thread::spawn(move || pass(&client, &to, &state));
            }
        });
        proxy
    }

    /// Nothing arrives any more, and nobody is told, as when a cable is pulled.
    pub(crate) fn cut(&self) {
        self.state.store(CUT, Ordering::SeqCst);
    }

    /// Connections are closed, and new ones at once.
    pub(crate) fn refuse(&self) {
        self.state.store(REFUSES, Ordering::SeqCst);
    }

    pub(crate) fn heal(&self) {
        self.state.store(WHOLE, Ordering::SeqCst);
    }

    /// How many there have been.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn pass(client: &TcpStream, to: &str, state: &Arc<AtomicU8>) {
    while state.load(Ordering::SeqCst) == CUT {
        std::thread::sleep(Duration::from_millis(10));
    }
    let Ok(server) = TcpStream::connect(to) else {
        return;
    };
    std::thread::scope(|scope| {
        scope.spawn(|| copy(client, &server, state));
        scope.spawn(|| copy(&server, client, state));
    });
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, state: &AtomicU8) {
    let _ = from.set_read_timeout(Some(Duration::from_millis(20)));
    let mut buffer = [0; 16 * 1024];
    let mut was_cut = false;
    loop {
        match state.load(Ordering::SeqCst) {
            REFUSES => break,
            CUT => {
                was_cut = true;
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            // What was lost meanwhile is lost for this connection.
            _ if was_cut => break,
            _ => {}
        }
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) if to.write_all(&buffer[..read]).is_err() => break,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
