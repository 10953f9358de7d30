//! The real program, run as its users run it.

mod check;
mod federation;
mod k8s;
mod outputs;
mod program;
mod proxy;
mod remote;
mod report;
mod serve;
mod signals;
mod supervisor;
mod terminal;
mod usage;
mod watch;
mod world;
