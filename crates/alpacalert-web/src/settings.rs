//! How an instance is served.

use std::net::SocketAddr;

use crate::{Access, Serving};

/// How an instance is served.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// The address that it listens on. On loopback, requests that name another host are refused, so that no web page can
    /// reach it by making a name of its own point here.
    pub listen: SocketAddr,
    /// Who may see what.
    pub access: Access,
    /// Limits and TLS.
    pub serving: Serving,
}

impl Default for WebSettings {
    /// On loopback, port 8420; everybody there sees everything.
    fn default() -> Self {
        WebSettings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8420)),
            access: Access::default(),
            serving: Serving::default(),
        }
    }
}
