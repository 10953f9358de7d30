//! A store as the instance uses it: a real graph goes in, the past comes out.

#![expect(clippy::print_stdout, reason = "long forms tell what they found")]

mod clock;
mod crash;
mod damage;
mod keeps;
mod planned;
mod remembers;
mod trouble;
mod world;
