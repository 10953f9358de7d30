//! Hosts and ports as users write them.

use std::fmt;
use std::net::IpAddr;

use alpacalert_instrument::InstrumentError;

/// A host: an address, or a name that is looked up for each measurement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    Ip(IpAddr),
    Name(Box<str>),
}

impl Host {
    /// A host from text; an IPv6 address may stand in brackets.
    pub(crate) fn parse(text: &str) -> Result<Host, InstrumentError> {
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(ip) = bare.parse() {
            return Ok(Host::Ip(ip));
        }
        if is_name(text) {
            return Ok(Host::Name(text.into()));
        }
        Err(InstrumentError::new(format!(
            "`{text}` is neither a host name nor an address"
        )))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(ip) => ip.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

/// Whether it can be looked up. Underscores are allowed: names of containers have them.
fn is_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || !b.is_ascii())
        })
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl Endpoint {
    /// `host:port`; the port may be left out where there is a usual one.
    pub(crate) fn parse(text: &str, usual: Option<u16>) -> Result<Endpoint, InstrumentError> {
        let is_bare_v6 = text.matches(':').count() > 1 && !text.starts_with('[');
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !is_bare_v6 && !text.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match (port, usual) {
            (Some(port), _) => port.parse().ok().filter(|port| *port != 0),
            (None, usual) => usual,
        };
        let port = port.ok_or_else(|| {
            InstrumentError::new(format!(
                "`{text}` needs a port from 1 to 65535: write `host:port`, or `[address]:port` for IPv6"
            ))
        })?;
        let host = Host::parse(host)?;
        Ok(Endpoint { host, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_read_as_people_write_it() {
        let cases = [
            ("db:5432", Some("db:5432")),
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("[::1]:80", Some("[::1]:80")),
            ("::1", Some("[::1]:25")),
            ("[::1]", Some("[::1]:25")),
            ("mail", Some("mail:25")),
            ("my_box:1", Some("my_box:1")),
            ("db:0", None),
            ("db:65536", None),
            ("db:http", None),
            ("a b:80", None),
            (":80", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let read = Endpoint::parse(text, Some(25)).ok().map(|e| e.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        assert!(Endpoint::parse("mail", None).is_err());
    }
}
