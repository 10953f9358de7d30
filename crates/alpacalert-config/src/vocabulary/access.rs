//! The keys that say how an instance is reached, and by whom.

use alpacalert_instrument::{Constraint, Field, Shape};

/// A hash as `alpacalert token new` prints it.
const HASH: Shape = Shape::Matching {
    what: "a hash as `alpacalert token new` prints it: `sha256:` and 64 hexadecimal digits",
    pattern: "sha256:[0-9a-f]{64}",
};

/// A hash as `alpacalert password` prints it. At most 1 GiB and 99 rounds, so that nobody's login takes the machine down.
const PASSWORD: Shape = Shape::Matching {
    what: "a hash as `alpacalert password` prints it: it begins with `$argon2id$`",
    pattern: r"\$argon2id\$v=19\$m=[0-9]{1,6},t=[0-9]{1,2},p=[0-9]{1,2}\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{22,86}",
};

const HEADER: Shape = Shape::Matching {
    what: "the name of a header such as `X-Forwarded-User`",
    pattern: "[A-Za-z0-9-]{1,100}",
};

/// The names of those who may do something; the word for all of it comes first, so that it is never taken for a name.
fn scope() -> Shape {
    Shape::Either(vec![
        Shape::OneOf(vec!["everything"]),
        Shape::OneOrMany(Box::new(Shape::Text)),
    ])
}

fn read() -> Field {
    Field::optional(
        "read",
        scope(),
        "What may be seen: `everything`, the instance itself included, or these services and what they depend on.",
    )
}

fn push() -> Field {
    Field::optional(
        "push",
        scope(),
        "What may be reported to: `everything`, or heartbeats and pushed sensors of these names.",
    )
}

fn map_of(fields: Vec<Field>, constraints: Vec<Constraint>) -> Shape {
    Shape::Map(Box::new(Shape::Record {
        fields,
        constraints,
    }))
}

/// The keys of `access`.
pub(crate) fn access() -> Vec<Field> {
    vec![
        Field::optional(
            "anonymous",
            Shape::OneOf(vec!["nothing", "services", "causes"]),
            "What those see who do not say who they are: `nothing`; public `services` with state and since; or their `causes` too, with what is said about them.",
        )
        .default("services"),
        Field::optional(
            "tokens",
            map_of(
                vec![
                    Field::required(
                        "hash",
                        HASH,
                        "The hash of the token, as `alpacalert token new` prints it. The token itself is kept nowhere.",
                    ),
                    read(),
                    push(),
                    Field::optional("expires", Shape::Time, "When it is worth nothing any more.")
                        .default("never"),
                ],
                vec![Constraint::AtLeastOne(&["read", "push"])],
            ),
            "Tokens for programs, by name: other instances, Prometheus, whatever reports to us. They are sent as `Authorization: Bearer TOKEN`.",
        ),
        Field::optional(
            "users",
            map_of(
                vec![
                    Field::required(
                        "password",
                        PASSWORD,
                        "The hash of the password, as `alpacalert password` prints it.",
                    ),
                    Field::required("read", scope(), read().doc),
                ],
                Vec::new(),
            ),
            "People with a password, by name.",
        ),
        Field::optional(
            "groups",
            map_of(
                vec![Field::required("read", scope(), read().doc)],
                Vec::new(),
            ),
            "What the members of a group may see, by the name that `oidc` or `proxy` gives it. Who is in several groups sees what any of them sees.",
        ),
        Field::optional(
            "oidc",
            Shape::record(oidc()),
            "Sign-in with OpenID Connect: authorisation code with PKCE. The provider must know the redirect URI `/oidc/callback` below `serve.url`.",
        ),
        Field::optional(
            "proxy",
            Shape::record(proxy()),
            "A proxy in front that asks people who they are, and says so in headers.",
        ),
    ]
}

fn oidc() -> Vec<Field> {
    vec![
        Field::required(
            "issuer",
            Shape::Url(vec!["https", "http"]),
            "The issuer, as it names itself. `http` only on the loopback interface.",
        ),
        Field::required(
            "client_id",
            Shape::Text,
            "What the provider knows this instance as.",
        ),
        Field::optional(
            "client_secret",
            Shape::Text,
            "The client's secret, best as `${file:…}`; without it the client is a public one.",
        ),
        Field::optional(
            "scopes",
            Shape::list(Shape::Text),
            "What the provider is asked for beside `openid`.",
        )
        .default("profile, groups"),
        Field::optional(
            "name_claim",
            Shape::Text,
            "The claim of the ID token with the person's name; without it their `sub`.",
        )
        .default("preferred_username"),
        Field::optional(
            "groups_claim",
            Shape::Text,
            "The claim of the ID token with the names of the person's groups.",
        )
        .default("groups"),
        Field::optional(
            "read",
            scope(),
            "What everybody may see who can sign in, beside what their groups may.",
        )
        .default("what is public"),
        Field::optional(
            "session",
            Shape::Duration,
            "How long somebody stays signed in.",
        )
        .default("12h"),
    ]
}

fn proxy() -> Vec<Field> {
    vec![
        Field::required(
            "from",
            Shape::OneOrMany(Box::new(Shape::Network)),
            "The addresses of the proxy. The headers of everybody else are not looked at.",
        ),
        Field::optional("user", HEADER, "The header with the person's name.")
            .default("X-Forwarded-User"),
        Field::optional(
            "groups",
            HEADER,
            "The header with the names of the person's groups, with commas between.",
        )
        .default("X-Forwarded-Groups"),
        Field::optional(
            "read",
            scope(),
            "What everybody may see whom the proxy names, beside what their groups may.",
        )
        .default("what is public"),
    ]
}

/// The keys of `serve`.
pub(crate) fn serve() -> Vec<Field> {
    let count = |name, max, doc| Field::optional(name, Shape::Int { min: 1, max }, doc);
    vec![
        Field::optional(
            "url",
            Shape::Url(vec!["https", "http"]),
            "Where people reach this instance: `https://status.example.com`. Needed behind a proxy and for OpenID Connect.",
        ),
        Field::optional(
            "tls",
            Shape::record(vec![
                Field::required(
                    "certificate",
                    Shape::Path,
                    "The certificate in PEM, with those that lead to the authority behind it. What changes is taken up within seconds.",
                ),
                Field::required("key", Shape::Path, "The private key in PEM."),
                Field::optional(
                    "client_ca",
                    Shape::Path,
                    "Authorities in PEM. Only clients with a certificate of one of them may connect.",
                ),
            ]),
            "Encrypts what is served, with TLS 1.2 or 1.3.",
        ),
        Field::optional(
            "limits",
            Shape::record(vec![
                count(
                    "connections",
                    1_000_000,
                    "The most connections at a time; further ones are told to come back.",
                )
                .default("2048"),
                count(
                    "connections_per_address",
                    1_000_000,
                    "The most connections from one address at a time, a proxy of `access.proxy` excepted.",
                )
                .default("512, for other machines"),
                count(
                    "requests_per_second",
                    1_000_000,
                    "The most requests a second from one address; four seconds' worth may come at once.",
                )
                .default("200, for other machines"),
            ]),
            "What clients may use up.",
        ),
    ]
}
