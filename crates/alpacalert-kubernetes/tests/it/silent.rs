//! An API server that stands still: connections stay open, and nobody says a word.

use std::time::Duration;

use alpacalert_testkit::FakeApiServer;
use serde_json::json;

use crate::follow::Live;
use crate::live::{account, pod};
use crate::support::{P, U};

const POD: &str = "kubernetes.io/Pod";

/// From the last word until the watches count as broken: a reading of leases, its time-out, and a slow machine.
const NOTICED: Duration = Duration::from_secs(75);

/// What a broken watch knew is believed for a minute.
const STALE: Duration = Duration::from_secs(61);

/// A dead watch looks like one on which nothing happens; what it knew is not believed for ever.
#[tokio::test]
async fn what_an_api_server_said_that_stands_still_is_stale() {
    let fake = FakeApiServer::start().await;
    fake.put("serviceaccounts", account());
    fake.put("pods", pod("a", json!({})));
    let kubeconfig = fake.kubeconfig();
    let mut live = Live::follow(kubeconfig.path());
    live.until(POD, "shop/a", P).await;
    // Until everything is watched that is.
    tokio::time::sleep(Duration::from_secs(2)).await;
    fake.hang(true);
    // Nothing comes from outside any more, so that time may pass quickly.
    tokio::time::pause();
    live.states(POD, "shop/a", NOTICED).await;
    tokio::time::resume();
    let reason = live.until_at(POD, "shop/a", U, STALE).await;
    assert_eq!(reason, "stale");
    // It stays so while nobody answers, whatever is tried.
    tokio::time::pause();
    live.states(POD, "shop/a", Duration::from_secs(200)).await;
    tokio::time::resume();
    let reason = live.until_at(POD, "shop/a", U, STALE).await;
    assert_eq!(reason, "stale");
    fake.hang(false);
    fake.put("pods", pod("b", json!({})));
    live.until_at(POD, "shop/b", P, STALE).await;
    live.until_at(POD, "shop/a", P, STALE).await;
}
