//! R5: 1,000 healthy targets every second, alone and beside 10,000 that accept and stay silent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert::instrument::{BoxFuture, Context, Params, Reason, Sensor, SensorError};
use alpacalert::model::Observation;
use alpacalert_testkit::Nginx;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::engine::Load;
use crate::silent::Silent;
use crate::{MEASURE, report};

const HEALTHY: usize = 1_000;
const HUNG: usize = 10_000;

pub(crate) fn run() {
    let Some(nginx) = Nginx::start("location / { return 200 ok; }") else {
        return;
    };
    let silent = Silent::start();
    for hung in [0, HUNG] {
        let lateness = Arc::new(Mutex::new(Vec::new()));
        let mut load = Load::new(Duration::from_secs(1));
        for _ in 0..HEALTHY {
            load.sensor(Healthy {
                address: nginx.address(),
                first: Mutex::new(None),
                lateness: lateness.clone(),
            });
        }
        for _ in 0..hung {
            let address = silent.address.to_string();
            let params = Params::new().with_text("url", format!("http://{address}/"));
            if !load.thing("http", params) {
                load.sensor(Asks(silent.address));
            }
        }
        let measured = load.run(MEASURE);
        report(
            &format!("{HEALTHY} healthy beside {hung} silent"),
            (HEALTHY + hung / 10) as f64,
            &measured,
        );
        let mut lateness = std::mem::take(&mut *lateness.lock().expect("nobody panicked"));
        lateness.sort();
        let at = |share: usize| lateness[(lateness.len() - 1) * share / 100].as_secs_f64() * 1e3;
        println!(
            "lateness of the healthy: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms of {}",
            at(50),
            at(99),
            at(100),
            lateness.len()
        );
    }
}

/// A plain HTTP request, which notes how far its start is from whole seconds after its first one.
struct Healthy {
    address: SocketAddr,
    first: Mutex<Option<Instant>>,
    lateness: Arc<Mutex<Vec<Duration>>>,
}

impl Sensor for Healthy {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        let now = Instant::now();
        let first = *self
            .first
            .lock()
            .expect("nobody panicked")
            .get_or_insert(now);
        let nanos = (now - first).as_nanos() % 1_000_000_000;
        let late = Duration::from_nanos(nanos as u64);
        // The first one may have been the late one; then others seem early by that.
        let late = late.min(Duration::from_secs(1) - late);
        self.lateness.lock().expect("nobody panicked").push(late);
        Box::pin(ask(self.address, cx))
    }
}

/// A plain HTTP request.
struct Asks(SocketAddr);

impl Sensor for Asks {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(ask(self.0, cx))
    }
}

async fn ask(address: SocketAddr, cx: &Context) -> Result<Observation, SensorError> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
            .await?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer).await
    };
    match asked.await {
        Ok(_) => Ok(Observation::passing(cx.now())),
        Err(error) => Err(SensorError::new(Reason::fixed("io"), "cannot ask").because(error)),
    }
}
