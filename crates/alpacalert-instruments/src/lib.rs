//! The sensors and systems that everybody needs: host, process, network, files and plugins.
//!
//! [`registry`] holds all of them. Each kind lives in a module of its own with its documentation, what it fetches, and
//! what that means; adding one is a module and a line in [`register`].

mod alpacalert;
mod dns;
mod exec;
mod exec_source;
mod file;
mod host;
mod http;
mod icmp;
mod limits;
mod net;
mod passive;
mod process;
mod status_page;
mod tcp;
mod tls;

use alpacalert_instrument::Registry;

/// A registry of every kind and every sort of source of this crate.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}

/// Adds every kind and every sort of source of this crate.
pub fn register(registry: &mut Registry) {
    // Shared by the sensors of one registry: the resolver, and TLS settings that are equal.
    let net = net::Net::shared();
    tcp::register(registry, &net);
    tls::register(registry, &net);
    http::register(registry, &net);
    dns::register(registry, &net);
    icmp::register(registry, &net);
    host::register(registry);
    process::register(registry);
    file::register(registry);
    exec::register(registry);
    exec_source::register(registry);
    alpacalert::register(registry, &net);
    status_page::register(registry, &net);
    passive::register(registry);
}
