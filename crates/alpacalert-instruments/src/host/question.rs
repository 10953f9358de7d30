//! Questions to file systems that may never answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use alpacalert_instrument::{Reason, SensorError};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// How many questions can be open at once, in the whole program. Each holds a thread of the runtime's pool until the file
/// system answers, and a dead server never does.
static OPEN: Semaphore = Semaphore::const_new(16);

/// How long a file system has to answer: less than the time-out of a sensor, so that the sensor can say what it waits for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The questions of one sensor, of which at most one is open.
#[derive(Debug)]
pub(crate) struct Question<T> {
    open: Mutex<Option<JoinHandle<T>>>,
}

impl<T> Default for Question<T> {
    fn default() -> Self {
        Question {
            open: Mutex::new(None),
        }
    }
}

impl<T: Send + 'static> Question<T> {
    /// Asks on a thread of its own. `None` when there is no answer in time, or when there still is none to the question of
    /// the look before.
    pub(crate) async fn ask(
        &self,
        path: &str,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, SensorError> {
        let open = self.lock().take();
        let mut asked = match open {
            Some(asked) if !asked.is_finished() => {
                *self.lock() = Some(asked);
                return Ok(None);
            }
            _ => {
                let slot = OPEN.try_acquire().map_err(|_| no_slot(path))?;
                tokio::task::spawn_blocking(move || {
                    let _slot = slot;
                    question()
                })
            }
        };
        match tokio::time::timeout(PATIENCE, &mut asked).await {
            Ok(Ok(answer)) => Ok(Some(answer)),
            Ok(Err(error)) => Err(SensorError::new(
                Reason::SENSOR_BROKEN,
                format!("cannot ask about {path}"),
            )
            .because(error)),
            Err(_) => {
                *self.lock() = Some(asked);
                Ok(None)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<T>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_slot(path: &str) -> SensorError {
    SensorError::new(
        Reason::fixed("no-slot"),
        format!("cannot ask about {path}: too many other file systems do not answer"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_question_without_answer_is_not_asked_again() {
        let question = Question::default();
        let (answer, wait) = std::sync::mpsc::channel::<()>();
        // The paused clock stands still while a thread works, so it is pushed.
        let first = question.ask("/x", move || wait.recv().is_ok());
        let (first, ()) = tokio::join!(first, tokio::time::advance(PATIENCE * 2));
        assert!(matches!(first, Ok(None)));
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let flag = asked.clone();
        let second = question.ask("/x", move || {
            flag.store(true, std::sync::atomic::Ordering::SeqCst);
            true
        });
        assert!(matches!(second.await, Ok(None)));
        assert!(!asked.load(std::sync::atomic::Ordering::SeqCst));
        answer.send(()).unwrap();
        tokio::time::resume();
        for _ in 0..100 {
            if let Ok(Some(true)) = question.ask("/x", || true).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no answer");
    }
}
