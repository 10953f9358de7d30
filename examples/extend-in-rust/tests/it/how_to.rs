//! The how-to shows this example and nothing else.

use std::fs;
use std::path::Path;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn text() -> String {
    fs::read_to_string(here().join("../../docs/how-to/extend-in-rust.md"))
        .expect("the how-to is there")
}

#[test]
fn every_block_of_code_of_the_how_to_is_in_the_example_word_for_word() {
    let text = text();
    let sources: Vec<String> = fs::read_dir(here().join("src"))
        .expect("the sources are there")
        .map(|entry| fs::read_to_string(entry.expect("a file").path()).expect("a text"))
        .collect();
    let mut blocks = 0;
    for part in text.split("```rust\n").skip(1) {
        let block = part.split("```").next().expect("the block ends");
        blocks += 1;
        assert!(
            sources.iter().any(|source| source.contains(block)),
            "this block is not in the example:\n{block}"
        );
    }
    assert!(blocks >= 8, "there are only {blocks} blocks");
}
