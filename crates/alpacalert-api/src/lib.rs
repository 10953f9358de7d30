//! The wire types of Alpacalert's API, version 1.
//!
//! They know neither the graph nor the web server, so that a reader of the API needs nothing else of Alpacalert.

/// The version of the API, as it stands in paths (`/api/v1`) and in every document's `version`.
pub const VERSION: u32 = 1;
