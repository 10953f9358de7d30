//! How many requests an address may make.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::address::neighbourhood;
use super::gate::{later, peer};
use crate::WebSettings;

/// For other machines, unless the configuration says otherwise: ten people behind one address who all load a page.
const USUAL: u32 = 200;

/// How many seconds' worth may come at once.
const BURST: f64 = 4.0;

/// How many addresses are counted at a time, at some 100 bytes each. Beyond, those that were seen last share one count.
const COUNTED_MAX: usize = 50_000;

/// Looking through all of them takes a millisecond, which nobody should cause with each request.
const PRUNED_EVERY: Duration = Duration::from_secs(1);

/// Requests of each address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    buckets: HashMap<IpAddr, Bucket>,
    /// When those that are full were let go of last.
    pruned: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// Refuses requests of an address that has made too many.
pub(crate) async fn limit(
    State(settings): State<WebSettings>,
    request: Request,
    next: Next,
) -> Response {
    let peer = peer(&request);
    let from = settings.access.rules().client(peer, request.headers());
    let given = settings.serving.limits().requests_per_second;
    let most = match given {
        Some(most) => Some(most),
        // Whoever sits at this machine has better ways to keep it busy.
        None if from.to_canonical().is_loopback() => None,
        None => Some(USUAL),
    };
    let wait = most.and_then(|most| settings.serving.rates().count(from, f64::from(most)).err());
    match wait {
        None => next.run(request).await,
        Some(wait) => later(wait, "there are too many requests from this address"),
    }
}

impl Rates {
    /// Counts a request, or says how long to wait.
    fn count(&self, from: IpAddr, per_second: f64) -> Result<(), Duration> {
        let now = Instant::now();
        let full = per_second * BURST;
        let left = |bucket: &Bucket| {
            let since = now.duration_since(bucket.at).as_secs_f64();
            (bucket.left + since * per_second).min(full)
        };
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = neighbourhood(from);
        let is_full = |counted: &Counted| counted.buckets.len() >= COUNTED_MAX;
        if is_full(&counted) && !counted.buckets.contains_key(&key) {
            let pruned = counted.pruned;
            if pruned.is_none_or(|at| now.duration_since(at) >= PRUNED_EVERY) {
                counted.pruned = Some(now);
                counted.buckets.retain(|_, bucket| left(bucket) < full);
            }
            if is_full(&counted) {
                key = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
            }
        }
        let bucket = counted.buckets.entry(key).or_insert(Bucket {
            left: full,
            at: now,
        });
        let left = left(bucket);
        *bucket = Bucket { left, at: now };
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / per_second));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_has_its_rate_and_no_more() {
        let rates = Rates::default();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        for _ in 0..40 {
            rates.count(one, 10.0).unwrap();
        }
        let wait = rates.count(one, 10.0).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        rates.count(other, 10.0).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..10 {
            rates.count(one, 10.0).unwrap();
        }
        assert!(rates.count(one, 10.0).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn more_addresses_than_are_counted_share_one_count() {
        let rates = Rates::default();
        for number in 0..COUNTED_MAX as u32 {
            let from = IpAddr::V4(std::net::Ipv4Addr::from_bits(number + 1));
            rates.count(from, 10.0).unwrap();
        }
        let mut refused = 0;
        for number in 0..100 {
            let from = IpAddr::V4(std::net::Ipv4Addr::from_bits(0xC000_0000 + number));
            refused += u32::from(rates.count(from, 10.0).is_err());
        }
        assert_eq!(refused, 60);
        assert!(rates.0.lock().unwrap().buckets.len() <= COUNTED_MAX + 1);
    }
}
