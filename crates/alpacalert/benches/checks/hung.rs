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
/// As many first measurements of each are left out.
const WARM_UP: usize = 4;

pub(crate) fn run() {
    let Some(nginx) = Nginx::start("location / { return 200 ok; }") else {
        return;
    };
    let silent = Silent::start();
    for (hung, word) in [
        (0, ""),
        (HUNG, "no sensor, a plain request"),
        (HUNG, "http"),
    ] {
        let starts = Arc::new(Mutex::new(vec![Vec::new(); HEALTHY]));
        let mut load = Load::new(Duration::from_secs(1));
        for index in 0..HEALTHY {
            load.sensor(Healthy {
                address: nginx.address(),
                index,
                starts: starts.clone(),
            });
        }
        for _ in 0..hung {
            let address = silent.address.to_string();
            let params = Params::new().with_text("url", format!("http://{address}/"));
            if !load.thing(word, params) {
                load.sensor(Asks(silent.address));
            }
        }
        let measured = load.run(MEASURE);
        report(
            &format!("{HEALTHY} healthy beside {hung} silent {word}"),
            (HEALTHY + hung / 10) as f64,
            &measured,
        );
        let starts = std::mem::take(&mut *starts.lock().expect("nobody panicked"));
        let mut lateness: Vec<Duration> = starts.iter().flat_map(|s| late(s)).collect();
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

/// How late each measurement of a sensor was, but those of the first seconds, against the one that was least late.
fn late(starts: &[Instant]) -> Vec<Duration> {
    let starts = &starts[starts.len().min(WARM_UP)..];
    let Some(first) = starts.first() else {
        return Vec::new();
    };
    let offsets: Vec<f64> = starts
        .iter()
        .map(|start| (*start - *first).as_secs_f64())
        .map(|passed| passed - passed.round())
        .collect();
    let least = offsets.iter().copied().fold(f64::INFINITY, f64::min);
    let late = |offset: &f64| Duration::from_secs_f64(offset - least);
    offsets.iter().map(late).collect()
}

/// A plain HTTP request, which notes when it started.
struct Healthy {
    address: SocketAddr,
    index: usize,
    starts: Arc<Mutex<Vec<Vec<Instant>>>>,
}

impl Sensor for Healthy {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        let mut starts = self.starts.lock().expect("nobody panicked");
        starts[self.index].push(Instant::now());
        drop(starts);
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
