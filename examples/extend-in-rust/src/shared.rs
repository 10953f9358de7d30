//! The third way: kinds in the registry, which look things up in one snapshot.

use std::sync::Arc;

use alpacalert_instrument::{
    BoxFuture, Builder, Context, Field, InstrumentError, Observation, Params, Reason, Registry,
    Request, Scope, SensorError, Shape, Snapshot, Source, SourceProvider, SourceSpec, Target,
};
use alpacalert_model::{Effect, ServiceInfo};

pub use crate::wrapped::{alert, dashboard};

use crate::api::{Alerts, Api};

/// Adds the kinds of Grafana, and the source that knows them.
pub fn register(registry: &mut Registry) {
    registry.register_source(Provider);
    registry.register(dashboard(), instrument_dashboard);
    registry.register(alert(), instrument_alert);
}

/// A dashboard requires its alerts, which it finds in the snapshot.
fn instrument_dashboard(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let Some(alerts) = scope.snapshot::<Alerts>() else {
        scope.observed(not_fetched(scope));
        return Ok(());
    };
    let (source, name) = (target.id.source(), target.id.reference());
    if alerts.of(name).next().is_none() {
        let problem = format!("there are no alerts on a dashboard `{name}`");
        return Err(InstrumentError::new(problem));
    }
    scope.service(ServiceInfo::default());
    for (reference, _) in alerts.of(name) {
        let request = Request::from_source(source.clone(), alert(), reference);
        scope.require(request, Effect::Required);
    }
    Ok(())
}

/// An alert is as the snapshot says.
fn instrument_alert(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let Some(alerts) = scope.snapshot::<Alerts>() else {
        scope.observed(not_fetched(scope));
        return Ok(());
    };
    let reference = target.id.reference();
    let alert = alerts
        .get(reference)
        .ok_or_else(|| InstrumentError::new(format!("there is no alert `{reference}`")))?;
    scope.title(alert.name.as_str());
    scope.observed(alert.observation.clone());
    Ok(())
}

fn not_fetched(scope: &Scope<'_, '_>) -> Observation {
    let text = "the alerts have not been fetched yet";
    Observation::unknown(Reason::NOT_MEASURED, text, scope.now())
}

/// One Grafana. One request answers for all its alerts.
struct Grafana {
    name: Arc<str>,
    api: Api,
}

impl Source for Grafana {
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async { Ok(Snapshot::new(self.api.alerts(cx).await?)) })
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        let alerts: &Alerts = snapshot
            .get()
            .ok_or_else(|| InstrumentError::new("the snapshot holds no alerts"))?;
        for name in alerts.dashboards() {
            let request = Request::from_source(self.name.clone(), dashboard(), name);
            builder.instrument(request)?;
        }
        Ok(())
    }
}

/// Makes a Grafana of what a configuration says about it.
struct Provider;

impl SourceProvider for Provider {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "grafana",
            summary: "the alerts of a Grafana or a Prometheus",
            doc: "Asks once per interval for all alerts, and shows each dashboard as a service.",
            fields: vec![
                Field::required(
                    "url",
                    Shape::Url(vec!["http"]),
                    "Where alerts are asked for.",
                ),
                Field::optional("token", Shape::Text, "A service account's token."),
            ],
            constraints: vec![],
            example: "url: http://grafana:3000/api/prometheus/grafana/api/v1/rules",
        }
    }

    fn source(&self, name: &Arc<str>, params: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        let url = params.required_text("url")?;
        let url = url
            .parse()
            .map_err(|error| InstrumentError::new(format!("`url` is not a URL: {error}")))?;
        let token = params.text("token").map(str::to_owned);
        Ok(Arc::new(Grafana {
            name: name.clone(),
            api: Api::new(url, token),
        }))
    }
}
