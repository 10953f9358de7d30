//! The sensors and systems that everybody needs: this machine, its processes and files, and any Nagios plugin.

mod exec;
mod exec_source;
mod file;
mod host;
mod limits;
mod process;

use alpacalert_instrument::Registry;

/// Adds every kind and every sort of source of this crate to a registry.
pub fn register(registry: &mut Registry) {
    host::register(registry);
    process::register(registry);
    file::register(registry);
    exec::register(registry);
    exec_source::register(registry);
}

/// A registry of every kind and every sort of source of this crate.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}
