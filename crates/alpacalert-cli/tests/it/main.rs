//! The real program, run as its users run it.

mod check;
mod federation;
mod hostile;
mod k8s;
mod k8s_live;
mod outputs;
mod overload;
mod program;
mod publisher;
mod secrets;
mod serve;
mod shared;
mod signals;
mod terminal;
mod usage;
mod watch;
mod world;
