//! The source and the kind as users see them.

use alpacalert_instrument::{Field, Kind, KindSpec, Shape, SourceSpec};

const SOURCE: &str = "\
Is told of all services of another instance, and of every change within a fraction of a second, over one connection that stays open. Where that is \
not offered, by an older version or because something in between lets no streams through, it asks once a second instead; with `interval` it only asks, that \
often. A question whose answer has not changed costs next to nothing.

A connection that is closed is opened again before anybody is told, if it had lived for some seconds; one on which nothing arrives for 7 s is cut.

When it cannot be heard, everything that is consumed from it is Unknown with the reason, and is never dropped:

| reason | what is wrong |
|---|---|
| `connection-refused`, `connection-closed`, `timeout`, `name-not-found` and other reasons of the network | it does not answer |
| `token-refused` | it does not know our token |
| `not-alpacalert`, `unexpected-status` | something else answers there |
| `malformed`, `unsupported-version`, `too-much-output` (8 MiB) | it answers what we do not understand |
| `timeout` | it has not said a word for 7 s, or does not answer in time |
| `stale` | it has told nothing new for longer than its services may be believed |";

const KIND: &str = "\
A service that another instance publishes, or a part of a status page that something else makes (`statuspage`, `gatus`, `uptime-kuma`): its state, its \
owner and its causes, in the publisher's own words. The explanation of what depends on it says whose it is.

Beside the reasons of the source:

| state | reason | when |
|---|---|---|
| as published | `published` | the publisher says so |
| Unknown | `source-lost` | the publisher cannot be heard |
| Unknown | `not-published` | it has no service of this name |
| Unknown | `ambiguous` | a page has several things of this name |
| Unknown | `malformed` | what it tells of this service cannot be read |
| Unknown | `stale` | it was checked too long ago |
| Unknown | `maintenance`, `pending`, `not-measured`, `summarised` | see the source |
| Unknown | `loop` | the service depends on services of this very instance |";

pub(super) fn source() -> SourceSpec {
    SourceSpec {
        name: "alpacalert",
        summary: "another instance, whose services are consumed",
        doc: SOURCE,
        fields: vec![
            Field::required(
                "url",
                Shape::Url(vec!["http", "https"]),
                "Where it is: what comes before `/api/v1`.",
            ),
            Field::optional(
                "token",
                Shape::Text,
                "What it knows us by: `${env:…}` or `${file:…}`.",
            ),
            Field::optional(
                "ca",
                Shape::Path,
                "A PEM file of the certificates to trust, in place of those that this machine trusts.",
            )
            .default("what this machine trusts"),
        ],
        constraints: Vec::new(),
        example: "url: https://alpacalert.infra.example.com\ntoken: ${file:/run/secrets/infra}",
    }
}

pub(super) fn kind() -> KindSpec {
    KindSpec {
        alias: Some("service"),
        doc: KIND,
        fields: vec![
            Field::required(
                "source",
                Shape::Text,
                "The instance or the page that publishes it: a source.",
            ),
            Field::required("name", Shape::Text, "Its name there."),
        ],
        reference: &["name"],
        shorthand: Some("name"),
        example: "infra/message-queue",
        ..KindSpec::new(
            Kind::of("alpacalert.io/Service"),
            "a service that another instance publishes, or a part of a status page",
        )
    }
}
