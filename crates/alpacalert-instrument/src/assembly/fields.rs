//! What placeholders stand for.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::OnceLock;

use alpacalert_model::NodeId;

/// Tells what placeholders stand for, by the identity of a thing.
pub type TellFields = fn(&NodeId) -> BTreeMap<String, String>;

/// What placeholders such as `{name}` stand for, by their names. Reads like a map, and is made when it is first read: most
/// things have no sensors with placeholders.
#[derive(Clone, Debug)]
pub struct Fields {
    id: NodeId,
    said: BTreeMap<String, String>,
    told_by_id: Option<TellFields>,
    whole: OnceLock<BTreeMap<String, String>>,
}

impl Fields {
    /// What was said counts most, then what the identity tells, and then what every thing has.
    pub(crate) fn new(
        id: NodeId,
        said: BTreeMap<String, String>,
        told_by_id: Option<TellFields>,
    ) -> Fields {
        Fields {
            id,
            said,
            told_by_id,
            whole: OnceLock::new(),
        }
    }
}

impl Deref for Fields {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        self.whole.get_or_init(|| {
            let id = &self.id;
            let mut fields = self.said.clone();
            let usual = [
                ("source", id.source().to_string()),
                ("kind", id.kind().to_string()),
                ("reference", id.reference().to_string()),
                ("name", id.reference().to_string()),
            ];
            let usual = usual.map(|(name, value)| (name.to_owned(), value));
            let told = self.told_by_id.map(|tell| tell(id)).unwrap_or_default();
            for (name, value) in told.into_iter().chain(usual) {
                fields.entry(name).or_insert(value);
            }
            fields
        })
    }
}
