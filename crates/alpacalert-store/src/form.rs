//! How descriptions, samples and limits are written into columns.

use alpacalert_model::{
    Bound, Edge, Effect, Limits, Measurement, Role, Rule, ServiceInfo, Threshold, Unit,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What is known of a node's place in the graph from a moment on. The order of variants and fields is the form of the file:
/// what is added goes to the end, together with a new version of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Described {
    /// It is not there any more.
    Gone,
    /// All of it.
    Whole(Whole),
    /// Members left and came; the rest is as before.
    Members {
        left: Vec<u32>,
        came: Vec<(u32, MemberForm)>,
    },
}

/// Members that left, and those that came to which places.
pub(crate) type Difference = (Vec<u32>, Vec<(u32, MemberForm)>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whole {
    pub(crate) head: Head,
    pub(crate) members: Vec<MemberForm>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) title: String,
    pub(crate) owner: Option<String>,
    pub(crate) provider: String,
    pub(crate) role: RoleForm,
    /// Whether it is a service, and a public one.
    pub(crate) service: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct MemberForm {
    pub(crate) node: u32,
    effect: u8,
    weight: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RoleForm {
    Sensor,
    System {
        rule: RuleForm,
        degraded_below: Option<u32>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RuleForm {
    All,
    Any,
    AtLeastCount(u32),
    AtLeastPercent(u8),
    Weight(u32),
    Exactly(u32),
}

impl From<Role> for RoleForm {
    fn from(role: Role) -> Self {
        let Role::System {
            rule,
            degraded_below,
        } = role
        else {
            return RoleForm::Sensor;
        };
        let rule = match rule {
            Rule::All => RuleForm::All,
            Rule::Any => RuleForm::Any,
            Rule::AtLeast(Threshold::Count(n)) => RuleForm::AtLeastCount(n),
            Rule::AtLeast(Threshold::Percent(p)) => RuleForm::AtLeastPercent(p),
            Rule::Weight(w) => RuleForm::Weight(w),
            Rule::Exactly(n) => RuleForm::Exactly(n),
        };
        RoleForm::System {
            rule,
            degraded_below,
        }
    }
}

impl From<RoleForm> for Role {
    fn from(form: RoleForm) -> Self {
        let RoleForm::System {
            rule,
            degraded_below,
        } = form
        else {
            return Role::Sensor;
        };
        let rule = match rule {
            RuleForm::All => Rule::All,
            RuleForm::Any => Rule::Any,
            RuleForm::AtLeastCount(n) => Rule::AtLeast(Threshold::Count(n)),
            RuleForm::AtLeastPercent(p) => Rule::AtLeast(Threshold::Percent(p)),
            RuleForm::Weight(w) => Rule::Weight(w),
            RuleForm::Exactly(n) => Rule::Exactly(n),
        };
        Role::System {
            rule,
            degraded_below,
        }
    }
}

impl MemberForm {
    pub(crate) fn new(node: u32, edge: Edge) -> Self {
        MemberForm {
            node,
            effect: edge.effect as u8,
            weight: edge.weight,
        }
    }

    pub(crate) fn edge(self) -> Edge {
        let effect = Effect::ALL.get(usize::from(self.effect));
        Edge {
            effect: effect.copied().unwrap_or_default(),
            weight: self.weight,
        }
    }
}

impl Head {
    pub(crate) fn service(&self) -> Option<ServiceInfo> {
        self.service.map(|public| ServiceInfo { public })
    }
}

/// A measured quantity as it is kept beside its values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScaleForm {
    unit: u8,
    degraded: Option<BoundForm>,
    failing: Option<BoundForm>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum BoundForm {
    Above(f64),
    Below(f64),
    Outside(f64, f64),
    Inside(f64, f64),
}

/// In the order of the file: what is added goes to the end.
const UNITS: [Unit; 8] = [
    Unit::None,
    Unit::Count,
    Unit::Seconds,
    Unit::Bytes,
    Unit::Percent,
    Unit::PerSecond,
    Unit::BytesPerSecond,
    Unit::Celsius,
];

impl From<&Measurement> for ScaleForm {
    fn from(measurement: &Measurement) -> Self {
        let bound = |bound: Bound| match bound {
            Bound::Above(a) => BoundForm::Above(a),
            Bound::Below(a) => BoundForm::Below(a),
            Bound::Outside(a, b) => BoundForm::Outside(a, b),
            Bound::Inside(a, b) => BoundForm::Inside(a, b),
        };
        let unit = UNITS.iter().position(|unit| *unit == measurement.unit);
        ScaleForm {
            unit: unit.unwrap_or_default() as u8,
            degraded: measurement.limits.degraded.map(bound),
            failing: measurement.limits.failing.map(bound),
        }
    }
}

impl ScaleForm {
    pub(crate) fn unit(&self) -> Unit {
        UNITS
            .get(usize::from(self.unit))
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn limits(&self) -> Limits {
        let bound = |form: BoundForm| match form {
            BoundForm::Above(a) => Bound::Above(a),
            BoundForm::Below(a) => Bound::Below(a),
            BoundForm::Outside(a, b) => Bound::Outside(a, b),
            BoundForm::Inside(a, b) => Bound::Inside(a, b),
        };
        Limits {
            degraded: self.degraded.map(bound),
            failing: self.failing.map(bound),
        }
    }
}

/// One value of one series, in a sweep over many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SampleForm {
    pub(crate) series: u32,
    /// How long before the sweep it was measured, in milliseconds.
    pub(crate) age: u32,
    pub(crate) value: f64,
}

/// The values of a series within an hour: milliseconds since its beginning, and the value.
pub(crate) type PackedForm = Vec<(u32, f64)>;

/// What is left of the values of a part of a time: which part, how many there were, least, mean and greatest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RolledForm {
    pub(crate) part: u8,
    pub(crate) count: u32,
    pub(crate) min: f32,
    pub(crate) mean: f32,
    pub(crate) max: f32,
}

/// How a service was on one day, in seconds: see [`crate::Uptime`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LivedForm {
    pub(crate) seconds: [f32; 4],
    pub(crate) unobserved: f32,
    pub(crate) absent: f32,
    pub(crate) unsure: Vec<(String, f32)>,
}

pub(crate) fn write<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain data in memory can be written")
}

/// Reads a column; a damaged file may hold anything.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, rusqlite::Error> {
    postcard::from_bytes(bytes).map_err(|error| {
        let kind = rusqlite::types::Type::Blob;
        rusqlite::Error::FromSqlConversionFailure(0, kind, Box::new(error))
    })
}

/// Members after some left and some came.
pub(crate) fn changed(
    before: &[MemberForm],
    left: &[u32],
    came: &[(u32, MemberForm)],
) -> Vec<MemberForm> {
    let left: std::collections::HashSet<u32> = left.iter().copied().collect();
    let mut kept = before.iter().filter(|member| !left.contains(&member.node));
    let mut came = came.iter().peekable();
    let mut after = Vec::with_capacity(before.len());
    loop {
        match came.next_if(|(place, _)| *place as usize <= after.len()) {
            Some((_, member)) => after.push(*member),
            None => match kept.next() {
                Some(member) => after.push(*member),
                None => break,
            },
        }
    }
    after.extend(came.map(|(_, member)| *member));
    after
}
