//! Placeholder.
use alpacalert_instrument::Registry;
pub(crate) fn register(_registry: &mut Registry) {}
