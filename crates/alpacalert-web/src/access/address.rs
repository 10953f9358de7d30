//! Where requests come from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use alpacalert::config::Network;
use axum::http::HeaderMap;

/// The other end of a connection. The server adds it to every request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether the connection is encrypted.
    pub(crate) secure: bool,
}

/// Who is counted as one: an IPv4 address, or the network of an IPv6 one, since everybody has a whole network of these.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

/// Where a request comes from: the peer, or whom a proxy that is trusted names as its peer.
pub(super) fn client(peer: IpAddr, proxies: &[Network], headers: &HeaderMap) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    if !is_proxy(peer) {
        return peer;
    }
    let named = headers.get_all("x-forwarded-for").iter();
    let named: Vec<&str> = named.filter_map(|value| value.to_str().ok()).collect();
    // Each proxy adds to the end; what is before the last one that is not ours, anybody may have written.
    let mut named = named.iter().flat_map(|value| value.split(',')).rev();
    named
        .by_ref()
        .map_while(|name| name.trim().parse::<IpAddr>().ok())
        .find(|address| !is_proxy(*address))
        .unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_says_where_a_request_comes_from() {
        let proxies = [Network::parse("10.0.0.0/8").unwrap()];
        for (peer, header, expected) in [
            ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("192.0.2.9", "192.0.2.1", "192.0.2.9"),
            ("10.0.0.1", "203.0.113.5, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("10.0.0.1", "192.0.2.1, nonsense", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", header.parse().unwrap());
            let seen = client(peer.parse().unwrap(), &proxies, &headers);
            assert_eq!(seen.to_string(), expected, "{peer} {header}");
        }
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let of = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
