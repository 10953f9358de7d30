//! Names to addresses, without a thread for each.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use alpacalert_instrument::SensorError;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;

use super::{Deadline, Host, Trouble, reason};

/// The files that say how this machine resolves names.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Resolves as this machine is configured to, by `/etc/hosts` and `/etc/resolv.conf`, and follows changes of both.
///
/// Nothing is cached: a check whose name stopped resolving an hour ago must not pass on what was true then.
#[derive(Default)]
pub(crate) struct Resolver {
    current: Mutex<Option<(Stamp, Arc<TokioResolver>)>>,
}

type Stamp = [Option<SystemTime>; FILES.len()];

impl Resolver {
    /// The addresses of a host, IPv4 first; IPv6 is asked for when there is no IPv4 address.
    pub(crate) async fn addresses(
        &self,
        host: &Host,
        deadline: &Deadline,
    ) -> Result<Vec<IpAddr>, Trouble> {
        let name = match host {
            Host::Ip(ip) => return Ok(vec![*ip]),
            Host::Name(name) => name,
        };
        let resolver = self.current()?;
        // Boxed, as it is large and an address does without.
        let lookup = Box::pin(resolver.lookup_ip(&**name));
        let lookup = tokio::time::timeout(deadline.left(), lookup).await;
        match lookup {
            Ok(Ok(found)) => Ok(found.iter().collect()),
            Ok(Err(error)) => Err(not_resolved(name, error)),
            Err(_) => Err(unreachable(name, "it did not answer in time".to_owned())),
        }
    }

    fn current(&self) -> Result<Arc<TokioResolver>, Trouble> {
        let stamp = FILES.map(|file| Path::new(file).metadata().and_then(|m| m.modified()).ok());
        let mut current = self.current.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((made, resolver)) = &*current
            && *made == stamp
        {
            return Ok(resolver.clone());
        }
        let resolver = Arc::new(build().map_err(|error| {
            let text = "cannot read how this machine resolves names from /etc/resolv.conf";
            Trouble::Ours(SensorError::new(reason::CANNOT_READ, text).because(error))
        })?);
        *current = Some((stamp, resolver.clone()));
        Ok(resolver)
    }
}

fn build() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    let options = builder.options_mut();
    options.cache_size = 0;
    options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
    builder.build()
}

/// A name that does not exist is the target's fault; a resolver that cannot tell is ours.
fn not_resolved(name: &str, error: NetError) -> Trouble {
    match &error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Trouble::target(
                reason::NAME_NOT_FOUND,
                format!("the name {name} does not exist"),
            ),
            ResponseCode::NoError => Trouble::target(
                reason::NAME_NOT_FOUND,
                format!("the name {name} has no address"),
            ),
            code => refused(name, code),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => refused(name, *code),
        _ => unreachable(name, error.to_string()),
    }
}

fn refused(name: &str, code: ResponseCode) -> Trouble {
    Trouble::ours(
        reason::NAME_NOT_RESOLVED,
        format!("the resolver of this machine cannot tell the address of {name}: {code}"),
    )
}

fn unreachable(name: &str, why: String) -> Trouble {
    Trouble::ours(
        reason::NAME_NOT_RESOLVED,
        format!("cannot ask the resolver of this machine for the address of {name}: {why}"),
    )
}
