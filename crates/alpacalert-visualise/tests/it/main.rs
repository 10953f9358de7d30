//! What people and programs are shown, in the situations that matter.

mod machines;
mod pictures;
mod tree;
mod why;
mod world;
