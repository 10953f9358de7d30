//! The API and the pages of a running instance, asked over real connections and with a real browser.

#![allow(clippy::print_stdout, reason = "long forms tell what they measured")]

mod access;
mod answers;
mod api;
mod browser;
mod canvas;
mod events;
mod history;
mod hostile;
mod lists;
mod oidc;
mod pages;
mod pictures;
mod serving;
mod signing;
mod tls;
mod world;
