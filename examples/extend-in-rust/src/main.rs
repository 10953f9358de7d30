//! An Alpacalert with the kinds of this example and no others.

use std::io::Write;

use alpacalert::{Monitor, Settings};
use alpacalert_instrument::Registry;
use extend_in_rust::{company, plan, shared, show};

/// Whatever this program knows about the world.
const KINDS: [fn(&mut Registry); 2] = [shared::register, |registry| {
    company::register(registry, "runbooks".into());
}];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, dashboards @ ..] = &args[..] else {
        return Err("say where alerts are asked for: extend-in-rust URL DASHBOARD...".into());
    };
    let dashboards: Vec<&str> = dashboards.iter().map(String::as_str).collect();
    let mut registry = Registry::new();
    for register in KINDS {
        register(&mut registry);
    }
    let plan = plan::my_web_app(url, &dashboards);
    let checked = Monitor::build(&plan, registry, Settings::default())?
        .check(|_| {})
        .await;
    let tree = show::tree(&checked.graph, &checked.roots);
    std::io::stdout().write_all(tree.as_bytes())?;
    Ok(())
}
