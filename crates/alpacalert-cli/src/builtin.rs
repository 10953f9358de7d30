//! The kinds that this program knows. An extension in Rust is a program like this one with a longer list.

use alpacalert_instrument::Registry;

/// Who adds kinds, in one place.
const BUILT_IN: &[fn() -> Registry] = &[
    alpacalert_instruments::registry,
    alpacalert_kubernetes::registry,
];

/// Every kind and every sort of source that this program knows.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    for kinds in BUILT_IN {
        registry.extend(kinds());
    }
    registry
}
