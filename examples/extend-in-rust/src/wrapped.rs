//! The second way: scanners of our own, that know what they stand for.

use alpacalert_instrument::{Builder, Kind, NodeId, Scanner, Scanners};
use alpacalert_model::{Effect, Node, Rule, ServiceInfo};

use crate::api::{Alert, Alerts};

/// The kind of a dashboard.
pub fn dashboard() -> Kind {
    Kind::of("grafana.com/Dashboard")
}

/// The kind of an alert.
pub fn alert() -> Kind {
    Kind::of("grafana.com/Alert")
}

/// An alert.
pub struct SensorGrafanaAlert {
    /// What tells it from the others: its folder, group and name.
    pub reference: String,
    /// The alert itself.
    pub alert: Alert,
}

impl Scanner for SensorGrafanaAlert {
    fn place(self: Box<Self>, _: &str, builder: &mut Builder<'_>) -> NodeId {
        let id = NodeId::new("grafana", alert(), self.reference);
        let node = Node::sensor(id.clone(), self.alert.name);
        builder.observed(node, self.alert.observation);
        id
    }
}

/// A dashboard: a service that passes if all its alerts do.
pub struct SystemGrafanaDashboard {
    /// Its name.
    pub name: String,
    /// Its alerts.
    pub alerts: Vec<SensorGrafanaAlert>,
}

impl Scanner for SystemGrafanaDashboard {
    fn place(self: Box<Self>, path: &str, builder: &mut Builder<'_>) -> NodeId {
        let id = NodeId::new("grafana", dashboard(), self.name.as_str());
        let mut node = Node::system(id.clone(), self.name, Rule::All);
        node.service = Some(ServiceInfo::default());
        for alert in self.alerts {
            let alert = Box::new(alert).place(path, builder);
            node = node.member(alert, Effect::Required);
        }
        builder.node(node);
        id
    }
}

/// Each alert and each dashboard as what it is.
pub fn dashboards(alerts: &Alerts) -> Scanners {
    let system = |name: &str| SystemGrafanaDashboard {
        name: name.to_owned(),
        alerts: alerts
            .of(name)
            .map(|(reference, alert)| SensorGrafanaAlert {
                reference: reference.to_owned(),
                alert: alert.clone(),
            })
            .collect(),
    };
    alerts
        .dashboards()
        .into_iter()
        .map(|name| Box::new(system(name)) as Box<dyn Scanner>)
        .collect()
}
