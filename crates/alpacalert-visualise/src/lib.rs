//! Presents a graph of health: for people on a terminal, and for machines.
//!
//! Every presentation is a function of a [`View`] (which part of which graph, as of when) and gives back text. Nothing
//! here reads a clock, a terminal or a graph's sources. All text from outside is cleaned before it is shown, so that no
//! title or message can send a terminal a command.
//!
//! | output | for | function |
//! |---|---|---|
//! | tree | people, at 03:00 | [`tree`] |
//! | table | people, and `grep` | [`table`] |
//! | structure | people | [`outline`] |
//! | changes | people, and logs | [`change_line`] |
//! | why, impact | people | [`explain`], [`impact`] |
//! | JSON, YAML | programs | [`Report`] |
//! | Graphviz, Mermaid | pictures | [`dot`], [`mermaid`] |
//! | Nagios | Nagios, Icinga and their kin | [`nagios`] |
//! | JUnit | continuous integration | [`junit`] |

mod change;
mod dot;
mod evidence;
mod explain;
mod headline;
mod junit;
mod look;
mod mermaid;
mod nagios;
mod outline;
mod picture;
mod report;
mod table;
mod text;
mod tree;
mod view;
mod when;

pub use change::change_line;
pub use dot::dot;
pub use evidence::{cause_evidence, evidence, rule_sentence};
pub use explain::{explain, impact};
pub use headline::{Headline, Overview, Whose, overview};
pub use junit::junit;
pub use look::{Look, shape};
pub use mermaid::mermaid;
pub use nagios::nagios;
pub use outline::outline;
pub use report::{
    BoundRecord, ExplanationRecord, ImpactRecord, LimitsRecord, MaintenanceRecord,
    MeasurementRecord, MemberRecord, MessageRecord, NodeRecord, Report, ServiceRecord, StateCounts,
    SummaryRecord, to_yaml,
};
pub use table::{columns, table};
pub use text::{one_line, shown_width};
pub use tree::{TreeOptions, tree};
pub use view::{Counts, View};
pub use when::{ago, clock};
