//! What other programs publish, in the form in which they document it, with one thing that is well and one that is ill.

use alpacalert::model::Timestamp;
use serde_json::{Value, json};

use crate::site::Site;

fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - jiff::SignedDuration::from_secs(seconds)
}

/// The summary of a page of Atlassian's Statuspage.
pub(crate) fn statuspage() -> Site {
    Site::start(|path| {
        let component = |id: &str, name: &str, status: &str| {
            json!({
                "id": id, "name": name, "status": status, "created_at": "2014-05-03T01:22:07.274Z", "updated_at": "2026-11-22T10:03:00.000Z",
                "position": 1, "description": null, "showcase": false, "start_date": null, "group_id": null, "page_id": "kctbh9vrtdwd",
                "group": false, "only_show_if_degraded": false,
            })
        };
        let said = json!({
            "page": {
                "id": "kctbh9vrtdwd", "name": "Hosting", "url": "https://status.example.com", "time_zone": "Etc/UTC",
                "updated_at": "2021-03-01T10:00:00.000Z",
            },
            "components": [ component("8l4ygp009s5s", "well", "operational"), component("b13yz5g2cw10", "ill", "major_outage") ],
            "incidents": [{
                "id": "p31zjtct2jer", "name": "Pushes are slow", "status": "identified", "created_at": "2026-11-22T10:02:00.000Z",
                "updated_at": "2026-11-22T10:20:00.000Z", "monitoring_at": null, "resolved_at": null, "impact": "major",
                "shortlink": "http://stspg.io/p31zjtct2jer", "started_at": "2026-11-22T10:01:00.000Z", "page_id": "kctbh9vrtdwd",
                "incident_updates": [{
                    "id": "2", "status": "identified", "body": "A disk is full.", "incident_id": "p31zjtct2jer",
                    "created_at": "2026-11-22T10:20:00.000Z", "display_at": "2026-11-22T10:20:00.000Z",
                    "affected_components": [ { "code": "b13yz5g2cw10", "name": "ill", "old_status": "operational", "new_status": "major_outage" } ],
                }],
                "components": [],
            }],
            "scheduled_maintenances": [],
            "status": { "indicator": "major", "description": "Partial System Outage" },
        });
        (path == "/api/v2/summary.json").then(|| said.to_string())
    })
}

/// The statuses of endpoints of Gatus.
pub(crate) fn gatus() -> Site {
    Site::start(|path| {
        let result = |success: bool, seconds: i64| {
            let status = if success { 200 } else { 500 };
            json!({
                "status": status, "hostname": "example.org", "duration": 10_000_000, "success": success, "timestamp": ago(seconds),
                "conditionResults": [
                    { "condition": if success { "[STATUS] == 200" } else { "[STATUS] (500) == 200" }, "success": success },
                    { "condition": "[RESPONSE_TIME] < 500", "success": true },
                ],
            })
        };
        let endpoint = |name: &str, success: bool| json!({ "name": name, "group": "core", "key": format!("core_{name}"), "results": [ result(true, 2), result(success, 0) ] });
        let said = json!([endpoint("well", true), endpoint("ill", false)]);
        path.starts_with("/api/v1/endpoints/statuses")
            .then(|| said.to_string())
    })
}

/// A status page of Uptime Kuma, with its heartbeats.
pub(crate) fn uptime_kuma() -> Site {
    Site::start(|path| {
        let monitor =
            |id: u64, name: &str| json!({ "id": id, "name": name, "sendUrl": 0, "type": "http" });
        let beat = |status: u64, seconds: i64| {
            let time = ago(seconds).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
            json!({ "status": status, "time": time, "msg": "", "ping": 12 })
        };
        let said: Option<Value> = match path {
            "/api/status-page/prod" => Some(json!({
                "config": {
                    "slug": "prod", "title": "Production", "description": null, "icon": "/icon.svg", "theme": "auto", "published": true,
                    "showTags": false, "customCSS": "", "footerText": null, "showPoweredBy": true,
                },
                "incident": null, "maintenanceList": [],
                "publicGroupList": [ { "id": 1, "name": "Web", "weight": 1, "monitorList": [ monitor(1, "well"), monitor(2, "ill") ] } ],
            })),
            "/api/status-page/heartbeat/prod" => Some(json!({
                "heartbeatList": { "1": [ beat(1, 2), beat(1, 0) ], "2": [ beat(1, 2), beat(0, 0) ] },
                "uptimeList": { "1_24": 1, "2_24": 0.5 },
            })),
            _ => None,
        };
        said.map(|said| said.to_string())
    })
}

/// The services of another instance, without a stream of their changes.
pub(crate) fn instance() -> Site {
    Site::start(|path| {
        let at = Timestamp::now();
        let service = |name: &str, state: &str| {
            json!({
                "version": 1, "instance": "infra", "service": name, "title": name, "state": state, "since": at, "owner": "them", "public": true,
                "sentence": "it is so", "causes": [], "generated_at": at, "ttl": 2, "via": [],
            })
        };
        let services = [service("well", "passing"), service("ill", "failing")];
        let said =
            json!({ "version": 1, "instance": "infra", "generated_at": at, "services": services });
        (path == "/api/v1/services").then(|| said.to_string())
    })
}
