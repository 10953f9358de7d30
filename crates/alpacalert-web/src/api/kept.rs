//! Lists of nodes that were made for one request and are told again to others, while nothing is different.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use alpacalert_model::Timestamp;
use axum::body::Bytes;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::lists::Wanted;
use crate::{Live, Viewer};

/// A list is made anew after this long although nothing is different: `generated_at` in it is never older.
const FRESH: Duration = Duration::from_secs(1);

/// What all lists may weigh together: 80 of the largest sort that is usual, a thousand nodes with a short message each.
const WEIGHT_MAX: u64 = 16 * 1024 * 1024;

/// What a list weighs beside its body, at least: so that there are at most 16,384, however small.
const WEIGHT_MIN: usize = 1024;

/// The newest lists. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(super) struct Lists(Cache<Question, Arc<Told>>);

/// What a list answers. Another revision of the graph, another viewer or another query is another question, so that nobody is
/// told what is over or what somebody else may see.
#[derive(PartialEq, Eq, Hash)]
struct Question {
    revision: u64,
    instance: Arc<str>,
    viewer: Viewer,
    wanted: Wanted,
}

/// A list as it is sent.
pub(super) struct Told {
    pub(super) body: Bytes,
    /// Of everything but the time at which it was made.
    pub(super) etag: String,
}

impl Default for Lists {
    fn default() -> Self {
        let weigh = |question: &Question, told: &Arc<Told>| {
            let weight = WEIGHT_MIN + question.wanted.weight() + told.body.len();
            weight.try_into().unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .max_capacity(WEIGHT_MAX)
            .weigher(weigh)
            .time_to_live(FRESH)
            // What is asked now is asked again, or never: there is no use in what was asked often.
            .eviction_policy(EvictionPolicy::lru());
        Lists(cache.build())
    }
}

impl Lists {
    /// The list as it is now for this viewer. `None` when the engine has ended.
    ///
    /// Asks the graph each time whether anything is different, which costs microseconds; makes the list only if so, once for
    /// all who ask the same meanwhile.
    pub(super) async fn newest(
        &self,
        live: &Live,
        viewer: Viewer,
        wanted: Wanted,
    ) -> Option<Arc<Told>> {
        let question = Question {
            revision: live.query(|graph| graph.revision()).await?,
            instance: live.instance(),
            viewer,
            wanted,
        };
        // What is made may be of a later revision than asked for, never of an earlier one.
        let make = Told::make(
            live.clone(),
            question.instance.to_string(),
            question.viewer.clone(),
            question.wanted.clone(),
        );
        self.0.optionally_get_with(question, make).await
    }
}

impl Told {
    async fn make(
        live: Live,
        instance: String,
        viewer: Viewer,
        wanted: Wanted,
    ) -> Option<Arc<Told>> {
        let list = live.query(move |graph| wanted.list(graph, &viewer, instance, Timestamp::now()));
        let list = list.await?;
        let mut hasher = DefaultHasher::new();
        (&list.instance, list.total, &list.next, &list.nodes).hash(&mut hasher);
        Some(Arc::new(Told {
            etag: format!("\"{:016x}\"", hasher.finish()),
            body: serde_json::to_vec(&list).ok()?.into(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::lists::Filter;

    #[tokio::test]
    async fn lists_weigh_no_more_than_they_may_together() {
        let lists = Lists::default();
        for revision in 0..100 {
            let question = Question {
                revision,
                instance: "here".into(),
                viewer: Viewer::Operator,
                wanted: Wanted::new(Filter::default()).unwrap(),
            };
            let told = Told {
                body: vec![0; 1024 * 1024].into(),
                etag: String::new(),
            };
            lists.0.insert(question, Arc::new(told)).await;
        }
        lists.0.run_pending_tasks().await;
        let weight = lists.0.weighted_size();
        assert!((1..=WEIGHT_MAX).contains(&weight), "{weight}");
    }
}
