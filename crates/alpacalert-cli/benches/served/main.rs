//! What a running instance gives those who ask, beside nginx with a static file of the same size; how soon readers of events know;
//! and how punctual it is while a tenth of its targets hang.
//!
//! ```console
//! $ cargo bench -p alpacalert-cli --bench served -- [json|events|hung]
//! ```
//!
//! Needs nginx and wrk, and `ulimit -n` of 16,384 or more. `ALPACALERT_BENCH_NODES` is how many nodes there are (100,000).

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod events;
mod hung;
mod instance;
mod json;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` only wants to know that it builds.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let wanted: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let runs: [(&str, fn()); 3] = [
        ("json", json::bench),
        ("events", events::bench),
        ("hung", hung::bench),
    ];
    for (name, run) in runs {
        if wanted.is_empty() || wanted.contains(&name) {
            println!("\n== {name}");
            run();
        }
    }
}
