//! The real program, run as its users run it.

mod check;
mod outputs;
mod program;
mod signals;
mod terminal;
mod usage;
mod watch;
mod world;
