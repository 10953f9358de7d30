//! What each object amounts to: pure functions of what is known about the cluster and the time.

mod autoscaling;
mod certificate;
mod container;
mod control;
mod cronjob;
mod custom;
mod daemonset;
mod deployment;
mod gateway;
mod general;
mod ingress;
mod job;
mod node;
pub(crate) mod pod;
mod policy;
mod references;
mod replicas;
mod service;
mod statefulset;
mod storage;
mod webhook;

use std::sync::Arc;

use alpacalert_model::{Effect, Observation, Reason, Rule, Severity, State, Timestamp};
use jiff::SignedDuration;

use crate::cluster::{Cluster, Lookup};
use crate::kinds;
use crate::object::{Body, Object, age};
use crate::options::Limit;

pub(crate) use container::container;
pub(crate) use job::{End as JobEnd, end as job_end, scheduled_at as job_scheduled_at};
pub(crate) use references::{volume, volume_mount, volume_sub_path};
pub(crate) use replicas::is_history;

/// One thing that a rule found about an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule: `POD-2`. [`RULES`](crate::rules::RULES) says what each means.
    pub rule: &'static str,
    /// What it makes of the object.
    pub state: State,
    /// Why, for machines: `unschedulable`.
    pub reason: Reason,
    /// Why, for people.
    pub text: String,
    /// How serious the sentence is: a Passing finding may still be worth a warning.
    pub severity: Severity,
}

/// What an object has below it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Link {
    /// Another thing of the cluster, or a part of this one, by its kind and reference.
    Thing {
        kind: Arc<str>,
        reference: Arc<str>,
        effect: Effect,
    },
}

/// What the rules make of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// What was found, in the order of the rules.
    pub(crate) findings: Vec<Finding>,
    /// What is below it.
    pub(crate) links: Vec<Link>,
    /// How the things below it are judged, if not `all`, and how many of them must pass for it to be more than Degraded.
    pub(crate) rule: Option<(Rule, Option<u32>)>,
}

/// Judges one object: looks around in the cluster, and collects what is found.
pub(crate) struct Judge<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) now: Timestamp,
    pub(crate) object: &'a Object,
    pub(crate) verdict: Verdict,
}

/// What the rules make of an object.
pub(crate) fn judge(cluster: &Cluster, object: &Object, now: Timestamp) -> Verdict {
    let mut judge = Judge::new(cluster, object, now);
    if general::decided(&mut judge) {
        return judge.verdict;
    }
    match &object.body {
        Body::Pod(pod) => pod::pod(&mut judge, pod),
        Body::ReplicaSet(set) => replicas::replica_set(&mut judge, set),
        Body::Deployment(deployment) => deployment::deployment(&mut judge, deployment),
        Body::StatefulSet(set) => statefulset::stateful_set(&mut judge, set),
        Body::DaemonSet(set) => daemonset::daemon_set(&mut judge, set),
        Body::Job(job) => job::job(&mut judge, job),
        Body::CronJob(job) => cronjob::cron_job(&mut judge, job),
        Body::Node(node) => node::node(&mut judge, node),
        Body::Namespace(namespace) => control::namespace(&mut judge, namespace),
        Body::Pvc(claim) => storage::claim(&mut judge, claim),
        Body::Pv(volume) => storage::volume(&mut judge, volume),
        Body::StorageClass(class) => storage::class(&mut judge, class),
        Body::VolumeAttachment(attachment) => storage::attachment(&mut judge, attachment),
        Body::Keys(keys) => storage::keys(&mut judge, keys),
        Body::ServiceAccount(account) => policy::service_account(&mut judge, account),
        Body::Service(service) => service::service(&mut judge, service),
        Body::EndpointSlice(slice) => service::slice(&mut judge, slice),
        Body::Ingress(ingress) => ingress::ingress(&mut judge, ingress),
        Body::NetworkPolicy(policy) => policy::network_policy(&mut judge, policy),
        Body::GatewayClass(class) => gateway::class(&mut judge, class),
        Body::Gateway(gateway) => gateway::gateway(&mut judge, gateway),
        Body::Route(route) => gateway::route(&mut judge, route),
        Body::Hpa(hpa) => autoscaling::hpa(&mut judge, hpa),
        Body::Pdb(pdb) => autoscaling::pdb(&mut judge, pdb),
        Body::Quota(quota) => autoscaling::quota(&mut judge, quota),
        Body::Binding(binding) => policy::binding(&mut judge, binding),
        Body::Crd(crd) => control::crd(&mut judge, crd),
        Body::ApiService(api) => control::api_service(&mut judge, api),
        Body::Webhooks(webhooks) => webhook::webhooks(&mut judge, webhooks),
        Body::AdmissionPolicy(policy) => policy::admission_policy(&mut judge, policy),
        Body::Lease(lease) => control::lease(&mut judge, lease),
        Body::Certificate(certificate) => certificate::certificate(&mut judge, certificate),
        Body::Issuer(issuer) => certificate::issuer(&mut judge, issuer),
        Body::Custom(custom) => custom::custom(&mut judge, custom),
        Body::CsiNode(_)
        | Body::IngressClass
        | Body::ReferenceGrant(_)
        | Body::Plain
        | Body::Malformed(_) => judge.passing("EXISTS", "exists", "exists"),
    }
    general::afterwards(&mut judge);
    judge.verdict
}

/// A part of an object that has a node of its own: `Gateway#listener` with the reference `shop/gw/https`.
pub(crate) fn judge_part(
    cluster: &Cluster,
    object: &Object,
    fragment: &str,
    name: &str,
    now: Timestamp,
) -> Option<Verdict> {
    let mut judge = Judge::new(cluster, object, now);
    match (&object.body, fragment) {
        (Body::Pod(pod), "container") => container(&mut judge, pod, name)?,
        (Body::Pod(pod), "volume") => volume(&mut judge, pod, name)?,
        (Body::Pod(pod), "volumemount") => volume_mount(&mut judge, pod, name)?,
        (Body::Pod(pod), "volumesubpath") => volume_sub_path(&mut judge, pod, name)?,
        (Body::Ingress(ingress), "path") => ingress::path(&mut judge, ingress, name)?,
        (Body::Gateway(gateway), "listener") => gateway::listener(&mut judge, gateway, name)?,
        (Body::Webhooks(webhooks), "webhook") => webhook::webhook(&mut judge, webhooks, name)?,
        (Body::Service(service), "endpoints") => service::endpoints(&mut judge, service),
        (_, "pods") => replicas::pods(&mut judge)?,
        _ => return None,
    }
    Some(judge.verdict)
}

impl<'a> Judge<'a> {
    pub(crate) fn new(cluster: &'a Cluster, object: &'a Object, now: Timestamp) -> Self {
        Judge {
            cluster,
            now,
            object,
            verdict: Verdict::default(),
        }
    }

    /// Whether references are looked at.
    pub(crate) fn looks_around(&self) -> bool {
        !self.cluster.options.own
    }

    pub(crate) fn find(
        &mut self,
        rule: &'static str,
        state: State,
        reason: &str,
        text: impl Into<String>,
    ) {
        // G7. A node without new pods and a target without replicas are not suspended themselves.
        let state = match (state, reason) {
            (State::Passing, "Suspended") if !matches!(rule, "NODE-4" | "HPA-2") => {
                self.cluster.options.suspended_as
            }
            _ => state,
        };
        self.verdict.findings.push(Finding {
            rule,
            state,
            reason: match reason {
                // Most findings say one of these.
                "ok" => Reason::OK,
                "exists" => Reason::fixed("exists"),
                _ => Reason::new(code(reason)),
            },
            text: text.into(),
            severity: state.into(),
        });
    }

    pub(crate) fn passing(&mut self, rule: &'static str, reason: &str, text: impl Into<String>) {
        self.find(rule, State::Passing, reason, text);
    }

    pub(crate) fn degraded(&mut self, rule: &'static str, reason: &str, text: impl Into<String>) {
        self.find(rule, State::Degraded, reason, text);
    }

    pub(crate) fn unknown(&mut self, rule: &'static str, reason: &str, text: impl Into<String>) {
        self.find(rule, State::Unknown, reason, text);
    }

    pub(crate) fn failing(&mut self, rule: &'static str, reason: &str, text: impl Into<String>) {
        self.find(rule, State::Failing, reason, text);
    }

    /// Passing, with a warning.
    pub(crate) fn warn(&mut self, rule: &'static str, reason: &str, text: impl Into<String>) {
        self.passing(rule, reason, text);
        if let Some(finding) = self.verdict.findings.last_mut() {
            finding.severity = Severity::Warn;
        }
    }

    /// The time of a limit: the object's annotation, or the default.
    pub(crate) fn limit(&self, limit: Limit) -> SignedDuration {
        let key = format!("alpacalert.io/{}", limit.name);
        let written = self.object.annotation(&key).and_then(parse_duration);
        written.unwrap_or(limit.default)
    }

    /// Whether less than `length` has passed since `start`; the verdict is due again when it has.
    pub(crate) fn within(&self, start: Timestamp, length: SignedDuration) -> bool {
        let end = start.checked_add(length).unwrap_or(Timestamp::MAX);
        let within = self.now < end;
        if within {
            self.cluster.note_due(end);
        }
        within
    }

    /// Whether less than `length` has passed since `start`. What has no start of its own has that of the object; what has
    /// none at all is as good as new, since a false alarm is worse than a late one.
    pub(crate) fn within_since(&self, start: Option<Timestamp>, length: SignedDuration) -> bool {
        match start.or_else(|| self.object.created()) {
            Some(start) => self.within(start, length),
            None => true,
        }
    }

    /// How long ago something was, for a sentence; it is said again before it is far from true.
    pub(crate) fn age(&self, then: Timestamp) -> SignedDuration {
        let age = age(self.now, then);
        self.say_again(age);
        age
    }

    /// How long it is until something, for a sentence.
    pub(crate) fn left(&self, until: Timestamp) -> SignedDuration {
        let left = until.duration_since(self.now);
        self.say_again(left.max(SignedDuration::ZERO));
        left
    }

    /// A sentence with a length of time in it is out of date by at most a tenth of that.
    fn say_again(&self, said: SignedDuration) {
        let (least, most) = (SignedDuration::from_secs(30), SignedDuration::from_hours(1));
        let later = self.now.checked_add((said / 10).clamp(least, most));
        self.cluster.note_due(later.unwrap_or(Timestamp::MAX));
    }

    /// Something below the object.
    pub(crate) fn link(&mut self, kind: &str, reference: &str, effect: Effect) {
        self.link_to(kind, reference.into(), effect);
    }

    fn link_to(&mut self, kind: &str, reference: Arc<str>, effect: Effect) {
        let link = Link::Thing {
            kind: kind.into(),
            reference,
            effect,
        };
        // What is named twice is one member with the stronger edge: the scope sees to that, at a lower price than here.
        if self.verdict.links.last() != Some(&link) {
            self.verdict.links.push(link);
        }
    }

    /// Another object below this one. What is being deleted is shown and does not count any more.
    pub(crate) fn link_object(&mut self, object: &Object, effect: Effect) {
        let leaves = is_optional(object) || object.terminating();
        let effect = if leaves { Effect::Optional } else { effect };
        self.link_to(&object.kind, object.reference.clone(), effect);
    }

    /// A part of the object, with a node of its own.
    pub(crate) fn link_part(&mut self, fragment: &str, name: &str, effect: Effect) {
        let kind = format!("{}#{fragment}", self.object.kind);
        let reference = match name {
            "" => self.object.reference.to_string(),
            name => format!("{}/{name}", self.object.reference),
        };
        self.link(&kind, &reference, effect);
    }

    /// Something that the object names: its own node, whether it is there or not.
    ///
    /// `started`: whether the object works already, so that what is lost shows only when it starts again, and what we may
    /// not see cannot be missing.
    pub(crate) fn refer(&mut self, kind: &str, namespace: &str, name: &str, started: bool) {
        if !self.looks_around() {
            return;
        }
        let found = self.cluster.look(kind, namespace, name);
        let effect = match (&found, started) {
            (Lookup::Unseen(..), true) => Effect::Optional,
            (_, true) => Effect::Degrades,
            (_, false) => Effect::Required,
        };
        self.depend_on(found, kind, namespace, name, effect);
    }

    /// Something that the object names, counted as told.
    pub(crate) fn depend(&mut self, kind: &str, namespace: &str, name: &str, effect: Effect) {
        let found = self.cluster.look(kind, namespace, name);
        self.depend_on(found, kind, namespace, name, effect);
    }

    fn depend_on(
        &mut self,
        found: Lookup<'_>,
        kind: &str,
        namespace: &str,
        name: &str,
        effect: Effect,
    ) {
        match found {
            Lookup::Found(object) if is_ignored(object) => {}
            Lookup::Found(object) => {
                let effect = if is_optional(object) {
                    Effect::Optional
                } else {
                    effect
                };
                self.link_to(kind, object.reference.clone(), effect);
            }
            Lookup::Missing if self.settling() => {
                let title = format!("{} {name}", kinds::short_name(kind));
                self.unknown("G8", "settling", format!("{title} is not there yet"));
            }
            _ => self.link(kind, &kinds::reference(namespace, name), effect),
        }
    }

    /// Whether a reference may point to nothing because the cache of its kind is behind that of the object.
    pub(crate) fn settling(&self) -> bool {
        match self.object.first_seen {
            Some(seen) => self.within(seen, self.limit(crate::options::SETTLE)),
            None => false,
        }
    }

    /// Something that must be there and has no node of its own: a finding.
    pub(crate) fn must_exist(
        &mut self,
        rule: &'static str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) {
        if !self.looks_around() {
            return;
        }
        let title = format!("{} {name}", kinds::short_name(kind));
        match self.cluster.look(kind, namespace, name) {
            Lookup::Found(_) => self.passing(rule, "exists", format!("{title} exists")),
            Lookup::Unseen(reason, text) => self.unknown(rule, reason, text),
            Lookup::Missing if self.settling() => {
                self.unknown(rule, "settling", format!("{title} is not there yet"));
            }
            Lookup::Missing => self.failing(rule, "missing", format!("{title} does not exist")),
        }
    }

    /// The state of another object by its own rules alone: what stands below it does not count.
    pub(crate) fn state_of(&self, object: &Object) -> State {
        judge(self.cluster, object, self.now).state()
    }
}

impl Verdict {
    /// The worst state that was found.
    pub(crate) fn state(&self) -> State {
        self.findings
            .iter()
            .map(|finding| finding.state)
            .max()
            .unwrap_or(State::Passing)
    }

    /// The finding that decides: the first of the worst.
    pub(crate) fn worst(&self) -> Option<&Finding> {
        let worst = self.state();
        self.findings.iter().find(|finding| finding.state == worst)
    }

    /// What was found, as the observation of one sensor: the worst first, and of what passes only what is worth a word.
    pub(crate) fn observation(&self, at: Timestamp) -> Observation {
        let Some(worst) = self.worst() else {
            return Observation::passing(at);
        };
        let mut observation = Observation::new(worst.state, worst.reason.clone(), at);
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse((finding.state, finding.severity)));
        let quiet = observation.state == State::Passing;
        for (index, finding) in findings.into_iter().enumerate() {
            let telling = finding.state != State::Passing || finding.severity > Severity::Info;
            if telling || (quiet && index == 0) {
                observation = observation.message(finding.severity, finding.text.clone());
            }
        }
        observation
    }
}

/// Whether an object says of itself that nothing depends on it.
pub(crate) fn is_optional(object: &Object) -> bool {
    object.annotation("alpacalert.io/optional") == Some("true")
}

/// Whether an object asks to be left out.
pub(crate) fn is_ignored(object: &Object) -> bool {
    object.annotation("alpacalert.io/ignore") == Some("true")
}

/// A reason of Kubernetes as a code: `CrashLoopBackOff` is `crash-loop-back-off`.
pub(crate) fn code(reason: &str) -> String {
    // Our own are codes already.
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    if reason.len() <= 100
        && reason.bytes().all(plain)
        && !(reason.starts_with('-') || reason.ends_with('-') || reason.contains("--"))
    {
        return reason.to_owned();
    }
    let chars: Vec<char> = reason.chars().take(100).collect();
    let mut code = String::with_capacity(reason.len() + 4);
    for (index, c) in chars.iter().enumerate() {
        if c.is_ascii_uppercase() {
            let before = index.checked_sub(1).map(|i| chars[i]);
            let after = chars.get(index + 1);
            let starts = before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                || (before.is_some_and(|b| b.is_ascii_uppercase())
                    && after.is_some_and(|a| a.is_ascii_lowercase()));
            if starts {
                code.push('-');
            }
            code.push(c.to_ascii_lowercase());
        } else if c.is_ascii_alphanumeric() {
            code.push(*c);
        } else if !code.ends_with('-') && !code.is_empty() {
            code.push('-');
        }
    }
    code.trim_end_matches('-').to_owned()
}

/// A length of time as people write it: `90s`, `10m`, `1h30m`, `7d`.
pub(crate) fn parse_duration(text: &str) -> Option<SignedDuration> {
    let mut total = SignedDuration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        total = total.checked_add(SignedDuration::from_secs(number.checked_mul(seconds)?))?;
        rest = &rest[unit..];
    }
    Some(total)
}

/// A length of time for people.
pub(crate) fn words(length: SignedDuration) -> String {
    alpacalert_model::Unit::Seconds.write(length.as_secs() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_kubernetes_become_codes() {
        for (reason, expected) in [
            ("CrashLoopBackOff", "crash-loop-back-off"),
            ("OOMKilled", "oom-killed"),
            ("ErrImagePull", "err-image-pull"),
            ("OutOfcpu", "out-ofcpu"),
            ("missing", "missing"),
            ("not-ready", "not-ready"),
            ("-a--b-", "a-b"),
            ("a  b!", "a-b"),
            ("", ""),
        ] {
            assert_eq!(code(reason), expected, "{reason}");
        }
    }

    #[test]
    fn durations_are_read_and_nonsense_is_not() {
        assert_eq!(parse_duration("1h30m"), Some(SignedDuration::from_mins(90)));
        assert_eq!(parse_duration("7d"), Some(SignedDuration::from_hours(168)));
        for text in [
            "",
            "5",
            "m",
            "5x",
            "-1s",
            "99999999999999999999h",
            "9223372036854775807d",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
