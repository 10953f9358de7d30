//! The sources as users see them.

use alpacalert_instrument::{Field, Shape, SourceSpec};

const STATUSPAGE: &str = "\
Asks a page of Atlassian's Statuspage, or of whatever answers in its form, for `/api/v2/summary.json`, once a minute. Its components and groups are \
consumed as services, by name (`SOURCE/NAME`), by group and name (`SOURCE/GROUP/NAME`) where several have the same name, or by id. What the page calls \
itself is the owner, unless `owner` says otherwise.

| the page says | here |
|---|---|
| `operational` | Passing |
| `degraded_performance` | Degraded |
| `partial_outage`, `major_outage` | Failing: somebody is without it, and the page does not say who |
| `under_maintenance` | Unknown `maintenance` |

Incidents that are not over are told with the components that they affect. People set these states: a page may be green while its \
service is not. It says when it was changed last, and not when it was looked at, so that it is never too old by itself; when something on the way has \
remembered it for longer than `max_age`, everything is Unknown `stale`.

What cannot be heard or understood is Unknown with the reason: `token-refused`, `no-status-page`, `unexpected-status`, `malformed`, `too-much-output` \
(8 MiB), and those of the network.";

const GATUS: &str = "\
Asks an instance of Gatus for `/api/v1/endpoints/statuses`, every 10 s. Its endpoints are consumed as services, by name (`SOURCE/NAME`), by group and \
name (`SOURCE/GROUP/NAME`) where several have the same name, or by key. The name of the source is the owner, unless `owner` says otherwise.

An endpoint is as its newest result says, Failing with the conditions that did not hold. It is Unknown `stale` when that is older than three times what \
usually lies between its results, and at least 5 minutes; `max_age` says it otherwise. Ages are measured by its own clock and then by ours, so that it \
does not matter when they differ. Without a result it is Unknown `not-measured`.

What cannot be heard or understood is Unknown with the reason: `token-refused`, `no-status-page`, `unexpected-status`, `malformed`, `too-much-output` \
(8 MiB), and those of the network.";

const UPTIME_KUMA: &str = "\
Asks an instance of Uptime Kuma for one of its status pages and the heartbeats on it, once a minute: Kuma makes them no more often. Its monitors are \
consumed as services, by name (`SOURCE/NAME`), by group and name (`SOURCE/GROUP/NAME`) where several have the same name, or by id. The title of the page \
is the owner, unless `owner` says otherwise.

| the newest heartbeat says | here |
|---|---|
| up | Passing |
| down | Failing |
| pending | Unknown `pending`: its check failed and is repeated, or has not come yet |
| maintenance | Unknown `maintenance` |
| there is none | Unknown `not-measured` |

It is Unknown `stale` when that is older than three times what usually lies between its heartbeats, and at least 5 minutes; `max_age` says it otherwise. A \
page whose heartbeat bar shows a number of days does not tell of single checks: Unknown `summarised`.

What cannot be heard or understood is Unknown with the reason: `token-refused`, `no-status-page`, `unexpected-status`, `malformed`, `too-much-output` \
(8 MiB, which is about 900 monitors), and those of the network.";

fn url(doc: &'static str) -> Field {
    Field::required("url", Shape::Url(vec!["http", "https"]), doc)
}

/// The keys that all have, after those of their own.
fn fields(own: Vec<Field>, owner: &'static str, max_age: &'static str) -> Vec<Field> {
    let common = [
        Field::optional("owner", Shape::Text, "Whose it is.").default(owner),
        Field::optional(
            "max_age",
            Shape::Duration,
            "For how long to believe what it tells.",
        )
        .default(max_age),
        Field::optional(
            "token",
            Shape::Text,
            "A bearer token, where it asks for one: `${env:…}` or `${file:…}`.",
        ),
        Field::optional(
            "basic",
            Shape::record(vec![
                Field::required("user", Shape::Text, "The user name."),
                Field::required(
                    "password",
                    Shape::Text,
                    "The password: `${env:…}` or `${file:…}`.",
                ),
            ]),
            "Basic authentication, where it asks for that.",
        ),
        Field::optional(
            "ca",
            Shape::Path,
            "A PEM file of the certificates to trust, in place of those that this machine trusts.",
        )
        .default("what this machine trusts"),
    ];
    own.into_iter().chain(common).collect()
}

const USUAL_GAP: &str = "three times what usually lies between its checks, at least 5m";

pub(super) fn statuspage() -> SourceSpec {
    SourceSpec {
        name: "statuspage",
        summary: "a status page in the form of Atlassian's Statuspage, whose components are consumed",
        doc: STATUSPAGE,
        fields: fields(
            vec![url("Where the page is: what comes before `/api/v2`.")],
            "what the page calls itself",
            "5m",
        ),
        constraints: Vec::new(),
        example: "url: https://status.example.com",
    }
}

pub(super) fn gatus() -> SourceSpec {
    SourceSpec {
        name: "gatus",
        summary: "an instance of Gatus, whose endpoints are consumed",
        doc: GATUS,
        fields: fields(
            vec![url("Where it is: what comes before `/api/v1`.")],
            "the name of the source",
            USUAL_GAP,
        ),
        constraints: Vec::new(),
        example: "url: https://gatus.example.com\nowner: network team",
    }
}

pub(super) fn uptime_kuma() -> SourceSpec {
    SourceSpec {
        name: "uptime-kuma",
        summary: "a status page of Uptime Kuma, whose monitors are consumed",
        doc: UPTIME_KUMA,
        fields: fields(
            vec![
                url("Where it is: what comes before `/status/…`."),
                Field::optional(
                    "page",
                    Shape::Text,
                    "Which status page: what comes after `/status/` in its address.",
                )
                .default("default"),
            ],
            "the title of the page",
            USUAL_GAP,
        ),
        constraints: Vec::new(),
        example: "url: https://kuma.example.com\npage: production",
    }
}
