//! The first way: generic scanners, made from what was fetched.

use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Builder, Context, InstrumentError, Scanner, Scanners, SensorConstant, SensorError,
    ServiceBasic, Snapshot, Source, SystemAll,
};

use crate::api::{Alerts, Api};

/// Each alert a constant, each dashboard a system of its alerts and a service on top.
pub fn services(alerts: &Alerts) -> Scanners {
    let service = |dashboard| {
        let constant = |(_, alert): (_, &crate::api::Alert)| {
            let sensor = SensorConstant::new(alert.name.as_str(), alert.observation.clone());
            Box::new(sensor) as Box<dyn Scanner>
        };
        let system = SystemAll {
            name: "alerts".into(),
            scanners: alerts.of(dashboard).map(constant).collect(),
        };
        let service = ServiceBasic {
            name: dashboard.into(),
            system: Box::new(system),
        };
        Box::new(service) as Box<dyn Scanner>
    };
    alerts.dashboards().into_iter().map(service).collect()
}

/// Fetches the alerts, and makes scanners of them with a function.
pub struct Fetching {
    /// Where to fetch.
    pub api: Api,
    /// What to make of it.
    pub scanners: fn(&Alerts) -> Scanners,
}

impl Source for Fetching {
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
        for scanner in (self.scanners)(alerts) {
            scanner.place("grafana", builder);
        }
        Ok(())
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(30)
    }
}
