//! The example against servers, and its text against the example.

mod grafana;
mod how_to;
mod prometheus;
mod server;
