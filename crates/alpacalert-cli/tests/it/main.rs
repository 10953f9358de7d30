//! The real program, run as its users run it.

#![allow(clippy::print_stdout, reason = "long forms tell what they measured")]

mod check;
mod clocks;
mod conformance;
mod diamond;
mod federation;
mod feed;
mod hostile;
mod k8s;
mod k8s_live;
mod maintenance;
mod others;
mod outputs;
mod overload;
mod program;
mod proxy;
mod published;
mod publisher;
mod remote;
mod report;
mod rolling;
mod secrets;
mod serve;
mod shared;
mod signals;
mod silence;
mod site;
mod supervisor;
mod terminal;
mod tls;
mod usage;
mod watch;
mod world;
