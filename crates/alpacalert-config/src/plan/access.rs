//! How an instance is reached, and who may see it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use alpacalert_instrument::{Params, Secret, Value};
use alpacalert_model::Timestamp;

/// How an instance is served.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServePlan {
    /// Where people reach it.
    pub url: Option<String>,
    /// Encryption.
    pub tls: Option<TlsPlan>,
    /// What clients may use up.
    pub limits: LimitsPlan,
}

/// Encryption of what is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPlan {
    /// The file with the certificate and those behind it.
    pub certificate: PathBuf,
    /// The file with the private key.
    pub key: PathBuf,
    /// The file with the authorities of clients; without it clients need no certificate.
    pub client_ca: Option<PathBuf>,
}

/// What clients may use up. `None` leaves it to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsPlan {
    /// The most connections at a time.
    pub connections: Option<usize>,
    /// The most connections from one address at a time.
    pub connections_per_address: Option<usize>,
    /// The most requests a second from one address.
    pub requests_per_second: Option<u32>,
}

/// Who may see and report what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessPlan {
    /// What those see who do not say who they are.
    pub anonymous: Anonymous,
    /// Tokens for programs.
    pub tokens: Vec<TokenPlan>,
    /// People with a password.
    pub users: Vec<UserPlan>,
    /// What members of groups may see.
    pub groups: Vec<GroupAccess>,
    /// Sign-in with OpenID Connect.
    pub oidc: Option<OidcPlan>,
    /// A proxy that says who people are.
    pub proxy: Option<ProxyPlan>,
}

/// What those see who do not say who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Nothing.
    Nothing,
    /// Public services, with state and since.
    #[default]
    Services,
    /// Public services, and what is said about their causes.
    Causes,
}

/// What somebody may see or report to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ScopePlan {
    /// Nothing.
    #[default]
    Nothing,
    /// Services of these names, in which `*` stands for any characters.
    Services(Vec<String>),
    /// Everything.
    Everything,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlan {
    /// What people call it.
    pub name: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub hash: String,
    /// What it may see.
    pub read: ScopePlan,
    /// What it may report to.
    pub push: ScopePlan,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// Somebody with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPlan {
    /// Their name.
    pub name: String,
    /// The hash of the password: a PHC string of argon2id.
    pub password: String,
    /// What they may see.
    pub read: ScopePlan,
}

/// What members of a group may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupAccess {
    /// The name of the group.
    pub name: String,
    /// What they may see.
    pub read: ScopePlan,
}

/// Sign-in with OpenID Connect.
#[derive(Clone, Debug, PartialEq)]
pub struct OidcPlan {
    /// The issuer.
    pub issuer: String,
    /// What the provider knows us as.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Option<Secret>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim with the person's name.
    pub name_claim: String,
    /// The claim with the person's groups.
    pub groups_claim: String,
    /// What everybody may see who can sign in.
    pub read: ScopePlan,
    /// How long somebody stays signed in.
    pub session: Duration,
}

/// A proxy that says who people are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyPlan {
    /// Where it is.
    pub from: Vec<Network>,
    /// The header with the name.
    pub user: String,
    /// The header with the groups.
    pub groups: String,
    /// What everybody may see whom it names.
    pub read: ScopePlan,
}

/// An address, or a network of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.1.0.0/16` or `10.1.0.1`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(Network { address, bits })
    }

    /// Whether an address is in it. An IPv4 address is the same when it is written as an IPv6 one.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                // `::ffff:10.0.0.0/104` is the network `10.0.0.0/8`.
                let bits = match self.address {
                    IpAddr::V4(_) => u32::from(self.bits),
                    IpAddr::V6(_) => u32::from(self.bits).saturating_sub(96),
                };
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.bits))
                    .unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl ServePlan {
    /// Reads what was validated.
    pub fn of(params: &Params) -> Self {
        let limits = params.record("limits").unwrap_or_default();
        let count = |key| {
            let given = limits.int(key);
            given.and_then(|count| usize::try_from(count).ok())
        };
        ServePlan {
            url: params.text("url").map(str::to_owned),
            tls: params.record("tls").and_then(|tls| {
                Some(TlsPlan {
                    certificate: tls.text("certificate")?.into(),
                    key: tls.text("key")?.into(),
                    client_ca: tls.text("client_ca").map(PathBuf::from),
                })
            }),
            limits: LimitsPlan {
                connections: count("connections"),
                connections_per_address: count("connections_per_address"),
                requests_per_second: count("requests_per_second")
                    .and_then(|count| u32::try_from(count).ok()),
            },
        }
    }
}

impl AccessPlan {
    /// Reads what was validated.
    pub fn of(params: &Params) -> Self {
        let text = |params: &Params, key| params.text(key).unwrap_or_default().to_owned();
        AccessPlan {
            anonymous: match params.text("anonymous") {
                Some("nothing") => Anonymous::Nothing,
                Some("causes") => Anonymous::Causes,
                _ => Anonymous::Services,
            },
            tokens: each(params, "tokens", |name, token| TokenPlan {
                name,
                hash: text(&token, "hash"),
                read: scope(&token, "read"),
                push: scope(&token, "push"),
                expires: token.text("expires").and_then(|time| time.parse().ok()),
            }),
            users: each(params, "users", |name, user| UserPlan {
                name,
                password: text(&user, "password"),
                read: scope(&user, "read"),
            }),
            groups: each(params, "groups", |name, group| GroupAccess {
                name,
                read: scope(&group, "read"),
            }),
            oidc: params.record("oidc").map(|oidc| OidcPlan {
                issuer: text(&oidc, "issuer"),
                client_id: text(&oidc, "client_id"),
                client_secret: oidc.get("client_secret").and_then(secret),
                scopes: match oidc.has("scopes") {
                    true => oidc.texts("scopes").into_iter().map(Into::into).collect(),
                    false => vec!["profile".to_owned(), "groups".to_owned()],
                },
                name_claim: or(&oidc, "name_claim", "preferred_username"),
                groups_claim: or(&oidc, "groups_claim", "groups"),
                read: scope(&oidc, "read"),
                session: oidc
                    .duration("session")
                    .unwrap_or(Duration::from_secs(12 * 3600)),
            }),
            proxy: params.record("proxy").map(|proxy| ProxyPlan {
                from: proxy
                    .texts("from")
                    .into_iter()
                    .filter_map(Network::parse)
                    .collect(),
                user: or(&proxy, "user", "X-Forwarded-User"),
                groups: or(&proxy, "groups", "X-Forwarded-Groups"),
                read: scope(&proxy, "read"),
            }),
        }
    }
}

fn or(params: &Params, key: &str, default: &str) -> String {
    params.text(key).unwrap_or(default).to_owned()
}

/// Every entry of a map of records.
fn each<T>(params: &Params, key: &str, make: impl Fn(String, Params) -> T) -> Vec<T> {
    let Some(map) = params.record(key) else {
        return Vec::new();
    };
    map.iter()
        .filter_map(|(name, _)| Some(make(name.to_owned(), map.record(name)?)))
        .collect()
}

fn scope(params: &Params, key: &str) -> ScopePlan {
    match params.get(key) {
        Some(Value::List(_)) => {
            let names = params.texts(key).into_iter();
            ScopePlan::Services(names.map(str::to_owned).collect())
        }
        // The only text that is no list.
        Some(Value::Text(_)) => ScopePlan::Everything,
        _ => ScopePlan::Nothing,
    }
}

fn secret(value: &Value) -> Option<Secret> {
    match value {
        Value::Secret(secret) => Some(secret.clone()),
        // In the clear in the file: all the more reason not to show it anywhere else.
        Value::Text(text) => {
            let shown = Secret::unresolved("(the client's secret)");
            Some(shown.resolved(text.clone(), vec![(String::new(), text.clone())]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.1", "10.2.0.0"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("127.0.0.1", "::ffff:127.0.0.1", "::1"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("::1", "::1", "::2"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
        ] {
            let read = Network::parse(network).expect("a network");
            assert!(read.contains(inside.parse().unwrap()), "{network}");
            assert!(!read.contains(outside.parse().unwrap()), "{network}");
        }
        let all = Network::parse("0.0.0.0/0").expect("a network");
        assert!(all.contains("1.2.3.4".parse().unwrap()));
        assert!(!all.contains("::1".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "::/129", "x", "10.0.0.0/", "10.0.0.0/8/8"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }
}
