//! The API of a running instance, asked over real connections.

mod api;
mod events;
mod world;
