//! Placeholder.
use alpacalert_instrument::Registry;
pub(crate) mod table;
pub(crate) fn register(_registry: &mut Registry) {}
