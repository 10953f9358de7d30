//! Configurations from outside: what is accepted, what is refused, and in which words.

mod corpus;
mod kinds;
mod load;
mod plan;
mod reference;
mod robust;
mod schema;

/// The plan of one text, or everything that is wrong with it.
fn parse(text: &str) -> Result<alpacalert_config::Loaded, alpacalert_config::Diagnostics> {
    alpacalert_config::parse(
        &[("alpacalert.yaml".to_owned(), text.to_owned())],
        &kinds::registry(),
    )
}
