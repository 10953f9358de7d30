//! The real program, run as its users run it.

#![allow(clippy::print_stdout, reason = "long forms tell what they measured")]

mod check;
mod conformance;
mod diamond;
mod federation;
mod feed;
mod hostile;
mod k8s;
mod k8s_live;
mod maintenance;
mod outputs;
mod overload;
mod program;
mod proxy;
mod publisher;
mod remote;
mod report;
mod rolling;
mod secrets;
mod serve;
mod shared;
mod signals;
mod supervisor;
mod terminal;
mod tls;
mod usage;
mod watch;
mod world;
