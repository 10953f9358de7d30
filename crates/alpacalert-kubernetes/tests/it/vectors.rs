//! What the test suites of other tools showed to be missing; `docs/reference/kubernetes-differences.md` says which ones ran.
//! The objects are our own.

use alpacalert_kubernetes::Options;

use crate::support::*;

const FOO: &str = "example.com/Foo/shop/f";

fn foo(spec: &str, status: &str) -> String {
    kind("example.com/v1", "Foo", spec, status)
}

fn kind(version: &str, kind: &str, spec: &str, status: &str) -> String {
    format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: f, namespace: shop, generation: 2, creationTimestamp: '{{ago 9000}}'}}\nspec: {{{spec}}}\nstatus: {{{status}}}\n"
    )
}

/// A status, and what must come of it: never Passing where something is broken, or not understood.
#[track_caller]
fn told(rule: &str, status: &str, state: alpacalert_model::State, reason: &str) {
    case(rule, &foo("", status), FOO, state, reason);
}

/// A word may stand in a field of the operator's own, and be spelled in many ways.
#[test]
fn words_in_fields_of_an_operators_own() {
    told("CR-6", "clusterStatus: CreateFailed", F, "create-failed");
    told("CR-6", "compliant: NonCompliant", F, "non-compliant");
    told("CR-6", "state: ConfigError", F, "config-error");
    told("CR-6", "phase: Succeeded, resultState: Failed", F, "failed");
    told("CR-6", "currentState: Contemplating", U, "unknown-phase");
    told("CR-6", "currentState: Running", P, "ok");
    told("CR-6", "health: yellow", D, "yellow");
    told("CR-2", "state: paused", P, "suspended");
    // What is wished for, or was, is not what is.
    told("CR-7", "lastRunStatus: Failed", P, "no-signal");
    told("CR-6", "desiredState: Failed, phase: Ready", P, "ok");
    told("CR-6", "phase: NoErrors", U, "unknown-phase");
    quiet(
        "CR-6",
        &foo("", "phase: Ready, syncState: Contemplating"),
        FOO,
    );
}

/// Words that nobody here knows are not well.
#[test]
fn what_speaks_of_health_and_is_not_understood_is_unknown() {
    told(
        "CR-7",
        "conditions: [{type: Pondering, status: 'True'}]",
        U,
        "not-understood",
    );
    told("CR-7", "state: 3", U, "not-understood");
    told("CR-7", "NoMatchingServers: true", U, "not-understood");
    told("CR-7", "failedJobs: 2", U, "not-understood");
    told("CR-7", "failedJobs: 0, revision: 7", P, "no-signal");
    told(
        "CR-7",
        "statefulSetName: f, healthChecks: Enabled",
        P,
        "no-signal",
    );
    for known in [
        "{type: Dangling, status: 'False'}",
        "{type: Approved, status: 'True'}",
    ] {
        told("CR-7", &format!("conditions: [{known}]"), P, "ok");
    }
    told(
        "CR-7",
        "conditions: [{type: SyncFailed, status: 'False'}]",
        P,
        "ok",
    );
    told("CR-1", "lastRun: null", U, "not-observed");
    told("CR-7", "readyToUse: false", F, "not-ready");
    told("CR-7", "readyToUse: true", P, "ok");
}

/// Conditions of an older generation say nothing, and nothing said is not well.
#[test]
fn only_stale_conditions_are_unknown() {
    told(
        "CR-7",
        "conditions: [{type: Ready, status: 'True', observedGeneration: 1}]",
        U,
        "stale-status",
    );
    told(
        "CR-7",
        "currentStatus: valid, conditions: [{type: Valid, status: 'True', observedGeneration: 1}]",
        U,
        "stale-status",
    );
    told(
        "G4",
        "observedGeneration: '1', phase: Ready",
        U,
        "stale-status",
    );
    told(
        "CR-7",
        "conditions: [{type: Ready, status: true, observedGeneration: '2'}]",
        P,
        "ok",
    );
}

#[test]
fn conditions_say_by_their_reasons_what_they_are() {
    let said = |condition: &str| format!("conditions: [{condition}]");
    told(
        "CR-5",
        &said("{type: Pondered, status: 'False', reason: PonderFailed}"),
        D,
        "ponder-failed",
    );
    // An end that was reached by failing is no success.
    told(
        "CR-5",
        &said("{type: Complete, status: 'True', reason: JobFailed}"),
        F,
        "failed",
    );
    told(
        "CR-5",
        &said("{type: Complete, status: 'False', message: It failed}"),
        F,
        "failed",
    );
    told(
        "CR-5",
        &said("{type: Ready, status: 'False', message: access is forbidden}"),
        F,
        "not-ready",
    );
    for (reason, code) in [
        ("ErrNoAccount", "err-no-account"),
        ("UnhealthyRevision", "unhealthy-revision"),
        ("ServerUnreachable", "server-unreachable"),
    ] {
        let said = said(&format!(
            "{{type: Ready, status: 'False', reason: {reason}}}"
        ));
        told("CR-5", &said, F, code);
    }
    told(
        "CR-3",
        &said("{type: Ready, status: 'True'}, {type: Fallback, status: 'True'}"),
        D,
        "fallback",
    );
    // A start takes its time, whatever it is called.
    let starting = |since: u32| {
        said(&format!(
            "{{type: Ready, status: 'False', reason: BootingGuest, lastTransitionTime: '{{ago {since}}}'}}"
        ))
    };
    told("CR-5", &starting(899), U, "progressing");
    told("CR-5", &starting(900), F, "still-not-ready");
}

#[test]
fn parts_that_failed_degrade_the_whole() {
    let ready = "conditions: [{type: Ready, status: 'True'}]";
    let with = |more: &str| format!("{ready}, {more}");
    for part in [
        "members: [{name: a, health: Healthy}, {name: b, health: Unhealthy}]",
        "reports: {eu: {state: Rejected}}",
        "runResult: {failed: true}",
        "members: [{applied: false}]",
    ] {
        told("CR-8", &with(part), D, "part-failing");
    }
    told(
        "CR-3",
        &with("sync: {error: no such server}"),
        D,
        "failure-reported",
    );
    told(
        "CR-3",
        "error: {message: no such volume}",
        F,
        "failure-reported",
    );
    told("CR-3", "errors: [too slow]", F, "failure-reported");
    // What was, and what does not fail.
    quiet("CR-8", &foo("", &with("history: [{state: Failed}]")), FOO);
    quiet("CR-8", &foo("", &with("parts: [{state: Pondering}]")), FOO);
    quiet("CR-3", &foo("", &with("errors: [], error: ''")), FOO);
    // Without a word for the whole those for the parts decide.
    told("CR-8", "reports: {eu: {state: Accepted}}", P, "ok");
    told(
        "CR-8",
        "reports: {eu: {state: Pondering}}",
        U,
        "unknown-phase",
    );
}

#[test]
fn replicas_of_any_kind_are_counted() {
    let ready = |status: &str| foo("replicas: 3", status);
    case("CR-8", &ready("readyReplicas: 3"), FOO, P, "ok");
    case("CR-8", &ready("readyReplicas: 2"), FOO, D, "degraded");
    case("CR-8", &ready("readyReplicas: 0"), FOO, F, "not-ready");
    told("CR-8", "scale: {statusReplicas: 1/2}", D, "degraded");
    told(
        "CR-8",
        "desiredNumberScheduled: 2, numberReady: 1",
        D,
        "degraded",
    );
    told(
        "CR-8",
        "expectedMachines: 3, currentHealthy: 1, conditions: [{type: RemediationAllowed, status: 'True'}]",
        D,
        "degraded",
    );
}

/// A database without backups works, with less margin; one that somebody put to sleep is suspended.
#[test]
fn what_goes_on_beside_the_work_degrades() {
    let ready = "{type: Ready, status: 'True'}";
    let beside = "{type: LastBackupSucceeded, status: 'False', reason: LastBackupFailed}";
    told(
        "CR-5",
        &format!("conditions: [{ready}, {beside}]"),
        D,
        "last-backup-succeeded",
    );
    let slept = foo("", "phase: Ready").replace(
        "name: f,",
        "name: f, annotations: {cnpg.io/hibernation: 'on'},",
    );
    case("CR-2", &slept, FOO, P, "suspended");
}

/// Ready with nothing to do is not what it is for.
#[test]
fn kinds_that_need_something_to_work_on() {
    let strategy = |environments: &str| {
        kind(
            "promoter.argoproj.io/v1alpha1",
            "PromotionStrategy",
            "",
            &format!("conditions: [{{type: Ready, status: 'True'}}], environments: {environments}"),
        )
    };
    let path = "promoter.argoproj.io/PromotionStrategy/shop/f";
    case("CR-8", &strategy("[]"), path, D, "empty");
    quiet("CR-8", &strategy("[{branch: live}]"), path);
}

/// A pod that runs was given a node, even where nobody says so any more.
#[test]
fn a_running_pod_was_scheduled() {
    let running = |conditions: &str, waiting: &str| {
        pod(
            "p",
            "",
            "containers: [{name: app}]",
            &format!(
                "phase: Running, conditions: [{conditions}], containerStatuses: [{{name: app, {waiting}}}]"
            ),
        )
    };
    let well = "ready: true, started: true, state: {running: {startedAt: '{ago 900}'}}";
    let yaml = running("{type: Ready, status: 'True'}", well);
    case("POD-2", &yaml, "Pod/shop/p", P, "ok");
    let crashing = "state: {waiting: {reason: CrashLoopBackOff}}";
    world(&running(
        "{type: PodScheduled, status: 'False', reason: Unschedulable, lastTransitionTime: '{ago 5}'}",
        crashing,
    ))
    .expect("Pod/shop/p", F);
}

#[test]
fn a_definition_that_is_being_deleted_is_not_established() {
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.com, deletionTimestamp: '{ago 5}'}\nspec: {group: example.com, names: {kind: Foo}, versions: [{name: v1}]}\nstatus: {conditions: [{type: Established, status: 'True'}]}\n";
    case(
        "CRD-1",
        crd,
        "CustomResourceDefinition/foos.example.com",
        U,
        "terminating",
    );
}

fn gateway(programmed: &str, second: &str) -> String {
    let listener = |name: &str, accepted: &str| {
        format!(
            "{{name: {name}, conditions: [{{type: Accepted, {accepted}}}, {{type: Programmed, status: 'True'}}, {{type: ResolvedRefs, status: 'True'}}]}}"
        )
    };
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gw, namespace: shop}}\nspec: {{gatewayClassName: g, listeners: [{{name: a}}, {{name: b}}]}}\nstatus: {{conditions: [{{type: Accepted, status: 'True'}}, {{type: Programmed, {programmed}}}], listeners: [{}, {}]}}\n",
        listener("a", second),
        listener("b", "status: 'True'")
    )
}

#[test]
fn a_gateway_that_is_still_being_programmed_does_not_fail() {
    let yaml = gateway("status: 'False', reason: StillInProgress", "status: 'True'");
    case("GW-2", &yaml, "Gateway/shop/gw", U, "progressing");
    let yaml = gateway("status: 'True'", "status: 'False', reason: Pending");
    case(
        "GWL-1",
        &yaml,
        "Gateway#listener/shop/gw/a",
        U,
        "progressing",
    );
}

/// Judged by its own status alone, that of its listeners is its own.
#[test]
fn own_counts_the_listeners_of_a_gateway() {
    let own = |accepted: &str| {
        let options = Options {
            own: true,
            ..Options::default()
        };
        let yaml = gateway("status: 'True'", accepted);
        world_at(cluster_with(&yaml, options), NOON).state("Gateway/shop/gw")
    };
    assert_eq!(own("status: 'True'"), P);
    assert_eq!(own("status: 'False', reason: PortUnavailable"), D);
}
