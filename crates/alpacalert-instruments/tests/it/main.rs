//! The instruments, each against the real thing.

mod local;
mod net;
