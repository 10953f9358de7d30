//! The monitoring engine that people embed.
