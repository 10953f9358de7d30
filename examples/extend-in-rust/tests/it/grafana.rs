//! The three ways against an answer in Grafana's form.
//!
//! `grafana-rules.json` was written by hand after the documentation of the endpoint, with the fields that it shares with
//! Prometheus (which is tested for real) and those that only Grafana has.

use alpacalert::{Checked, Monitor, Settings};
use alpacalert_instrument::{
    Kind, NodeId, Registry, Scanners, ScheduleOverrides, Snapshots, Source, testing,
};
use alpacalert_model::State;
use extend_in_rust::api::{Alerts, Api};
use extend_in_rust::{company, generic, plan, shared, show, wrapped};

use crate::server::Says;

const RULES: &str = include_str!("grafana-rules.json");

/// What an answer becomes in one of the first two ways, as text.
async fn fetched(url: &str, scanners: fn(&Alerts) -> Scanners) -> String {
    let api = Api::new(url.parse().expect("a URL"), None);
    let source = generic::Fetching { api, scanners };
    let snapshot = source.fetch(&testing::context()).await.expect("it answers");
    let assembly = testing::assemble_with(&Registry::new(), &Snapshots::new(), |builder| {
        source
            .assemble(&snapshot, builder)
            .expect("it is understood");
    });
    let graph = testing::judge(&assembly).await;
    let mut roots: Vec<NodeId> = graph.roots().map(|node| node.id().clone()).collect();
    roots.sort();
    show::tree(&graph, &roots)
}

/// What an answer becomes in the third way.
async fn checked(url: &str, dashboards: &[&str], register: impl FnOnce(&mut Registry)) -> Checked {
    let mut registry = Registry::new();
    shared::register(&mut registry);
    register(&mut registry);
    let mut plan = plan::my_web_app(url, dashboards);
    plan.defaults = ScheduleOverrides::default();
    Monitor::build(&plan, registry, Settings::default())
        .expect("the plan is right")
        .check(|_| {})
        .await
}

fn tree(checked: &Checked) -> String {
    show::tree(&checked.graph, &checked.roots)
}

#[tokio::test]
async fn the_first_way_makes_generic_services() {
    let server = Says::start("200 OK", RULES).await;
    assert_eq!(
        fetched(&server.url, generic::services).await,
        "\
unknown backups
  unknown alerts
    unknown Backup age: failed to execute query A
failing my-web-app
  failing alerts
    failing High latency: half of all requests take longer than 2 s
    degraded High load
    passing High load
passing my-web-app-db
  passing alerts
    passing Replication lag
unknown without a dashboard
  unknown alerts
    unknown Certificate
"
    );
}

#[tokio::test]
async fn the_second_way_makes_dashboards_and_alerts() {
    let server = Says::start("200 OK", RULES).await;
    let text = fetched(&server.url, wrapped::dashboards).await;
    assert_eq!(
        text,
        "\
unknown backups
  unknown Backup age: failed to execute query A
failing my-web-app
  failing High latency: half of all requests take longer than 2 s
  degraded High load
  passing High load
passing my-web-app-db
  passing Replication lag
unknown without a dashboard
  unknown Certificate
"
    );
}

#[tokio::test]
async fn the_third_way_makes_what_is_asked_for_of_one_request() {
    let server = Says::start("200 OK", RULES).await;
    let checked = checked(&server.url, &["my-web-app", "my-web-app-db"], |_| {}).await;
    assert_eq!(
        tree(&checked),
        "\
failing my-web-app
  failing my-web-app
    failing High latency: half of all requests take longer than 2 s
    degraded High load
    passing High load
  passing my-web-app-db
    passing Replication lag
"
    );
    assert_eq!(server.asked().len(), 1);
    // The other dashboards are there too, for whoever looks for them.
    let backups = NodeId::new("grafana", shared::dashboard(), "backups");
    assert!(checked.graph.key(&backups).is_some());
}

#[tokio::test]
async fn what_a_user_adds_to_dashboards_is_on_every_dashboard() {
    let server = Says::start("200 OK", RULES).await;
    let runbooks = alpacalert_testkit::temp_dir();
    std::fs::write(runbooks.path().join("my-web-app.md"), "turn it off and on").expect("write");
    let folder = runbooks.path().to_owned();
    let register = |registry: &mut Registry| company::register(registry, folder);
    let checked = checked(&server.url, &["my-web-app-db"], register).await;
    let missing = runbooks.path().join("my-web-app-db.md");
    assert_eq!(
        tree(&checked),
        format!(
            "\
degraded my-web-app
  degraded my-web-app-db
    passing Replication lag
    failing runbook: there is no runbook {}
",
            missing.display()
        )
    );
    let states: Vec<State> = ["my-web-app", "my-web-app-db", "backups"]
        .map(|name| NodeId::new("grafana", Kind::of("grafana.com/Dashboard#runbook"), name))
        .iter()
        .filter_map(|id| checked.graph.get(checked.graph.key(id)?))
        .map(|node| node.state())
        .collect();
    assert_eq!(states, [State::Passing, State::Failing, State::Failing]);
}

#[tokio::test]
async fn a_dashboard_without_alerts_is_unknown() {
    let server = Says::start("200 OK", RULES).await;
    let checked = checked(&server.url, &["my-web-ap"], |_| {}).await;
    assert_eq!(
        tree(&checked),
        "\
unknown my-web-app
  unknown my-web-ap
    unknown instrumentor: there are no alerts on a dashboard `my-web-ap`
"
    );
}

#[tokio::test]
async fn a_server_that_cannot_answer_makes_dashboards_unknown() {
    for (status, body, why) in [
        ("401 Unauthorized", "{}".to_owned(), "the server said 401"),
        ("200 OK", "<html>".to_owned(), "expected value at line 1"),
        ("200 OK", " ".repeat(2_000_000), "length limit exceeded"),
    ] {
        let server = Says::start(status, body).await;
        let checked = checked(&server.url, &["my-web-app"], |_| {}).await;
        let root = checked.graph.key(&checked.roots[0]).expect("it is there");
        let root = checked.graph.get(root).expect("it is there");
        assert_eq!(root.state(), State::Unknown, "{status}");
        let said = checked.graph.nodes().any(|node| {
            let status = node.status();
            status
                .messages
                .iter()
                .any(|message| message.text.contains(why))
        });
        assert!(said, "nobody said {why}");
    }
}

#[tokio::test]
async fn a_token_is_sent_and_not_shown() {
    let server = Says::start("403 Forbidden", "").await;
    let url = server.url.parse().expect("a URL");
    let api = Api::new(url, Some("glsa_secret".to_owned()));
    let error = api
        .alerts(&testing::context())
        .await
        .expect_err("forbidden");
    assert!(server.asked()[0].contains("authorization: Bearer glsa_secret\r\n"));
    assert!(!error.chain().contains("glsa_secret"), "{}", error.chain());
}

#[tokio::test]
async fn the_output_that_the_how_to_shows_is_what_comes_out() {
    let shown = crate::how_to::text();
    let (_, shown) = shown.split_once("```text\n").expect("it shows the output");
    let (shown, _) = shown.split_once("```").expect("the block ends");
    let server = Says::start("200 OK", RULES).await;
    let runbooks = alpacalert_testkit::temp_dir();
    for name in ["my-web-app.md", "my-web-app-db.md"] {
        std::fs::write(runbooks.path().join(name), "turn it off and on").expect("write");
    }
    let folder = runbooks.path().to_owned();
    let register = |registry: &mut Registry| company::register(registry, folder);
    let checked = checked(&server.url, &["my-web-app", "my-web-app-db"], register).await;
    assert_eq!(tree(&checked), shown);
}
