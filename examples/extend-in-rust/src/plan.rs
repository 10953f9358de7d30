//! What to monitor, written in Rust.

use alpacalert::config::{GroupPlan, MemberPlan, MemberTarget, Plan, SourcePlan};
use alpacalert_instrument::{Kind, NodeId, Params, Request, ScheduleOverrides};
use alpacalert_model::{Edge, Rule};

use crate::shared::dashboard;

/// A Grafana at a URL, and a service `my-web-app` that requires some of its dashboards.
pub fn my_web_app(url: &str, dashboards: &[&str]) -> Plan {
    let mut plan = Plan::new("example");
    plan.sources.push(SourcePlan {
        name: "grafana".into(),
        provider: "grafana".into(),
        params: Params::new().with_text("url", url),
        schedule: ScheduleOverrides::default(),
        owner: None,
    });
    let member = |name: &&str| MemberPlan {
        edge: Edge::default(),
        target: MemberTarget::Request(Box::new(Request::from_source(
            "grafana",
            dashboard(),
            *name,
        ))),
    };
    plan.groups.push(GroupPlan {
        id: NodeId::new("local", Kind::of("alpacalert.io/Service"), "my-web-app"),
        title: None,
        owner: Some("web team".into()),
        service: Some(true),
        rule: Rule::All,
        degraded_below: None,
        maintenance: Vec::new(),
        members: dashboards.iter().map(member).collect(),
    });
    plan
}
