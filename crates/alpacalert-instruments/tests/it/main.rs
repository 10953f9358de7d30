//! The instruments, each against the real thing.

mod net;
