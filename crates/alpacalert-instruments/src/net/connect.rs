//! Connections to a host's addresses, one after another, within the deadline.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use alpacalert_instrument::Reason;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Blame, Deadline, Endpoint, Host, Net, Trouble, blame};

/// A connection, and how it came about.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    /// How long the name took; zero for an address.
    pub(crate) resolving: Duration,
    /// How long the connection took, addresses that did not answer included.
    pub(crate) connecting: Duration,
    /// What happened at addresses that were tried before.
    pub(crate) notes: Vec<String>,
}

impl Net {
    /// Connects to the first address that answers.
    ///
    /// Each address gets an equal share of the time that is left, so that a silent one does not hide those after it.
    pub(crate) async fn connect(
        &self,
        endpoint: &Endpoint,
        deadline: &Deadline,
    ) -> Result<Connected, Trouble> {
        let begun = Instant::now();
        let addresses = self.resolver.addresses(&endpoint.host, deadline).await?;
        let resolved = Instant::now();
        let mut failures = Vec::new();
        for (tried, ip) in addresses.iter().enumerate() {
            let share = deadline.left() / u32::try_from(addresses.len() - tried).unwrap_or(1);
            match attempt(*ip, endpoint.port, share, deadline).await {
                Ok(stream) => {
                    return Ok(Connected {
                        stream,
                        resolving: match endpoint.host {
                            Host::Ip(_) => Duration::ZERO,
                            Host::Name(_) => resolved - begun,
                        },
                        connecting: resolved.elapsed(),
                        notes: failures.iter().map(Failure::note).collect(),
                    });
                }
                Err(failure) => failures.push(failure),
            }
        }
        Err(all_failed(failures, endpoint))
    }
}

struct Failure {
    address: SocketAddr,
    trouble: Trouble,
}

impl Failure {
    fn note(&self) -> String {
        match &self.trouble {
            Trouble::Target { text, .. } => text.clone(),
            Trouble::Ours(error) => format!("{}: {}", self.address, error.chain()),
        }
    }
}

async fn attempt(
    ip: IpAddr,
    port: u16,
    share: Duration,
    deadline: &Deadline,
) -> Result<TcpStream, Failure> {
    let address = SocketAddr::new(ip, port);
    let doing = format!("connecting to {address}");
    let trouble = match tokio::time::timeout(share, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => {
            // Without delay: requests are small, and their time is measured. That it cannot be set harms nothing else.
            let _ = stream.set_nodelay(true);
            return Ok(stream);
        }
        Ok(Err(error)) => Trouble::of_io(error, &doing),
        Err(_) => deadline.silence(&doing),
    };
    Err(Failure { address, trouble })
}

/// The target's failures count before ours: an address that refused is a fact, whatever became of the others.
fn all_failed(failures: Vec<Failure>, endpoint: &Endpoint) -> Trouble {
    let notes: Vec<String> = failures.iter().map(Failure::note).collect();
    let count = failures.len();
    let is_ours = |failure: &Failure| matches!(failure.trouble, Trouble::Ours(_));
    let mut failures = failures;
    failures.sort_by_key(is_ours);
    match failures.into_iter().next().map(|failure| failure.trouble) {
        Some(Trouble::Target { reason, .. }) => Trouble::target(reason, notes.join("; ")),
        Some(ours) if count == 1 => ours,
        Some(Trouble::Ours(error)) => Trouble::ours(error.reason().clone(), notes.join("; ")),
        None => Trouble::target(
            super::reason::NAME_NOT_FOUND,
            format!("{} has no address", endpoint.host),
        ),
    }
}

/// An error after the connection was made: whatever ends it is the target's, or the network's on the way to it.
pub(crate) fn broken(error: std::io::Error, doing: &str) -> Trouble {
    match blame(&error) {
        (Blame::Target, _) => Trouble::of_io(error, doing),
        (Blame::Us, reason) if reason != Reason::SENSOR_BROKEN => Trouble::of_io(error, doing),
        _ => Trouble::target(
            super::reason::CONNECTION_FAILED,
            format!("{doing}: {}", super::trouble::plain(&error)),
        ),
    }
}
