//! Tests against the real thing.

mod local;
