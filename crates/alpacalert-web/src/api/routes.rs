//! Every route, in one place.

use axum::routing::{MethodRouter, get, post};

use crate::Policy;

use super::{
    Api, badge, document, events, feed, history, inbox, lists, metrics, nodes, probes, reports,
    services, stream,
};

/// A route as the router and the OpenAPI document need it.
pub(super) struct Route {
    /// As the router writes it: `{name}` is one segment, `{*id}` the rest.
    pub(super) path: &'static str,
    /// Who may use it.
    pub(super) policy: Policy,
    pub(super) handler: MethodRouter<Api>,
    /// `get`, `post`: what the handler takes.
    pub(super) methods: &'static [&'static str],
    /// The media types of a body, each with the name of its schema if it is JSON.
    pub(super) body: &'static [(&'static str, Option<&'static str>)],
    pub(super) summary: &'static str,
    pub(super) query: &'static [Query],
    /// The media type of a good answer, and the name of its schema if it is JSON. Without a media type there is no content.
    pub(super) answer: (&'static str, Option<&'static str>),
    /// Beside 200.
    pub(super) statuses: &'static [u16],
}

/// A parameter in the query.
#[derive(Clone, Copy)]
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) required: bool,
    pub(super) takes: Takes,
}

/// What a parameter takes, as far as the document can say it.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Text,
    /// RFC 3339.
    Moment,
    Flag,
    /// From the first to the last.
    Whole(i64, i64),
    State,
    /// With commas between.
    States,
}

const fn takes(takes: Takes, name: &'static str, about: &'static str) -> Query {
    Query {
        name,
        about,
        required: false,
        takes,
    }
}

const fn text(name: &'static str, about: &'static str) -> Query {
    takes(Takes::Text, name, about)
}

const LIMIT: Query = takes(Takes::Whole(1, 1_000), "limit", "how many, from 1 to 1000");

const SERVICES: Query = takes(Takes::Flag, "services", "`true`: only changes of services");

const JSON: &str = "application/json";

const NODE: &[Query] = &[Query {
    name: "node",
    about: "the identity of the node, or the name of a service",
    required: true,
    takes: Takes::Text,
}];

const AT: Query = takes(Takes::Moment, "at", "as it was at this moment: RFC 3339");

const MOMENT: &[Query] = &[AT];

const FROM: Query = takes(
    Takes::Moment,
    "from",
    "from this time on: RFC 3339; a day before `to` by default",
);

const TO: Query = takes(
    Takes::Moment,
    "to",
    "up to this time: RFC 3339; now by default",
);

const NODE_THEN: &[Query] = &[NODE[0], AT];

const UPTIME: &[Query] = &[
    NODE[0],
    FROM,
    TO,
    takes(
        Takes::Whole(1, 10_000),
        "parts",
        "in so many equal parts, from 1 to 10000",
    ),
];

const SERIES: &[Query] = &[
    NODE[0],
    FROM,
    TO,
    takes(
        Takes::Whole(1, 10_000),
        "parts",
        "at most so many points, from 1 to 10000",
    ),
];

const INCIDENTS: &[Query] = &[text("node", "only of this service"), FROM, TO, LIMIT];

const FILTER: &[Query] = &[
    AT,
    takes(
        Takes::States,
        "state",
        "only nodes in these states, with commas between",
    ),
    text("owner", "only nodes of this owner"),
    text("kind", "only nodes of this kind"),
    text("source", "only nodes of this source"),
    text(
        "q",
        "only nodes whose identity, title, owner or message holds this",
    ),
    text(
        "after",
        "only nodes after this identity: `next` of the page before",
    ),
    LIMIT,
];

const CHANGES: &[Query] = &[SERVICES];

const PAST: &[Query] = &[
    text("node", "only changes of this node"),
    SERVICES,
    takes(Takes::Moment, "from", "at this time or later: RFC 3339"),
    takes(Takes::Moment, "to", "before this time: RFC 3339"),
    LIMIT,
];

const FEED: &[Query] = &[text("node", "only changes of this service"), LIMIT];

const BEAT: &[Query] = &[takes(
    Takes::Whole(i32::MIN as i64, i32::MAX as i64),
    "exit",
    "the exit code of the job: anything but 0 is a failure",
)];

const PUSH: &[Query] = &[
    takes(
        Takes::State,
        "state",
        "passing, degraded, unknown or failing: then the body is a message in plain text",
    ),
    takes(
        Takes::Whole(1, inbox::TTL_MAX as i64),
        "ttl",
        "for how many seconds it may be believed, with `state`",
    ),
];

pub(super) fn all() -> Vec<Route> {
    use Policy::{Everybody, Known, Open, Operator, Push};
    let plain = |path, policy, handler, summary, answer| Route {
        path,
        policy,
        handler,
        methods: &["get"],
        body: &[],
        summary,
        query: &[],
        answer,
        statuses: &[503],
    };
    vec![
        Route {
            statuses: &[304, 503],
            ..plain(
                "/api/v1/services",
                Everybody,
                get(services::list),
                "every service with its state and causes: what other instances consume",
                (JSON, Some("ServiceList")),
            )
        },
        Route {
            statuses: &[304, 404, 503],
            ..plain(
                "/api/v1/services/{name}",
                Everybody,
                get(services::one),
                "one service",
                (JSON, Some("ServiceSummary")),
            )
        },
        Route {
            query: FILTER,
            statuses: &[304, 400, 404, 503],
            ..plain(
                "/api/v1/nodes",
                Known,
                get(lists::list),
                "nodes, filtered, searched, in pages",
                (JSON, Some("NodeList")),
            )
        },
        Route {
            query: MOMENT,
            statuses: &[400, 404, 503],
            ..plain(
                "/api/v1/nodes/{*id}",
                Known,
                get(nodes::one),
                "one node with its evidence and members",
                (JSON, Some("Node")),
            )
        },
        Route {
            query: NODE_THEN,
            statuses: &[400, 404, 503],
            ..plain(
                "/api/v1/explain",
                Known,
                get(nodes::explain),
                "why a node is as it is, whose the causes are, and what would mend it",
                (JSON, Some("Explanation")),
            )
        },
        Route {
            query: NODE_THEN,
            statuses: &[400, 404, 503],
            ..plain(
                "/api/v1/impact",
                Known,
                get(nodes::impact),
                "the services that a node's failure changes",
                (JSON, Some("ImpactList")),
            )
        },
        Route {
            query: CHANGES,
            statuses: &[400, 503],
            ..plain(
                "/api/v1/events",
                Everybody,
                get(events::stream),
                "changes as they happen, as server-sent events; resumes after Last-Event-ID. The last event, `ending`, says that the instance is shutting down",
                ("text/event-stream", None),
            )
        },
        Route {
            statuses: &[503],
            ..plain(
                "/api/v1/stream",
                Everybody,
                get(stream::stream),
                "services as they change, as server-sent events: what other instances consume. `services` holds all of them, `changed` what is different since, `alive` says every two seconds that nothing is, and `ending` that the instance is shutting down",
                ("text/event-stream", None),
            )
        },
        Route {
            query: PAST,
            statuses: &[400, 404, 503],
            ..plain(
                "/api/v1/transitions",
                Everybody,
                get(reports::transitions),
                "changes that are remembered, the newest first",
                (JSON, Some("TransitionList")),
            )
        },
        Route {
            query: UPTIME,
            statuses: &[400, 404, 503],
            ..plain(
                "/api/v1/history/uptime",
                Everybody,
                get(history::uptime),
                "how much of a time a node was well, as an interval",
                (JSON, Some("UptimeReport")),
            )
        },
        Route {
            query: SERIES,
            statuses: &[400, 404, 503],
            ..plain(
                "/api/v1/history/measurements",
                Known,
                get(history::measurements),
                "what was measured of a node over a time",
                (JSON, Some("MeasurementHistory")),
            )
        },
        Route {
            query: INCIDENTS,
            statuses: &[400, 404, 503],
            ..plain(
                "/api/v1/history/incidents",
                Everybody,
                get(history::incidents),
                "the times in which services were not passing, the newest first",
                (JSON, Some("IncidentList")),
            )
        },
        plain(
            "/api/v1/instance",
            Operator,
            get(reports::instance),
            "how this instance itself is doing",
            (JSON, Some("InstanceReport")),
        ),
        Route {
            statuses: &[404, 503],
            ..plain(
                "/api/v1/badge/{name}",
                Everybody,
                get(badge::badge),
                "a picture of a service's state; the name may end in .svg",
                ("image/svg+xml", None),
            )
        },
        Route {
            methods: &["get", "post"],
            query: BEAT,
            body: &[("text/plain", None)],
            statuses: &[400, 408, 413],
            ..plain(
                "/api/v1/heartbeat/{name}",
                Push,
                get(inbox::heartbeat).post(inbox::heartbeat),
                "a sign of life of something that a sensor `heartbeat` waits for; with its own token",
                ("", None),
            )
        },
        Route {
            methods: &["post"],
            query: PUSH,
            body: &[
                ("application/json", Some("PushedState")),
                ("text/plain", None),
            ],
            statuses: &[400, 408, 413],
            ..plain(
                "/api/v1/push/{name}",
                Push,
                post(inbox::push),
                "a state that something else judged, for a sensor `push`; with its own token",
                ("", None),
            )
        },
        plain(
            "/api/v1/openapi.json",
            Everybody,
            get(document::serve),
            "this document",
            (JSON, None),
        ),
        Route {
            query: FEED,
            statuses: &[400, 404, 503],
            ..plain(
                "/feed.atom",
                Everybody,
                get(feed::feed),
                "changes of services that are remembered, as an Atom feed; of one service with `node`",
                (feed::MEDIA_TYPE, None),
            )
        },
        plain(
            "/metrics",
            Operator,
            get(metrics::metrics),
            "states and the program's own figures, as OpenMetrics",
            (metrics::MEDIA_TYPE, None),
        ),
        plain(
            "/livez",
            Open,
            get(probes::live),
            "whether the program works",
            ("text/plain", None),
        ),
        plain(
            "/readyz",
            Open,
            get(probes::ready),
            "whether every source has been asked",
            ("text/plain", None),
        ),
    ]
}
