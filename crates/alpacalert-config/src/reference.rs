//! The reference of the configuration, in Markdown.

use alpacalert_instrument::{KindSpec, Registry};

/// Every key outside of kinds and sources.
pub fn reference(_registry: &Registry) -> String {
    String::new()
}

/// Every kind and every sort of source.
pub fn kinds_reference(_registry: &Registry) -> String {
    String::new()
}

/// One kind.
pub fn kind_reference(_spec: &KindSpec) -> String {
    String::new()
}
