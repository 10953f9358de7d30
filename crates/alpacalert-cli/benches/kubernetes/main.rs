//! How long `alpacalert k8s` takes for a whole cluster, beside kubectl, and how soon a change is known.
//!
//! ```console
//! $ cargo bench -p alpacalert-cli --bench kubernetes -- real     # a control plane with KWOK, filled for five minutes
//! $ cargo bench -p alpacalert-cli --bench kubernetes -- fake     # an API server that only answers, with 100,000 pods
//! ```
//!
//! `ALPACALERT_BENCH_SECONDS` is how long the real one is filled, `ALPACALERT_BENCH_PODS` how many pods the other one has, and
//! `ALPACALERT_BENCH_PYTHON` a Python that has Alpacalert 0.1.2 installed, to be compared at 1,000 pods.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cluster;
mod fake;
mod real;
mod run;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` only wants to know that it builds.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let wanted = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !wanted("real") && !wanted("fake");
    if all || wanted("fake") {
        fake::bench();
    }
    if all || wanted("real") {
        real::bench();
    }
}

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}
