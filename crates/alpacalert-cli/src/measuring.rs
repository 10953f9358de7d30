//! Measuring everything once.

use std::sync::Arc;
use std::time::Duration;

use alpacalert::{Checked, Monitor, Settings};
use alpacalert_config::Plan;
use alpacalert_instrument::{Redactor, Registry};
use alpacalert_model::{NodeKey, Timestamp};
use alpacalert_visualise::{View, one_line};
use clap::Args;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use crate::exit::Failure;
use crate::progress::ProgressLine;
use crate::signals;
use crate::terminal::Terminal;

/// How long a measurement may take.
#[derive(Args, Debug)]
pub(crate) struct Patience {
    /// Stop after this long with what there is, such as 30s; what was not measured is unknown
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

/// A length of time such as `30s` or `1m 30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let length: SignedDuration = text
        .parse()
        .map_err(|_| "write it as a number with a unit, such as 300ms, 30s or 2m".to_owned())?;
    Duration::try_from(length)
        .ok()
        .filter(|length| !length.is_zero())
        .ok_or_else(|| "it must be longer than nothing".to_owned())
}

/// Everything measured once, and when that began.
pub(crate) struct Measurement {
    pub(crate) checked: Checked,
    instance: String,
    began: Timestamp,
}

/// Measures everything that a plan asks for, once; stops with what there is at Ctrl-C or when the time is up.
pub(crate) fn measure(
    plan: &Plan,
    registry: Registry,
    redactor: Redactor,
    patience: &Patience,
    terminal: &Terminal,
) -> Result<Measurement, Failure> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        let settings = Settings {
            cancel: cancel.clone(),
            redactor: Arc::new(redactor),
            ..Settings::default()
        };
        let monitor = build(plan, registry, settings)?;
        let line = Arc::new(ProgressLine::new());
        let stopped = Arc::clone(&line);
        signals::cancel_first_end_second(cancel.clone(), move || stopped.clear());
        if let Some(timeout) = patience.timeout {
            tokio::spawn(async move {
                tokio::time::sleep(timeout).await;
                cancel.cancel();
            });
        }
        let began = Timestamp::now();
        let checked = monitor.check(|progress| line.show(&progress)).await;
        line.clear();
        if checked.cancelled {
            terminal.note(&stopped_early(&checked));
        }
        Ok(Measurement {
            checked,
            instance: plan.instance.to_string(),
            began,
        })
    })
}

/// What a plan asks for, without asking any source or measuring anything.
pub(crate) fn structure(plan: &Plan, registry: Registry) -> Result<Measurement, Failure> {
    let settings = Settings::default();
    // A check that is over before it begins still builds the graph.
    settings.cancel.cancel();
    let monitor = build(plan, registry, settings)?;
    let began = Timestamp::now();
    Ok(Measurement {
        checked: runtime()?.block_on(monitor.check(|_| {})),
        instance: plan.instance.to_string(),
        began,
    })
}

fn stopped_early(checked: &Checked) -> String {
    format!(
        "stopped early: {} of {} sensors were measured; the others are unknown",
        checked.measured, checked.total
    )
}

/// Makes what a plan asks for; what is wrong with it is the configuration's fault.
pub(crate) fn build(
    plan: &Plan,
    registry: Registry,
    settings: Settings,
) -> Result<Monitor, Failure> {
    Monitor::build(plan, registry, settings).map_err(|errors| {
        let problems: Vec<String> = errors
            .0
            .iter()
            .map(|error| one_line(&error.to_string()))
            .collect();
        Failure::configuration(problems.join("\n       "))
    })
}

/// The runtime that everything asynchronous runs on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    Ok(anyhow::Context::context(
        runtime,
        "failed to start the runtime",
    )?)
}

impl Measurement {
    /// What is shown: everything, from the roots.
    pub(crate) fn view(&self) -> View<'_> {
        let graph = &self.checked.graph;
        let roots = self
            .checked
            .roots
            .iter()
            .filter_map(|id| graph.key(id))
            .collect();
        self.view_of(roots)
    }

    /// What is shown, from these nodes.
    pub(crate) fn view_of(&self, roots: Vec<NodeKey>) -> View<'_> {
        View {
            graph: &self.checked.graph,
            roots,
            instance: self.instance.clone(),
            now: self.checked.finished_at,
            zone: TimeZone::system(),
            began: Some(self.began),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        for wrong in ["", "30", "-1s", "0s", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
