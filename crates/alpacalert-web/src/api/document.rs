//! The OpenAPI document, made of the same table as the router.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::routes::{self, Route, Takes};
use crate::Policy;

pub(super) async fn serve() -> Response {
    let body = api_document().to_string();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The OpenAPI document, version 3.1.
pub fn api_document() -> Value {
    let mut paths = Map::new();
    for route in routes::all() {
        let path = route.path.replace("{*", "{");
        let operations = route.methods.iter();
        let operations: Map<String, Value> = operations
            .map(|method| ((*method).to_owned(), operation(&route, method)))
            .collect();
        paths.insert(path, Value::Object(operations));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Alpacalert",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What an instance knows: services, nodes, why they are as they are, and changes as they happen. Within v1 keys are added and never changed.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "password": { "type": "http", "scheme": "basic" },
            },
        },
    })
}

fn operation(route: &Route, method: &str) -> Value {
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({
                "name": name.trim_start_matches('*'),
                "in": "path",
                "required": true,
                "schema": { "type": "string", "minLength": 1 },
            })
        })
        .collect();
    parameters.extend(route.query.iter().map(|query| {
        json!({
            "name": query.name,
            "in": "query",
            "required": query.required,
            "description": query.about,
            "schema": taken(query.takes),
        })
    }));
    let (media, schema) = route.answer;
    let schema = match schema {
        Some(name) => json!({ "$ref": format!("#/components/schemas/{name}") }),
        None if media == "application/json" => json!({ "type": "object" }),
        None => json!({ "type": "string" }),
    };
    let security = match route.policy {
        Policy::Open => json!([]),
        Policy::Everybody => json!([{}, { "token": [] }, { "password": [] }]),
        Policy::Known | Policy::Operator => json!([{ "token": [] }, { "password": [] }]),
        // That of what is reported, or one of `access`.
        Policy::Push => json!([{ "token": [] }]),
    };
    let mut responses = Map::new();
    let (code, good) = match media {
        "" => ("204", json!({ "description": "taken" })),
        _ => (
            "200",
            json!({ "description": "as asked", "content": { media: { "schema": schema } } }),
        ),
    };
    responses.insert(code.to_owned(), good);
    let refusals: &[u16] = match route.policy {
        Policy::Open => &[],
        Policy::Everybody => &[401],
        Policy::Known | Policy::Operator | Policy::Push => &[401, 403],
    };
    for status in refusals.iter().chain(route.statuses) {
        responses.insert(status.to_string(), other(*status, media));
    }
    let name = route
        .path
        .trim_matches('/')
        .replace(['/', '{', '}', '*', '.'], "_");
    let mut operation = json!({
        "summary": route.summary,
        "operationId": format!("{method}_{name}"),
        "parameters": parameters,
        "security": security,
        "responses": responses,
    });
    if method == "post" && !route.body.is_empty() {
        operation["requestBody"] = json!({ "content": body(route) });
    }
    operation
}

/// The schema of a parameter.
fn taken(takes: Takes) -> Value {
    const ONE: &str = "(passing|degraded|unknown|failing)";
    match takes {
        Takes::Text => json!({ "type": "string" }),
        Takes::Moment => json!({ "type": "string", "format": "date-time" }),
        Takes::Flag => json!({ "type": "boolean" }),
        Takes::Whole(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Takes::State => json!({ "type": "string", "enum": STATES }),
        Takes::States => json!({ "type": "string", "pattern": format!("^{ONE}(,{ONE})*$") }),
    }
}

fn body(route: &Route) -> Value {
    let content = route.body.iter().map(|(media, schema)| {
        let schema = match schema {
            Some(name) => json!({ "$ref": format!("#/components/schemas/{name}") }),
            None => json!({ "type": "string" }),
        };
        ((*media).to_owned(), json!({ "schema": schema }))
    });
    Value::Object(content.collect())
}

fn other(status: u16, media: &str) -> Value {
    let about = match status {
        304 => return json!({ "description": "as it was: the asker has it" }),
        401 => "who asks is not known, or their credentials are worth nothing",
        403 => "who asks may not see this",
        400 => "the question cannot be understood",
        408 => "the body did not come in time",
        413 => "the body is too large",
        404 => "there is no such thing",
        _ => "the instance is starting, ending, or stuck",
    };
    match media {
        // Whoever asks whether it works gets a line of text.
        "text/plain" => json!({
            "description": about,
            "content": { media: { "schema": { "type": "string" } } },
        }),
        _ => json!({
            "description": about,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
        }),
    }
}

const STATES: [&str; 4] = ["passing", "degraded", "unknown", "failing"];

/// The contract of federation, as it stands in the documentation.
const SUMMARY: &str = include_str!("../../../../docs/reference/service-summary.schema.json");

fn schemas() -> Value {
    let state = || json!({ "enum": STATES });
    let text = || json!({ "type": "string" });
    let maybe = || json!({ "type": ["string", "null"] });
    let number = || json!({ "type": "integer" });
    let seconds = || json!({ "type": "number", "minimum": 0 });
    let share = || json!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 });
    let summary: Value = serde_json::from_str(SUMMARY).unwrap_or_default();
    let head = |more: Value| {
        let mut properties = json!({ "version": { "const": 1 }, "instance": { "type": "string" } });
        if let (Some(all), Value::Object(more)) = (properties.as_object_mut(), more) {
            all.extend(more);
        }
        let required: Vec<String> = properties
            .as_object()
            .map(|all| all.keys().cloned().collect())
            .unwrap_or_default();
        json!({ "type": "object", "properties": properties, "required": required })
    };
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{of}") } });
    json!({
        "PushedState": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "state": state(), "message": maybe(),
                "reason": { "type": ["string", "null"], "pattern": "^[a-z0-9-]{1,64}$" },
                "ttl": { "type": ["integer", "null"], "minimum": 1, "maximum": super::inbox::TTL_MAX },
                "measurements": { "type": "array", "items": { "$ref": "#/components/schemas/PushedMeasurement" } },
            },
            "required": ["state"],
        },
        "PushedMeasurement": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "name": text(), "value": { "type": "number" },
                "unit": { "enum": ["", "count", "s", "B", "%", "/s", "B/s", "°C", null] },
                "degraded": { "$ref": "#/components/schemas/PushedLimit" },
                "failing": { "$ref": "#/components/schemas/PushedLimit" },
            },
            "required": ["name", "value"],
        },
        "PushedLimit": {
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": { "above": { "type": "number" }, "below": { "type": "number" } },
            "minProperties": 1,
            "maxProperties": 1,
        },
        "Error": { "type": "object", "properties": { "error": text() }, "required": ["error"] },
        "ServiceSummary": summary,
        "ServiceList": head(json!({ "generated_at": text(), "services": list("ServiceSummary") })),
        "NodeBrief": {
            "type": "object",
            "properties": {
                "id": text(), "title": text(), "kind": text(), "source": text(), "owner": maybe(),
                "service": { "type": "boolean" }, "state": state(), "reason": text(), "message": text(), "since": maybe(),
            },
            "required": ["id", "title", "kind", "source", "service", "state", "reason", "message"],
        },
        "NodeList": head(json!({
            "generated_at": text(), "total": number(), "next": maybe(), "nodes": list("NodeBrief"),
        })),
        "NodeRecord": {
            "type": "object",
            "properties": {
                "id": text(), "source": text(), "kind": text(), "reference": text(), "title": text(),
                "role": { "enum": ["sensor", "system", "missing"] }, "rule": maybe(),
                "service": { "type": ["object", "null"] }, "owner": maybe(), "state": state(), "confirmed": state(),
                "reason": text(), "since": maybe(), "observed_at": maybe(),
                "marks": { "type": "array" }, "maintenance": { "type": ["object", "null"], "properties": { "until": text(), "reason": text() } },
                "messages": { "type": "array" }, "measurements": { "type": "array" },
                "members": { "type": "array" }, "causes": { "type": ["array", "null"] },
            },
            "required": ["id", "title", "state", "messages", "measurements", "members"],
        },
        "Node": head(json!({
            "generated_at": text(),
            "node": { "$ref": "#/components/schemas/NodeRecord" },
            "parents": { "type": "array", "items": text() },
        })),
        "Explanation": {
            "type": "object",
            "properties": {
                "version": { "const": 1 },
                "node": { "$ref": "#/components/schemas/NodeRecord" },
                "headline": text(),
                "blame": { "enum": ["ours", "not ours", "partly ours", null] },
                "causes": { "type": "array", "items": { "type": "array", "items": text() } },
                "causes_cut": { "type": "boolean" },
                "repair_sets": { "type": "array", "items": { "type": "array", "items": text() } },
                "repair_sets_cut": { "type": "boolean" },
                "margin": { "type": ["array", "null"] },
            },
            "required": ["version", "node", "headline", "causes", "repair_sets"],
        },
        "ImpactList": head(json!({ "node": text(), "services": { "type": "array", "items": { "type": "object" } } })),
        "TransitionList": head(json!({ "transitions": { "type": "array", "items": { "type": "object" } } })),
        "UptimeReport": head(json!({
            "node": text(), "from": text(), "to": text(),
            "whole": { "$ref": "#/components/schemas/UptimePart" }, "parts": list("UptimePart"),
        })),
        "UptimePart": {
            "type": "object",
            "properties": {
                "from": text(), "passing": seconds(), "degraded": seconds(), "unknown": seconds(), "failing": seconds(),
                "unobserved": seconds(), "absent": seconds(), "lower": share(), "upper": share(),
                "unsure": { "type": "array", "items": { "type": "object" } },
            },
            "required": ["from", "passing", "degraded", "unknown", "failing", "unobserved", "absent", "unsure"],
        },
        "MeasurementHistory": head(json!({
            "node": text(), "from": text(), "to": text(), "series": { "type": "array", "items": { "type": "object" } },
        })),
        "IncidentList": head(json!({ "incidents": { "type": "array", "items": { "type": "object" } } })),
        "InstanceReport": head(json!({
            "program": text(), "started_at": text(), "nodes": number(), "sensors": number(),
            "services": { "type": "object" }, "lateness_p99": { "type": "number" }, "waiting": number(),
            "config": { "type": "object" }, "sources": { "type": "array", "items": { "type": "object" } },
            "tasks": { "type": "array", "items": { "type": "object" } },
        })),
    })
}
