//! What users can say about an HTTP check.

use alpacalert_instrument::{Constraint, Field, Kind, KindSpec, Shape};
use alpacalert_model::Unit;

pub(super) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
pub(super) const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

const DOC: &str = "\
Sends one request and judges the answer: its status, its headers, its body, and how long each part of it took. A new connection
is made for each check unless `keep_alive` is set, so that what new visitors meet is what is measured.

Redirects are followed, up to 10. The headers, credentials, body and client certificate that you give go to the origin of `url`
only (its scheme, host and port), never to where it redirects.

No more of the body than `body_limit` is read; what stands behind is not looked at, and a message says so. The request asks
for a body without compression; nothing is ever decompressed. A certificate is checked before anything is sent. Proxies are
not used, whatever the environment says.

Reported are the total time, and within it the time for the name, the connection, the TLS handshake and the first byte of the
answer, each summed over redirects; the size of the body read; and for HTTPS the time left of each certificate.

| state | reason | when |
|---|---|---|
| Failing | `status` | the status is not one of `status` |
| Failing | `header` | a header of the answer is missing or does not match `response_headers` |
| Failing | `body` | the body does not fulfil `body` |
| Failing | `body-encoding` | the body is compressed although we asked for none, and `body` needs it |
| Degraded, Failing | `limit` | the total time is above `slower_than`, a certificate's time left below `certificate`, or a value in the body outside `at_least` and `at_most` |
| Failing | `timeout` | the time-out passed; the message says what we were waiting for |
| Failing | `redirects` | more than 10 redirects, or one to something that is not HTTP |
| Failing | `protocol` | the answer is not HTTP, its headers are larger than 32 KiB, or the version is not the one asked for |
| Failing | `connection-refused`, `connection-closed`, `host-unreachable`, `name-not-found` | as for `tcp` |
| Failing | `tls-…` | as for `tls` |
| Unknown | `cannot-read` | a file of ours (`ca`, `client`) cannot be read |
| Unknown | `overloaded` | too many large bodies were being read at the same time |
| Unknown | `network-unreachable`, `out-of-resources`, `not-permitted`, `name-not-resolved` | as for `tcp` |
";

pub(super) fn spec() -> KindSpec {
    let mut fields = request();
    fields.extend(connection());
    fields.extend(answer());
    KindSpec {
        alias: Some("http"),
        doc: DOC,
        reference: &["url"],
        shorthand: Some("url"),
        example: "url: https://reports.example.com/healthz\nstatus: 200\nbody: { json: .status, equals: ok }\nslower_than: { degraded: 300ms, failing: 2s }\ncertificate: { degraded: 21d, failing: 7d }",
        fields,
        constraints: vec![Constraint::AtMostOne(&["basic", "bearer"])],
        ..KindSpec::new(
            Kind::of("alpacalert.io/Http"),
            "A URL answers with the status, headers and body that it should, and in time",
        )
    }
}

fn request() -> Vec<Field> {
    vec![
        Field::required(
            "url",
            Shape::Url(vec!["http", "https"]),
            "What to request. It is shown as the name, so credentials do not belong here: see `basic` and `bearer`.",
        ),
        Field::optional(
            "method",
            Shape::OneOf(METHODS.to_vec()),
            "The method of the request.",
        )
        .default("GET, or POST with `send`"),
        Field::optional(
            "headers",
            Shape::Map(Box::new(Shape::Text)),
            "Headers of the request, by name. `host` overrides the name of the virtual host.",
        ),
        Field::optional("send", Shape::Text, "The body of the request, in UTF-8."),
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
            "Basic authentication (RFC 7617).",
        ),
        Field::optional(
            "bearer",
            Shape::Text,
            "A bearer token (RFC 6750): `${env:…}` or `${file:…}`.",
        ),
        Field::optional("follow", Shape::Bool, "Whether to follow redirects.").default("true"),
    ]
}

fn connection() -> Vec<Field> {
    vec![
        Field::optional(
            "version",
            Shape::OneOf(vec!["auto", "1.1", "2"]),
            "The version of HTTP. `auto` takes 2 where an HTTPS server offers it, and 1.1 elsewhere; `2` without TLS speaks it from the first byte.",
        )
        .default("auto"),
        Field::optional(
            "keep_alive",
            Shape::Bool,
            "Whether to keep the connection for the next check. The certificate is then looked at when the connection is made.",
        )
        .default("false"),
        Field::optional(
            "ca",
            Shape::Path,
            "A PEM file of the certificates to trust, in place of those that this machine trusts.",
        )
        .default("what this machine trusts"),
        Field::optional(
            "client",
            Shape::record(vec![
                Field::required("certificate", Shape::Path, "A PEM file of the certificate, with its chain."),
                Field::required("key", Shape::Path, "A PEM file of its key."),
            ]),
            "The certificate to show to the server.",
        ),
        Field::optional(
            "insecure",
            Shape::Bool,
            "Whether to accept any certificate. A message says so with each answer.",
        )
        .default("false"),
    ]
}

fn answer() -> Vec<Field> {
    let status = Shape::Either(vec![
        Shape::Int { min: 100, max: 599 },
        Shape::OneOf(CLASSES.to_vec()),
    ]);
    vec![
        Field::optional(
            "status",
            Shape::OneOrMany(Box::new(status)),
            "The statuses that are right: numbers, or classes such as `2xx`.",
        )
        .default("2xx; with `follow: false` also 3xx"),
        Field::optional(
            "response_headers",
            Shape::Map(Box::new(Shape::Regex)),
            "Headers that the answer must have, by name, with a regular expression that must be found in the value.",
        ),
        Field::optional(
            "body",
            Shape::OneOrMany(Box::new(body())),
            "What must be true of the body.",
        ),
        Field::optional(
            "body_limit",
            Shape::Quantity(vec![Unit::Bytes]),
            "How much of the body is read, at most 16 MiB.",
        )
        .default("1MiB"),
        Field::optional(
            "slower_than",
            Shape::limits_above(Unit::Seconds),
            "Limits for the total time.",
        )
        .default("off"),
        Field::optional(
            "certificate",
            Shape::limits_below(Unit::Seconds),
            "Limits for how long each certificate of an HTTPS server must still be valid. Without them an expired one fails all the same.",
        )
        .default("off"),
    ]
}

fn body() -> Shape {
    let any = || f64::MIN..=f64::MAX;
    let number = || Shape::Number {
        min: *any().start(),
        max: *any().end(),
    };
    let scalar = Shape::Either(vec![
        Shape::Bool,
        Shape::Int {
            min: i64::MIN,
            max: i64::MAX,
        },
        number(),
        Shape::Text,
    ]);
    Shape::Record {
        fields: vec![
            Field::optional(
                "json",
                Shape::JsonPath,
                "The body is JSON, and this path finds at least one value in it. The other keys then apply to every value found, in place of the whole body.",
            ),
            Field::optional(
                "equals",
                scalar,
                "Every value found is this one, of the same type.",
            ),
            Field::optional("contains", Shape::Text, "Contains this text."),
            Field::optional(
                "matches",
                Shape::Regex,
                "The regular expression is found in it.",
            ),
            Field::optional(
                "not_matches",
                Shape::Regex,
                "The regular expression is not found in it.",
            ),
            Field::optional(
                "at_least",
                number(),
                "Every value found is a number, and not less than this.",
            ),
            Field::optional(
                "at_most",
                number(),
                "Every value found is a number, and not more than this.",
            ),
        ],
        constraints: vec![
            Constraint::AtLeastOne(&["json", "contains", "matches", "not_matches"]),
            Constraint::Requires("equals", "json"),
            Constraint::Requires("at_least", "json"),
            Constraint::Requires("at_most", "json"),
        ],
    }
}
