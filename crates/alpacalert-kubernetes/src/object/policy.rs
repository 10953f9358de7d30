//! Scaling, disruption, quotas, and who may do what.

use std::collections::BTreeMap;

use super::pod::LocalReference;
use super::workload::LabelSelector;
use super::{Condition, pruned};

pruned! {
    Hpa {
        spec: HpaSpec,
        status: HpaStatus,
    }

    HpaSpec {
        scale_target_ref: ScaleTarget,
        max_replicas: i64,
        min_replicas: Option<i64>,
    }

    ScaleTarget {
        api_version: Box<str>,
        kind: Box<str>,
        name: Box<str>,
    }

    HpaStatus {
        current_replicas: i64,
        desired_replicas: i64,
        conditions: Vec<Condition>,
    }

    Pdb {
        spec: PdbSpec,
        status: PdbStatus,
    }

    PdbSpec { selector: Option<LabelSelector> }

    PdbStatus {
        observed_generation: Option<i64>,
        current_healthy: i64,
        desired_healthy: i64,
        disruptions_allowed: i64,
        expected_pods: i64,
        conditions: Vec<Condition>,
    }

    Quota { status: QuotaStatus }

    QuotaStatus {
        hard: BTreeMap<Box<str>, Quantity>,
        used: BTreeMap<Box<str>, Quantity>,
    }

    ServiceAccount { image_pull_secrets: Vec<LocalReference> }

    NetworkPolicy { spec: NetworkPolicySpec }

    NetworkPolicySpec { pod_selector: LabelSelector }

    Binding {
        role_ref: RoleRef,
        subjects: Vec<Subject>,
    }

    RoleRef {
        kind: Box<str>,
        name: Box<str>,
    }

    Subject {
        kind: Box<str>,
        name: Box<str>,
        namespace: Box<str>,
    }
}

/// An amount as the API writes it: `500m`, `1.5Gi`, `12`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Quantity {
    /// As written.
    pub(crate) text: Box<str>,
    /// In the base unit; `None` when it cannot be read.
    pub(crate) value: Option<f64>,
}

impl<'de> serde::Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = super::IntOrText::deserialize(deserializer)?.to_string();
        Ok(Quantity {
            value: quantity(&text),
            text: text.into(),
        })
    }
}

/// The number that a quantity stands for, with the suffixes of `resource.Quantity`.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c)))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    if let Some(exponent) = suffix.strip_prefix(['e', 'E'])
        && !exponent.is_empty()
    {
        return text.parse().ok();
    }
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        _ => return None,
    };
    Some(number * factor)
}
