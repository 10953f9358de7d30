//! A CronJob whose runs the real controller makes, each minute: the first one fails, a later one is well. What else is
//! tried meanwhile takes longer than a minute, so that this waits little.

use std::time::Duration;

use alpacalert_testkit::ControlPlane;

use crate::follow::Live;
use crate::support::{F, P};

const CRON: (&str, &str) = ("kubernetes.io/CronJob", "shop/minutely");

fn cron(sim: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: minutely, namespace: shop}}\nspec:\n  schedule: '* * * * *'\n  concurrencyPolicy: Forbid\n  jobTemplate:\n    spec:\n      backoffLimit: 0\n      template:\n        metadata: {{labels: {{sim: {sim}}}}}\n        spec: {{restartPolicy: Never, containers: [{{name: app, image: x}}]}}\n"
    )
}

pub(super) fn begin(plane: &ControlPlane) {
    plane.apply(&cron("fails"));
}

pub(super) async fn fail(plane: &ControlPlane, live: &mut Live) {
    live.until_within(CRON.0, CRON.1, F, Duration::from_secs(75))
        .await;
    let said = live.says(CRON.0, CRON.1);
    assert!(said.contains("exit code 3"), "{said}");
    // A run by hand that does not end: what failed stays while it is under way.
    plane.apply(&cron("runs"));
    plane.kubectl(&[
        "create",
        "job",
        "slow",
        "--from=cronjob/minutely",
        "-n",
        "shop",
    ]);
    plane.wait_for_pods("shop", "job-name=slow", 1);
    live.until("kubernetes.io/Job", "shop/slow", P).await;
    live.until(CRON.0, CRON.1, F).await;
    plane.kubectl(&["delete", "job", "slow", "-n", "shop", "--wait=false"]);
    plane.apply(&cron("completes"));
}

pub(super) async fn recover(plane: &ControlPlane, live: &mut Live) {
    live.until_within(CRON.0, CRON.1, P, Duration::from_secs(75))
        .await;
    plane.kubectl(&[
        "delete",
        "cronjob",
        "minutely",
        "-n",
        "shop",
        "--wait=false",
    ]);
}
