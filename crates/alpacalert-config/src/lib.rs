//! From the text of a configuration to a validated plan, or to every mistake in it at once.

pub mod plan;

pub use plan::{Concurrency, ExtensionPlan, GroupPlan, MemberPlan, MemberTarget, Plan, SourcePlan};
