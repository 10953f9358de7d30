//! How many connections there are, in all and from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::WebSettings;
use crate::access::neighbourhood;

/// The most connections at a time, unless the configuration says otherwise: a thousand readers of events and as many of
/// everything else, at some ten KiB each.
const USUAL: usize = 2048;

/// The most from one address of another machine.
const USUAL_PER_ADDRESS: usize = 512;

/// How long somebody who is refused has to send their request, so that they read our answer to it.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

/// Connections that there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Connections,
    from: IpAddr,
}

impl Connections {
    /// A place for one more, if there is one.
    pub(super) fn enter(&self, from: IpAddr, settings: &WebSettings) -> Option<Place> {
        let limits = settings.serving.limits();
        // Half of the handles are left to what is measured.
        let most = limits.connections.unwrap_or(USUAL).min(handles() / 2);
        let per_address = match limits.connections_per_address {
            _ if settings.access.is_proxy(from) => most,
            Some(most) => most,
            None if from.to_canonical().is_loopback() => most,
            None => USUAL_PER_ADDRESS,
        };
        self.take(neighbourhood(from), most, per_address)
    }

    fn take(&self, from: IpAddr, most: usize, per_address: usize) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = counts.by_address.get(&from).copied().unwrap_or(0);
        if counts.all >= most || of_address >= per_address {
            return None;
        }
        counts.all += 1;
        counts.by_address.insert(from, of_address + 1);
        Some(Place {
            connections: self.clone(),
            from,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let counts = &self.connections.0;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        let left = counts.by_address.get(&self.from).map_or(0, |n| n - 1);
        match left {
            0 => counts.by_address.remove(&self.from),
            left => counts.by_address.insert(self.from, left),
        };
    }
}

/// How many files the program may have open. Without a limit, as many as anybody needs.
fn handles() -> usize {
    let now = getrlimit(Resource::Nofile).current;
    now.and_then(|now| usize::try_from(now).ok())
        .unwrap_or(usize::MAX)
}

/// Lets the program open as many files as it may: the usual 1024 are few for sockets, and are so for the sake of programs
/// that use `select`.
pub fn raise_handles() {
    let mut limits = getrlimit(Resource::Nofile);
    limits.current = limits.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limits) {
        tracing::warn!("cannot raise the number of files that may be open: {error}");
    }
}

/// Says that there is no place now.
pub(super) async fn refuse(mut stream: TcpStream) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Type: application/json\r\n\
Content-Length: 60\r\nConnection: close\r\n\r\n{\"error\":\"there are too many connections; try again later\"}\n";
    let said = async {
        // Closing with something unread would take back the answer.
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(ANSWER).await;
        let _ = stream.shutdown().await;
        while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
    };
    let _ = tokio::time::timeout(REFUSED_WITHIN, said).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_places_as_there_may_be() {
        let connections = Connections::default();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let first = connections.take(one, 3, 2).unwrap();
        let _second = connections.take(one, 3, 2).unwrap();
        assert!(connections.take(one, 3, 2).is_none(), "of one address");
        let _third = connections.take(other, 3, 2).unwrap();
        assert!(connections.take(other, 3, 2).is_none(), "in all");
        drop(first);
        let _again = connections.take(one, 3, 2).unwrap();
        drop((_second, _third, _again));
        let counts = connections.0.lock().unwrap();
        assert_eq!((counts.all, counts.by_address.len()), (0, 0));
    }
}
