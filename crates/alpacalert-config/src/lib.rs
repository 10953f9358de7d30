//! From the text of a configuration to a validated plan, or to every mistake in it at once.
//!
//! [`load`] reads one file or a folder, [`parse`] does the same with texts. Both touch nothing else: no source is opened,
//! no secret is read. Every mistake is reported, each with its place, what was expected, and the nearest valid word.
//! [`Loaded::resolve`] then reads the secrets.
//!
//! Keys follow from the [`Shape`](alpacalert_instrument::Shape)s of the kinds that are registered: validation,
//! [`schema`], [`reference`](fn@reference) and [`kinds_reference`] all read the same descriptions.

mod check;
mod diagnostic;
mod form;
mod load;
mod mask;
pub mod plan;
mod quantity;
mod reference;
mod schema;
mod secrets;
mod text;
mod tree;
mod vocabulary;
mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics, Position, Severity};
pub use load::{Loaded, load, parse};
pub use plan::{
    AccessPlan, Anonymous, Concurrency, ExtensionPlan, GroupAccess, GroupPlan, HistoryPlan,
    LimitsPlan, MemberPlan, MemberTarget, Network, OidcPlan, Plan, ProxyPlan, ScopePlan, ServePlan,
    SourcePlan, TlsPlan, TokenPlan, UserPlan,
};
pub use reference::{kind_reference, kinds_reference, reference};
pub use schema::schema;
