//! States and the program's own figures, as OpenMetrics 1.0.

use std::fmt::Write as _;

use alpacalert::{TaskState, TaskStatus};
use alpacalert_api::{Health, ServiceSummary};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{Api, Problem};
use crate::Caller;

pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const STATES: [Health; 4] = [
    Health::Passing,
    Health::Degraded,
    Health::Unknown,
    Health::Failing,
];

pub(super) async fn metrics(State(api): State<Api>, caller: Caller) -> Result<Response, Problem> {
    let published = api
        .summaries
        .newest(&api.live, &caller)
        .await
        .ok_or_else(Problem::ended)?;
    let mut text = services(&published.list.services);
    let stats = api.live.stats().await;
    let config = api.live.config();
    for (name, help, value) in [
        (
            "alpacalert_nodes",
            "Nodes in the graph.",
            stats.nodes as f64,
        ),
        (
            "alpacalert_sensors",
            "Sensors that are measured.",
            stats.sensors as f64,
        ),
        (
            "alpacalert_measurements_running",
            "Measurements under way.",
            stats.running as f64,
        ),
        (
            "alpacalert_measurements_waiting",
            "Measurements that wait for a slot.",
            stats.waiting as f64,
        ),
        (
            "alpacalert_questions_waiting",
            "Questions that wait for the owner of the graph.",
            stats.questions as f64,
        ),
        (
            "alpacalert_snapshots_waiting",
            "Snapshots of sources that wait for the owner of the graph.",
            stats.snapshots as f64,
        ),
        (
            "alpacalert_changes_unread",
            "Batches of changes that the slowest reader has not taken yet.",
            stats.unread as f64,
        ),
        (
            "alpacalert_lateness_p50_seconds",
            "Half of the newest measurements were no later.",
            stats.lateness_p50.as_secs_f64(),
        ),
        (
            "alpacalert_lateness_p99_seconds",
            "99 of 100 of the newest measurements were no later.",
            stats.lateness_p99.as_secs_f64(),
        ),
        (
            "alpacalert_config_rejected",
            "1 when the newest configuration is wrong and the former one is still in force.",
            f64::from(u8::from(config.rejected.is_some())),
        ),
        (
            "alpacalert_config_loaded_timestamp_seconds",
            "When the configuration in force came into force.",
            config.loaded_at.as_duration().as_secs_f64(),
        ),
        (
            "alpacalert_start_timestamp_seconds",
            "When the program was started.",
            api.live.started_at().as_duration().as_secs_f64(),
        ),
    ] {
        let _ = writeln!(
            text,
            "# TYPE {name} gauge\n# HELP {name} {help}\n{name} {value}"
        );
    }
    for (name, help, value) in [
        (
            "alpacalert_measurements",
            "Measurements that have ended.",
            stats.measured,
        ),
        (
            "alpacalert_transitions",
            "Changes of state.",
            stats.transitions,
        ),
        (
            "alpacalert_evaluations",
            "How often a system was judged.",
            stats.evaluations,
        ),
        (
            "alpacalert_stale",
            "How often a sensor had no result within its time to live.",
            stats.stale,
        ),
        (
            "alpacalert_config_reloads",
            "How often another configuration came into force.",
            config.reloads,
        ),
    ] {
        let _ = writeln!(
            text,
            "# TYPE {name} counter\n# HELP {name} {help}\n{name}_total {value}"
        );
    }
    text.push_str(&tasks(&api.live.tasks().statuses()));
    text.push_str("# EOF\n");
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

fn services(services: &[ServiceSummary]) -> String {
    let mut text = String::from(
        "# TYPE alpacalert_service_state stateset\n# HELP alpacalert_service_state The state of each service.\n",
    );
    for summary in services {
        let (service, owner) = (
            label(&summary.service),
            label(summary.owner.as_deref().unwrap_or_default()),
        );
        for state in STATES {
            let value = u8::from(state == summary.state);
            let state = state.as_str();
            let _ = writeln!(
                text,
                "alpacalert_service_state{{service=\"{service}\",owner=\"{owner}\",alpacalert_service_state=\"{state}\"}} {value}"
            );
        }
    }
    text
}

fn tasks(tasks: &[TaskStatus]) -> String {
    let mut text = String::from(
        "# TYPE alpacalert_task_running gauge\n# HELP alpacalert_task_running 1 while a task of the program works.\n",
    );
    for task in tasks {
        let running = u8::from(task.state == TaskState::Running);
        let _ = writeln!(
            text,
            "alpacalert_task_running{{task=\"{}\"}} {running}",
            label(&task.name)
        );
    }
    text.push_str(
        "# TYPE alpacalert_task_deaths counter\n# HELP alpacalert_task_deaths How often a task of the program died.\n",
    );
    for task in tasks {
        let _ = writeln!(
            text,
            "alpacalert_task_deaths_total{{task=\"{}\"}} {}",
            label(&task.name),
            task.deaths
        );
    }
    text
}

/// The value of a label, escaped.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
