//! The API of a running instance, asked over real connections.

mod access;
mod api;
mod events;
mod oidc;
mod serving;
mod tls;
mod world;
