//! The API and the pages of a running instance, asked over real connections and with a real browser.

mod access;
mod answers;
mod api;
mod browser;
mod canvas;
mod events;
mod hostile;
mod pages;
mod pictures;
mod world;
