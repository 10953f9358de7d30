//! A store as the instance uses it: a real graph goes in, the past comes out.

mod remembers;
mod world;
