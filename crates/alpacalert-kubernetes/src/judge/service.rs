//! Services and their endpoints: SVC-1 to SVC-7.

use alpacalert_model::{Effect, Rule, State, Threshold};
use jiff::SignedDuration;

use super::{Judge, is_ignored, pod, replicas};
use crate::cluster::Cluster;
use crate::kinds;
use crate::object::network::{Endpoint, EndpointSlice, Service};
use crate::object::pod::Pod;
use crate::object::{Body, Labels, Object, condition};
use crate::options::{CONTAINER_START, LB_ADDRESS};

/// How long the first slice of a new Service may take.
const SLICE_GRACE: SignedDuration = SignedDuration::from_secs(10);

/// How many endpoints there are, and of what sort.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    ready: usize,
    /// On their way out, and still answering: used when nobody is ready, as kube-proxy does.
    leaving: usize,
    all: usize,
}

pub(super) fn service(judge: &mut Judge<'_>, service: &Service) {
    if &*service.spec.kind == "ExternalName" {
        return judge.passing(
            "SVC-1",
            "ExternalName",
            format!(
                "stands for {}, which is not asked",
                service.spec.external_name
            ),
        );
    }
    load_balancer(judge, service);
    if !judge.looks_around() {
        if judge.verdict.findings.is_empty() {
            judge.passing("SVC-2", "NoSignal", "a Service has no status of its own");
        }
        return;
    }
    backends(judge, service);
    if !targets(judge.cluster, judge.object, service).is_empty() {
        judge.link_part("endpoints", "", Effect::Required);
    }
    for slice in slices(judge.cluster, judge.object) {
        judge.link_object(slice, Effect::Optional);
    }
}

/// The slices of a Service that are not being deleted.
fn slices<'a>(
    cluster: &'a Cluster,
    service: &Object,
) -> impl Iterator<Item = &'a Object> + use<'a> {
    let slices = cluster.slices(&service.reference);
    slices.filter(|slice| !slice.terminating())
}

fn endpoints_of(object: &Object) -> impl Iterator<Item = &Endpoint> {
    let slice = match &object.body {
        Body::EndpointSlice(slice) => Some(slice),
        _ => None,
    };
    slice.into_iter().flat_map(|slice| &slice.endpoints)
}

/// Whether an endpoint takes traffic: absent conditions are the API's defaults.
fn is_ready(endpoint: &Endpoint, always: bool) -> bool {
    let conditions = &endpoint.conditions;
    always || conditions.ready.unwrap_or(true)
}

fn count(cluster: &Cluster, object: &Object, service: &Service) -> Count {
    let mut count = Count::default();
    let always = service.spec.publish_not_ready_addresses;
    for endpoint in slices(cluster, object).flat_map(endpoints_of) {
        let conditions = &endpoint.conditions;
        count.all += 1;
        if is_ready(endpoint, always) {
            count.ready += 1;
        } else if conditions.terminating == Some(true) && conditions.serving == Some(true) {
            count.leaving += 1;
        }
    }
    count
}

/// The pods behind a Service: those of its slices, or, where slices cannot be seen, those that its selector selects.
fn targets<'a>(cluster: &'a Cluster, object: &Object, service: &Service) -> Vec<&'a Object> {
    let mut pods: Vec<&Object> = Vec::new();
    if cluster.sees(kinds::ENDPOINT_SLICE, object.namespace()) {
        for endpoint in slices(cluster, object).flat_map(endpoints_of) {
            let target = endpoint
                .target_ref
                .as_ref()
                .filter(|target| &*target.kind == "Pod");
            if let Some(pod) = target.and_then(|target| cluster.by_uid(&target.uid))
                && !pods.iter().any(|known| std::ptr::eq(*known, pod))
            {
                pods.push(pod);
            }
        }
    } else {
        let selected = selected(cluster, object.namespace(), &service.spec.selector);
        pods.extend(
            selected
                .into_iter()
                .filter(|pod| pod.pod().is_some_and(|pod| !pod.finished())),
        );
    }
    pods.retain(|pod| !is_ignored(pod));
    pods
}

/// The pods that a selector selects, those that ended included. No selector selects nothing.
fn selected<'a>(cluster: &'a Cluster, namespace: &str, selector: &Labels) -> Vec<&'a Object> {
    // The label that the fewest pods have is looked up, and the others checked on what that gives.
    let rarest = selector
        .iter()
        .map(|(key, value)| cluster.pods_with_label(namespace, key, value))
        .min_by_key(|pods| pods.len());
    let fits = |pod: &&Object| {
        selector
            .iter()
            .all(|(key, value)| pod.meta.labels.get(key) == Some(value))
    };
    rarest
        .into_iter()
        .flatten()
        .filter_map(|pod| cluster.by_reference(kinds::POD, pod))
        .filter(fits)
        .collect()
}

/// SVC-2 to SVC-5 and SVC-7.
fn backends(judge: &mut Judge<'_>, service: &Service) {
    let namespace = judge.object.namespace();
    let mut counted = count(judge.cluster, judge.object, service);
    let blind = judge.cluster.unseen(kinds::ENDPOINT_SLICE, namespace);
    if let Some((reason, text)) = &blind {
        if !judge.cluster.sees(kinds::POD, namespace) || service.spec.selector.is_empty() {
            return judge.unknown("SVC-2", reason, text.clone());
        }
        let pods = targets(judge.cluster, judge.object, service);
        let always = service.spec.publish_not_ready_addresses;
        counted.all = pods.len();
        counted.ready = pods
            .iter()
            .filter(|pod| always || (!pod.terminating() && pod.pod().is_some_and(Pod::ready)))
            .count();
    }
    if counted.all == 0 && service.spec.selector.is_empty() {
        return unmanaged(judge, service);
    }
    let Count {
        ready,
        leaving,
        all,
    } = counted;
    if ready > 0 {
        let text = format!("{ready} of {all} endpoints are ready");
        if ready == all {
            judge.passing("SVC-2", "ok", text);
        } else if judge.cluster.options.partial_service_is_degraded {
            judge.degraded("SVC-3", "SomeNotReady", text);
        } else {
            judge.passing("SVC-3", "SomeNotReady", text);
        }
        if blind.is_none() {
            ports(judge, service);
        }
    } else if leaving > 0 {
        judge.degraded(
            "SVC-2",
            "OnlyTerminating",
            format!("all of its {leaving} serving endpoints are on their way out"),
        );
    } else {
        nobody(judge, service, all);
    }
}

/// SVC-4.
fn unmanaged(judge: &mut Judge<'_>, service: &Service) {
    let headless = &*service.spec.cluster_ip == "None";
    if headless || !service.status.load_balancer.ingress.is_empty() {
        judge.passing(
            "SVC-4",
            "Unmanaged",
            "has no selector and no endpoints: somebody else serves it",
        );
    } else {
        judge.unknown("SVC-4", "Unmanaged", "has no selector and no endpoints");
    }
}

/// Why nobody answers.
fn nobody(judge: &mut Judge<'_>, service: &Service, all: usize) {
    let pods = selected(
        judge.cluster,
        judge.object.namespace(),
        &service.spec.selector,
    );
    let live: Vec<_> = pods
        .iter()
        .filter(|pod| pod.pod().is_some_and(|pod| !pod.finished()))
        .collect();
    let idle = (all == 0 && live.is_empty()).then(|| {
        let selector = &service.spec.selector;
        scaled_to_zero(judge.cluster, judge.object.namespace(), selector)
    });
    if let Some(workload) = idle.flatten() {
        let text = format!("has no endpoints: {} is scaled to zero", workload.title());
        return judge.degraded("SVC-2", "ScaledToZero", text);
    }
    if all == 0 && judge.within_since(None, SLICE_GRACE) {
        return judge.unknown("SVC-2", "Progressing", "its endpoints are not there yet");
    }
    let why = live.iter().find_map(|object| {
        let (_, text) = pod::trouble(judge.cluster, object, judge.now)?;
        Some(format!("; pod {}: {text}", object.name()))
    });
    let text = match (all, live.is_empty()) {
        (0, true) if pods.is_empty() => "no pod matches its selector".to_owned(),
        (0, true) => "every pod that matches its selector has ended".to_owned(),
        (0, false) => format!("has no endpoints{}", why.unwrap_or_default()),
        (all, _) => format!(
            "none of its {all} endpoints is ready{}",
            why.unwrap_or_default()
        ),
    };
    let starts = live.iter().filter_map(|object| object.created()).max();
    let starting = !live.is_empty()
        && starts.is_some_and(|start| judge.within(start, judge.limit(CONTAINER_START)))
        && live.iter().all(|object| {
            pod::trouble(judge.cluster, object, judge.now)
                .is_none_or(|(state, _)| state < State::Failing)
        });
    if starting {
        judge.unknown("SVC-2", "Progressing", text);
    } else {
        judge.failing("SVC-2", "NoEndpoints", text);
    }
}

/// A workload with no replicas on purpose whose pods a selector would select.
fn scaled_to_zero<'a>(
    cluster: &'a Cluster,
    namespace: &str,
    selector: &Labels,
) -> Option<&'a Object> {
    if selector.is_empty() {
        return None;
    }
    let kinds = [kinds::DEPLOYMENT, kinds::STATEFUL_SET, kinds::REPLICA_SET];
    kinds
        .into_iter()
        .flat_map(|kind| cluster.in_namespace(kind, namespace))
        .find(|object| {
            let (replicas, template) = match &object.body {
                Body::Deployment(body) => (body.spec.replicas, &body.spec.template),
                Body::StatefulSet(body) => (body.spec.replicas, &body.spec.template),
                Body::ReplicaSet(body) if !replicas::is_history(cluster, object, body) => {
                    (body.spec.replicas, &body.spec.template)
                }
                _ => return false,
            };
            replicas == Some(0)
                && selector
                    .iter()
                    .all(|(key, value)| template.metadata.labels.get(key) == Some(value))
        })
}

/// SVC-5: every port must be there on some slice with a ready endpoint.
fn ports(judge: &mut Judge<'_>, service: &Service) {
    let always = service.spec.publish_not_ready_addresses;
    let serving: Vec<&EndpointSlice> = slices(judge.cluster, judge.object)
        .filter_map(|object| match &object.body {
            Body::EndpointSlice(slice) => Some(&**slice),
            _ => None,
        })
        .filter(|slice| {
            slice
                .endpoints
                .iter()
                .any(|endpoint| is_ready(endpoint, always))
        })
        .collect();
    for port in &service.spec.ports {
        let resolves = serving.iter().any(|slice| match &slice.ports {
            // No list at all means all ports, by the API's words.
            None => true,
            Some(ports) => ports
                .iter()
                .any(|known| known.name == port.name && known.port.is_some()),
        });
        if !resolves {
            let target = port
                .target_port
                .as_ref()
                .map_or_else(|| port.port.to_string(), ToString::to_string);
            let name = if port.name.is_empty() {
                port.port.to_string()
            } else {
                port.name.to_string()
            };
            judge.failing(
                "SVC-5",
                "PortNotServed",
                format!("no ready pod serves its port {name} (target port {target})"),
            );
        }
    }
}

/// SVC-6.
fn load_balancer(judge: &mut Judge<'_>, service: &Service) {
    if &*service.spec.kind != "LoadBalancer" {
        return;
    }
    let addresses = &service.status.load_balancer.ingress;
    for port in addresses
        .iter()
        .flat_map(|address| &address.ports)
        .filter(|port| !port.error.is_empty())
    {
        judge.failing(
            "SVC-6",
            "LoadBalancerPortError",
            format!(
                "its load balancer cannot serve the port {}: {}",
                port.port, port.error
            ),
        );
    }
    if let Some(said) = condition(&service.status.conditions, "LoadBalancerPortsError")
        && said.is_true()
    {
        judge.failing("SVC-6", "LoadBalancerPortsError", said.sentence());
    }
    let named = addresses
        .iter()
        .find(|address| !address.ip.is_empty() || !address.hostname.is_empty());
    if let Some(address) = named {
        let name = if address.ip.is_empty() {
            &address.hostname
        } else {
            &address.ip
        };
        return judge.passing(
            "SVC-6",
            "ok",
            format!("its load balancer has the address {name}"),
        );
    }
    if !service.spec.external_ips.is_empty() {
        return judge.passing(
            "SVC-6",
            "ExternalAddresses",
            "has external addresses of its own",
        );
    }
    if !service.spec.load_balancer_class.is_empty() && !class_publishes(judge, service) {
        let text = format!(
            "the class {} gives nobody an address",
            service.spec.load_balancer_class
        );
        return judge.passing("SVC-6", "ClassPublishesNothing", text);
    }
    if judge.within_since(None, judge.limit(LB_ADDRESS)) {
        judge.unknown(
            "SVC-6",
            "Progressing",
            "its load balancer has no address yet",
        );
    } else {
        judge.failing("SVC-6", "NoAddress", "its load balancer has no address");
    }
}

/// Whether another Service of the same load balancer class has an address.
fn class_publishes(judge: &Judge<'_>, service: &Service) -> bool {
    judge.looks_around()
        && judge
            .cluster
            .table(kinds::SERVICE)
            .any(|object| match &object.body {
                Body::Service(peer) => {
                    peer.spec.load_balancer_class == service.spec.load_balancer_class
                        && !peer.status.load_balancer.ingress.is_empty()
                }
                _ => false,
            })
}

/// The pods behind a Service: one is enough.
pub(super) fn endpoints(judge: &mut Judge<'_>, service: &Service) {
    for pod in targets(judge.cluster, judge.object, service) {
        let effect = if pod.terminating() {
            Effect::Optional
        } else {
            Effect::Required
        };
        judge.link_object(pod, effect);
    }
    judge.verdict.rule = Some((Rule::AtLeast(Threshold::Count(1)), None));
    let counted = judge.verdict.links.iter().any(|link| {
        matches!(
            link,
            super::Link::Thing {
                effect: Effect::Required,
                ..
            }
        )
    });
    if !counted {
        judge.verdict.rule = Some((Rule::All, None));
    }
}

pub(super) fn slice(judge: &mut Judge<'_>, slice: &EndpointSlice) {
    let ready = slice
        .endpoints
        .iter()
        .filter(|endpoint| is_ready(endpoint, false))
        .count();
    judge.passing(
        "SVC-2",
        "exists",
        format!("{ready} of {} endpoints are ready", slice.endpoints.len()),
    );
}
