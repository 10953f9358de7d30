mod answers;
mod hostile;
mod rate;
mod redirects;
mod secure;

use alpacalert_instrument::{Observation, Params};

use super::Probe;

const HTTP: &str = "alpacalert.io/Http";

fn http(url: impl Into<String>) -> Params {
    Params::new().with_text("url", url)
}

async fn look(params: Params) -> Observation {
    Probe::new(HTTP, params).look().await
}
