//! The reference, read as a whole when it changes.

use alpacalert_config::{kinds_reference, reference};

use crate::kinds::{every_shape, registry};

#[test]
fn the_reference_of_the_configuration() {
    insta::assert_snapshot!(reference(&registry()));
}

#[test]
fn the_reference_of_kinds() {
    let text = kinds_reference(&registry());
    for (key, _) in every_shape() {
        assert!(text.contains(&format!("| `{key}` |")), "{key}");
    }
    insta::assert_snapshot!(text);
}
