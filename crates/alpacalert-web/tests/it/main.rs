//! The API and the pages of a running instance, asked over real connections and with a real browser.

#![allow(clippy::print_stdout, reason = "long forms tell what they measured")]
#![allow(
    clippy::await_holding_lock,
    reason = "tests that share a browser wait for each other, each on a runtime of its own"
)]

mod access;
mod api;
mod browser;
mod canvas;
mod events;
mod hostile;
mod oidc;
mod pages;
mod pictures;
mod serving;
mod tls;
mod world;
